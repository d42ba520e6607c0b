// Who one is here, a new password, and the end of all that one said.
import { get, patch, remove } from "../api.js";
import { $, fill, h, named } from "../dom.js";
import { submits } from "../form.js";
import { means } from "../roles.js";
import { field, question, toast } from "../talk.js";
import { t } from "../words.js";

const SIGN_IN = "/sign-in?next=/settings";

async function change({ current, password, again }) {
  if (password !== again) throw new Error(t("The two passwords differ."));
  await patch("/api/v1/me", { current, password });
  location.assign(SIGN_IN); // all sessions have ended, this one too
}

async function erase() {
  const word = t("erase"), type = t("Type {word} to go on", { word });
  const typed = h("input", { name: "word", autocomplete: "off", autocapitalize: "none", spellcheck: "false" });
  let erased = null;
  await question({
    title: t("Erase all your conversations?"),
    text: t("Every conversation that was kept for you, with all that was said in it, is erased at once and for good. Nobody can bring it back."),
    action: t("Erase all"),
    danger: true,
    fields: [field(type, typed)],
    deed: async (values) => {
      if (values.word.trim().normalize("NFC") !== word) throw new Error(type);
      ({ erased } = await remove("/api/v1/conversations?confirm=all"));
    },
  });
  if (erased !== null) toast(t("{n} conversation was erased.|{n} conversations were erased.", { n: erased }));
}

function facts(who, signed) {
  const pair = (name, ...value) => [h("dt", {}, name), h("dd", {}, value)];
  const does = [named(who.role), h("span", { class: "muted" }, ` · ${means(who.role)}`)];
  return h("dl", { class: "pairs" },
    signed ? pair(t("Name"), h("b", {}, who.name)) : pair(t("Signed in"), t("nobody has to")),
    pair(t("Role"), does),
    signed ? pair(t("Id"), h("code", {}, who.user)) : null);
}

export async function profile() {
  const form = $("#change-password");
  fill($("#me"), facts(await get("/api/v1/me"), Boolean(form)));
  if (form) {
    form.hidden = false;
    submits(form, change);
  }
  $("#erase").onclick = erase;
}
