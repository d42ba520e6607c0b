// What its reader says of an answer: a thumb, and what would have been better.
import { post, remove, url } from "../api.js";
import { h, icon } from "../dom.js";
import { busy, field, question, toast } from "../talk.js";
import { t } from "../words.js";

const LONGEST = 20480; // characters that may be learned from
const FEEDBACK = "/api/v1/feedback";
const given = JSON.parse(sessionStorage.getItem("sutdol.thumbs") ?? "{}"); // by message: was it up?

function keep(id, up) {
  if (up === null) delete given[id];
  else given[id] = up;
  sessionStorage.setItem("sutdol.thumbs", JSON.stringify(given));
}

export function judging(message) {
  const subject = { kind: "message", id: message.id };
  const thumb = (sign, name, up) => h("button", {
    type: "button", class: "quiet icon-only", "aria-label": name, title: name,
    onclick: (event) => busy(event.currentTarget, () => judge(up)),
  }, icon(sign));
  const good = thumb("up", t("Good answer"), true), bad = thumb("down", t("Bad answer"), false);

  function show() {
    good.setAttribute("aria-pressed", String(given[message.id] === true));
    bad.setAttribute("aria-pressed", String(given[message.id] === false));
  }

  async function judge(up) {
    const back = given[message.id] === up;
    if (back) await remove(url(FEEDBACK, { kind: "thumb", subject_kind: "message", subject: message.id }));
    else await post(FEEDBACK, { kind: "thumb", subject, value: { up } });
    keep(message.id, back ? null : up);
    show();
    dispatchEvent(new Event("feedback"));
    if (back) toast(t("Your thumb is taken back."));
    else if (up) toast(t("Thank you: a reviewer will see it."));
    else correct();
  }

  async function correct() {
    const before = message.content.length > LONGEST ? "" : message.content;
    const better = h("textarea", { name: "text", rows: 8, required: true, maxLength: LONGEST });
    better.value = before;
    better.setSelectionRange(0, 0); // it is read from its beginning
    const isOther = ({ text }) => text.trim() !== message.content.trim();
    const values = await question({
      title: t("What would have been better?"),
      text: t("Your thumb is noted. If you write the answer as it should have been, models can learn from it."),
      action: t("Send"),
      fields: [field(t("A better answer"), better)],
      deed: async (value) => { if (isOther(value)) await post(FEEDBACK, { kind: "correction", subject, value }); },
    });
    if (values && isOther(values)) toast(t("Thank you: a reviewer will see it."));
    dispatchEvent(new Event("feedback"));
  }

  show();
  return [good, bad];
}
