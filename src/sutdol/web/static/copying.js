// Buttons that copy a text, also where the browser keeps its clipboard for HTTPS alone.
import { h } from "./dom.js";
import { toast } from "./talk.js";
import { t } from "./words.js";

const SHOWN = 2000; // milliseconds

async function copy(text, near) {
  if (navigator.clipboard && window.isSecureContext) return navigator.clipboard.writeText(text);
  const hidden = h("textarea", { class: "unseen", readOnly: true, "aria-label": t("Copy") });
  hidden.value = text;
  near.after(hidden); // within the same dialog, which makes all else inert
  hidden.select();
  const done = document.execCommand("copy");
  hidden.remove();
  near.focus();
  if (!done) throw new Error("copy");
}

// `text` is a function, so that what is copied is what stands there now.
export function copier(text, label = null) {
  const name = (shown, spoken) => {
    button.textContent = shown;
    if (spoken) button.setAttribute("aria-label", spoken);
    else button.removeAttribute("aria-label"); // a name that changes is read aloud
  };
  const button = h("button", { type: "button", onclick: async () => {
    try {
      await copy(text(), button);
      name(t("Copied"));
      setTimeout(() => name(t("Copy"), label), SHOWN);
    } catch {
      toast(t("Your browser did not let it be copied: select it and copy it yourself."), { bad: true });
    }
  } });
  name(t("Copy"), label);
  return button;
}

// A piece of text to be copied into a terminal or a file.
export const snippet = (text, name) =>
  h("div", { class: "snippet" }, h("pre", {}, text), copier(() => text, t("Copy: {name}", { name })));
