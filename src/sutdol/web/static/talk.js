// What pages say and ask in passing: toasts, questions before a deed, buttons that are busy.
import { explained } from "./api.js";
import { $, fill, h } from "./dom.js";
import { t } from "./words.js";

// Says it for a while; `undo` is a function that a button calls. Returns what takes it away.
export function toast(text, { bad = false, undo = null, label = t("Undo"), lasts = undo || bad ? 8000 : 4000 } = {}) {
  const shown = h("div", { class: `toast ${bad ? "bad" : ""}` }, h("p", {}, text));
  let timer = null;
  const close = () => { clearTimeout(timer); shown.remove(); };
  // Time does not run out on whoever points at it or is about to press its button.
  const wait = () => { clearTimeout(timer); if (!shown.matches(":hover, :focus-within")) timer = setTimeout(close, lasts); };
  if (undo) shown.append(h("button", { type: "button", class: "link", onclick: () => { close(); undo(); } }, label));
  else shown.append(h("button", { type: "button", class: "link", "aria-label": t("Close"), onclick: close }, "×"));
  for (const one of ["pointerenter", "pointerleave", "focusin", "focusout"]) shown.addEventListener(one, () => setTimeout(wait));
  $("#toasts").append(shown);
  wait();
  return close;
}

export const failed = (error) => {
  if (error.name !== "AbortError") toast(explained(error), { bad: true });
  if (!("status" in error) && error.name !== "AbortError") console.error(error);
};

// Runs a deed with its button shown as busy; says what went wrong. Whether it went well.
export async function busy(button, deed) {
  if (button?.getAttribute("aria-busy") === "true") return false;
  button?.setAttribute("aria-busy", "true");
  try {
    await deed();
    return true;
  } catch (error) {
    failed(error);
    return false;
  } finally {
    button?.removeAttribute("aria-busy");
  }
}

// A question with what will happen; `fields` are elements with a name. The values, or null for no.
// With `deed`, the dialog stays open and says why when the deed fails.
export function question({ title, text, action, danger = false, fields = [], deed = null }) {
  const wrong = h("p", { class: "wrong", role: "alert", hidden: true });
  const yes = h("button", { class: `primary ${danger ? "danger" : ""}` }, action);
  const no = h("button", { type: "button" }, t("Cancel"));
  const form = h("form", { method: "dialog" },
    h("h2", { id: "asked" }, title), text ? h("div", { class: "stack" }, [text].flat().map((one) => (typeof one === "string" ? h("p", {}, one) : one))) : null,
    fields, wrong, h("div", { class: "row" }, no, yes));
  const dialog = h("dialog", { "aria-labelledby": "asked" }, form);
  document.body.append(dialog);
  return new Promise((resolve) => {
    let given = null;
    no.onclick = () => dialog.close();
    dialog.onclose = () => { dialog.remove(); resolve(given); };
    form.onsubmit = async (event) => {
      event.preventDefault();
      const values = Object.fromEntries(new FormData(form));
      try {
        yes.setAttribute("aria-busy", "true");
        if (deed) await deed(values);
        given = values;
        dialog.close();
      } catch (error) {
        wrong.hidden = false;
        fill(wrong, explained(error));
      } finally {
        yes.removeAttribute("aria-busy");
      }
    };
    dialog.showModal();
    (fields.length ? $("input, select, textarea", form) : danger ? no : yes)?.focus();
  });
}

// A labelled input: field("Name", h("input", { name: "name" }), "what it is for")
let numbered = 0;
export function field(label, control, hint = null) {
  control.id ||= `field-${++numbered}`;
  const small = hint ? h("small", { id: `${control.id}-hint` }, hint) : null;
  if (small) control.setAttribute("aria-describedby", small.id);
  return h("div", { class: "field" }, h("label", { for: control.id }, label), control, small);
}

export const select = (name, options, chosen) =>
  h("select", { name }, options.map(([value, text]) => h("option", { value, selected: value === chosen }, text)));
