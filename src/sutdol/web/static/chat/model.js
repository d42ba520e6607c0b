// Which model is asked: those that there are, the one chosen last, and what is wrong where there is none.
import { get } from "../api.js";
import { $, fill, h } from "../dom.js";
import { busy } from "../talk.js";
import { t } from "../words.js";

const KEY = "sutdol.model";

// `found(name)` is told which model answers, "" if none does.
export function choice(found) {
  const select = $("#model"), trouble = $("#trouble");
  const made = { name: "", load };

  async function load() {
    const { data } = await get("/v1/models");
    const names = data.map((one) => one.id), last = localStorage.getItem(KEY);
    made.name = names.includes(last) ? last : (names[0] ?? "");
    fill(select, names.map((name) => h("option", { value: name, selected: name === made.name }, name)));
    select.closest("label").hidden = !names.length;
    if (!names.length) await explain();
    found(made.name);
  }

  // What is wrong with the servers that are configured, but list no model.
  async function explain() {
    const { data } = await get("/api/v1/upstreams");
    const told = ({ name, trouble: why }) =>
      (why?.startsWith(name) ? why : [h("b", {}, name), ": ", why ?? t("It lists no models.")]);
    fill(trouble, data.map((one) => h("li", {}, told(one))));
    trouble.hidden = !data.length;
  }

  select.onchange = () => {
    made.name = select.value;
    localStorage.setItem(KEY, made.name);
  };
  $("#again").onclick = (event) => busy(event.currentTarget, load);
  return made;
}
