// Changes of champion by hand: what is asked before, and the way back after.
import { post } from "../api.js";
import { $, h } from "../dom.js";
import { UNDO } from "./past.js";
import { busy, field, question, toast } from "../talk.js";
import { t } from "../words.js";

const path = (role, deed) => `/api/v1/models/${encodeURIComponent(role)}/${deed}`;

const reason = () => field(
  t("Reason"), h("input", { name: "reason", required: true, maxLength: 500, autocomplete: "off" }),
  t("It stays in the history with your name."));

// From the champion to the one before it; `changed` is called when it is done, and when it is undone.
export async function rollBack(role, { from, to }, changed) {
  const opener = document.activeElement;
  let done = null;
  await question({
    title: t("Roll back to {version}?", { version: to }),
    text: [
      t("{to} decides from then on, in place of {from}. Its model is proven to load before anything changes.",
        { from, to }),
      t("The error budget goes back to where it stood under {to}, and looks since then stay spent. {from} can be promoted again by hand, which pays none of them back.", { from, to }),
    ],
    action: t("Roll back"),
    danger: true,
    fields: [reason()],
    deed: async (given) => { done = await post(path(role, "rollback"), given); },
  });
  if (!done) return;
  await changed();
  const undo = () => busy(null, async () => {
    await post(path(role, "promote"), { version: done.replaced, reason: UNDO });
    await changed();
    toast(t("{version} is the champion again.", { version: done.replaced }));
  });
  const { champion: version, replaced } = done;
  offer(t("{version} is the champion again, in place of {replaced}.", { version, replaced }), undo, opener);
}

// A version that no verdict lets reign.
export async function promote(role, { from, to }, changed) {
  let done = null;
  await question({
    title: t("Promote {version} by hand?", { version: to }),
    text: [
      t("{to} decides from then on, in place of {from}. No verdict says that it is better: you do.", { from, to }),
      t("No look of the error budget is paid back, and the gate goes on from {to}. You can roll back at any time.",
        { to }),
    ],
    action: t("Promote"),
    danger: true,
    fields: [reason()],
    deed: async (given) => { done = await post(path(role, "promote"), { version: to, ...given }); },
  });
  if (!done) return;
  await changed();
  toast(t("{version} is the champion now.", { version: done.champion }));
}

// A toast whose button has the focus: who has just decided by keyboard would not reach it in time.
function offer(text, undo, opener) {
  const before = document.activeElement;
  const back = () => (opener.checkVisibility() ? opener : before).focus();
  const close = toast(text, { undo: async () => { await undo(); back(); } });
  const made = $("#toasts .toast:last-child");
  made.addEventListener("keydown", (event) => { if (event.key === "Escape") { close(); back(); } });
  $("button", made).focus();
}
