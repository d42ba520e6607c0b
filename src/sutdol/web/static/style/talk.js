// The style page's toasts and questions, which always come in the theme of the page.
import { h } from "../dom.js";
import { field, question, toast } from "../talk.js";
import { t } from "../words.js";

const button = (text, onclick) => h("button", { type: "button", onclick }, text);

async function name() {
  const fields = [field(t("Name"), h("input", { name: "name", required: true }))];
  const given = await question({ title: t("Give it a name"), action: t("Save"), fields });
  if (given) toast(given.name);
}

const lose = () => question({
  title: t("Delete this example?"), action: t("Delete"), danger: true,
  text: t("It is gone for good. Whatever was trained on it stays as it is."),
});

export function talk() {
  return [
    button(t("A toast"), () => toast(t("Saved."))),
    button(t("A toast that can be undone"), () => toast(t("Deleted."), { undo: () => toast(t("It is back.")) })),
    button(t("A toast that something failed"), () => toast(t("The server cannot be reached."), { bad: true })),
    button(t("A question"), name),
    button(t("A question before something is lost"), lose),
  ];
}
