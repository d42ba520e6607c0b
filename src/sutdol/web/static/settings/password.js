// A password for somebody else: seen while it is written, as it has to be passed on.
import { copier } from "../copying.js";
import { h } from "../dom.js";
import { field } from "../talk.js";
import { t } from "../words.js";

const LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"; // none that is taken for another
const LENGTH = 20;

function generated() {
  const fair = 256 - (256 % LETTERS.length); // above it the first letters would come more often
  const found = [];
  while (found.length < LENGTH) {
    const more = [...crypto.getRandomValues(new Uint8Array(LENGTH))];
    found.push(...more.filter((one) => one < fair));
  }
  const letters = found.slice(0, LENGTH).map((one) => LETTERS[one % LETTERS.length]).join("");
  return letters.replace(/.{5}(?=.)/g, "$&-");
}

export function password(hint, required) {
  const input = h("input", {
    name: "password", autocomplete: "off", autocapitalize: "none", spellcheck: "false", minLength: 10, required,
  });
  const generate = () => { input.value = generated(); input.focus(); input.select(); };
  const whole = field(t("Password"), input, hint), row = h("div", { class: "secret" });
  input.replaceWith(row);
  row.append(input, h("button", { type: "button", onclick: generate }, t("Generate")),
    copier(() => input.value, t("Copy: {name}", { name: t("Password") })));
  return whole;
}
