// Single keys for whoever works through many; they can be looked up, and switched off.
import { h } from "../dom.js";
import { t } from "../words.js";

const OFF = "sutdol_no_keys";
const TYPED = "input:not([type=checkbox]), select, textarea, [contenteditable]";

// The letter that stands on the key, also where the keyboard writes Korean.
const letter = (event) => (/^[a-z?]$/i.test(event.key) ? event.key : event.code.replace(/^Key/, "")).toLowerCase();

// deeds: { a: () => {} }; ArrowUp and ArrowDown where `inList(element)`.
export function keys(deeds, inList) {
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (event.target.matches?.(TYPED) || document.querySelector("dialog[open], [popover]:popover-open")) return;
    const arrow = { ArrowDown: "j", ArrowUp: "k" }[event.key];
    if (arrow && !inList(event.target)) return;
    const key = arrow ?? letter(event);
    if (!deeds[key] || (!arrow && key !== "?" && localStorage.getItem(OFF))) return;
    event.preventDefault();
    deeds[key]();
  });
}

const named = () => [
  [["J", "↓"], t("the next one")], [["K", "↑"], t("the one before")],
  [["A"], t("accept")], [["R"], t("reject it")], [["U", "Z"], t("take the last decision back")],
  [["X"], t("choose it, to decide several together")], [["S"], t("show a hidden text")], [["?"], t("this help")],
];

export function help() {
  const on = h("input", { type: "checkbox", checked: !localStorage.getItem(OFF), onchange: () => {
    if (on.checked) localStorage.removeItem(OFF);
    else localStorage.setItem(OFF, "1");
  } });
  const close = h("button", { class: "primary" }, t("Close"));
  const dialog = h("dialog", { "aria-labelledby": "keys-title", onclose: () => dialog.remove() },
    h("form", { method: "dialog" }, h("h2", { id: "keys-title" }, t("Shortcuts")),
      h("dl", { class: "pairs" }, named().map(([pressed, what]) =>
        [h("dt", {}, pressed.map((one) => [h("kbd", {}, one), " "])), h("dd", {}, what)])),
      h("p", { class: "muted" },
        t("A decision is sent after 5 seconds, or when you leave the page; until then it can be taken back.")),
      h("label", {}, on, " ", t("Single letters work on this page")),
      h("div", { class: "row" }, close)));
  document.body.append(dialog);
  dialog.showModal();
  close.focus();
}
