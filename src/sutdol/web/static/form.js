// Forms that stand alone on a page: they say what is wrong, and are busy while they ask. Their method
// is "dialog", so that one whose script did not come sends nothing: no password gets into an address.
import { explained } from "./api.js";
import { $ } from "./dom.js";
import { t } from "./words.js";

// In the language of the page, which need not be that of the browser.
function lacks({ validity, minLength, validationMessage }) {
  if (validity.valueMissing) return t("Fill this in.");
  return validity.tooShort ? t("At least {count} characters.", { count: minLength }) : validationMessage;
}

export function submits(form, deed) {
  const wrong = $('[role="alert"]', form), button = $("button.primary", form);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const first = [...form.elements].find((one) => !one.checkValidity?.());
    wrong.hidden = true;
    if (first) {
      wrong.hidden = false;
      wrong.textContent = `${form.querySelector(`label[for="${first.id}"]`)?.textContent ?? ""}: ${lacks(first)}`;
      first.focus();
      return;
    }
    if (button.getAttribute("aria-busy") === "true") return;
    button.setAttribute("aria-busy", "true");
    try {
      await deed(Object.fromEntries(new FormData(form)));
    } catch (error) {
      wrong.hidden = false;
      wrong.textContent = explained(error);
    } finally {
      button.removeAttribute("aria-busy");
    }
  });
}
