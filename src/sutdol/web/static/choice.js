// One of a few, as a row of buttons.
import { h } from "./dom.js";

// choice("Range", [["7", "7 days"], …], "7", (value) => {})
export function choice(label, options, chosen, changed) {
  const button = ([value, text]) =>
    h("button", { type: "button", "aria-pressed": String(value === chosen), onclick: () => choose(value) }, text);
  const buttons = options.map(button);
  function choose(value) {
    options.forEach(([one], index) => buttons[index].setAttribute("aria-pressed", String(one === value)));
    changed(value);
  }
  return h("div", { class: "choice", role: "group", "aria-label": label }, buttons);
}
