// Saying something and hearing the answer: sent, stopped, tried again, said another way, undone.
import { explained, get, post, url } from "../api.js";
import { asking } from "./ask.js";
import { complain, cut, greet, name, open, PATH, placeOf, put, room, view } from "./room.js";
import { coming } from "./said.js";
import { $, fill, h } from "../dom.js";
import { failed, toast } from "../talk.js";
import { t } from "../words.js";

const SOON = 20, LATE = 2000; // milliseconds within which a server has written what was stopped
let answering = null, editing = null, unsay = () => {};

// `pen`: where one writes; `model()`: who is asked; `told(conversation)`: it is new, or was gone on with.
export function speech({ pen, model, told }) {
  room.deeds = { retry, edit };

  // Says something. `from`: the message that it stands for, which goes with all that came after it.
  async function say(content, { from = editing, text = content } = {}) {
    if (answering) return;
    const edited = Boolean(editing), { promise, resolve } = defer();
    answering = { stopper: new AbortController(), over: promise };
    $("#room").classList.add("answering");
    complain(null);
    unsay();
    if (edited) settle();
    else if (!from) pen.write("");
    pen.answering(true);
    try {
      await exchange(content, text, { from, edited });
    } catch (error) {
      failed(error);
    } finally {
      answering = null;
      $("#room").classList.remove("answering");
      pen.answering(false);
      resolve();
    }
  }

  async function exchange(content, text, { from, edited }) {
    const { signal } = answering.stopper, id = room.about?.id, place = from ? placeOf(from) : room.shown.length;
    const lost = room.shown.length - place, dropped = cut(place);
    room.lost = false; // what is said where nothing was found begins anew
    const body = content === text ? {} : { content };
    const question = put({ role: "user", content: text, body, created_at: new Date().toISOString() });
    const answer = coming(room.deeds, view.follow);
    $("#turns").append(answer.element);
    greet();
    view.latest();
    if (from) pen.focus(); // the button that was pressed is gone
    let head;
    try {
      if (from) await post(`${PATH}/${id}/rewind`, { message: from.id });
      head = await asking({ model: model(), content, conversation: id, signal });
    } catch (error) {
      answer.element.remove();
      await takeBack(error, text, { from, edited, id, place, dropped });
      return;
    }
    question.message.id = head.question;
    if (!id) begun(head.conversation, text);
    if (lost > 1 || edited) offer(from.id, head.question, lost - 1);
    await hear(answer, head, signal);
  }

  // Nothing was said: what stood there comes back, and the text to where it was written; the text
  // first, as it must not be lost where the server is away or asks to sign in again.
  async function takeBack(error, text, { from, edited, id, place, dropped }) {
    if (!from && !pen.text) pen.write(text);
    if (from) await post(`${PATH}/${id}/restore`, { message: from.id }).catch(() => {});
    const found = id && await open(id).catch(() => false);
    if (!found) {
      cut(place);
      for (const one of dropped) put(one.message, one.element);
      greet();
    }
    const there = from && room.shown.find((one) => one.message.id === from.id)?.message;
    if (edited && there) rewrite(there, text);
    else if (!there && !pen.text) pen.write(text);
    if (error.name === "AbortError") return;
    if (!("status" in error)) throw error;
    complain(reason(error, from && !there));
  }

  function reason(error, isLost) {
    if (isLost) return t("The server did not keep this message: send it again.");
    return error.code === "content_filter" ? t("The guard blocked this message. Say it another way, and send it again.")
      : explained(error);
  }

  function begun(id, text) {
    history.replaceState(null, "", `/chat/${id}`);
    pen.named(id);
    name({ id, title: text.trim().split("\n")[0].slice(0, 80), updated_at: new Date().toISOString(), count: 0 });
    told(room.about);
  }

  // Reads the answer to its end, whatever that is.
  async function hear(answer, head, signal) {
    const body = {};
    let wrong = null;
    const broke = (text) => { wrong = text; body.finish_reason = "error"; };
    try {
      for await (const piece of head.pieces) {
        answer.add(piece);
        if (piece.finish === "length") wrong = t("The answer is as long as it may be, and ends here.");
        if (piece.finish === "content_filter") broke(t("The guard stopped this answer."));
      }
    } catch (error) {
      if (signal.aborted) body.finish_reason = "stopped";
      else broke(error.code === "content_filter" ? t("The guard stopped this answer.") : explained(error));
      if (!signal.aborted && !("status" in error)) console.error(error);
    }
    const message = {
      id: answer.text ? head.id : null, role: "assistant", content: answer.text, body, model: model(),
      created_at: new Date().toISOString(), timing: answer.timing(),
    };
    answer.end(message, wrong && h("p", { class: "notice warn" }, wrong));
    put(message, answer.element);
    const came = signal.aborted ? t("Stopped") : t("The answer is there: {text}", { text: brief(answer.plain) });
    announce(wrong ?? came);
    if (signal.aborted) await kept(head);
    await retell(head.conversation).catch((error) => { if (!wrong) throw error; }); // else enough is said
  }

  async function retell(id) {
    const { messages: _, ...found } = await get(url(`${PATH}/${id}`, { limit: 1 }));
    if (room.about?.id === id) name(found);
    told(found);
  }

  // The last question again; what was sent with it besides text, such as pictures, goes along.
  function retry() {
    const last = room.shown.findLast((one) => one.message.role === "user")?.message;
    if (!last?.id || answering) return;
    settle();
    say(last.body?.content ?? last.content, { from: last, text: last.content });
  }

  function edit(message) {
    if (!answering && message.id) rewrite(message, message.content);
  }

  function rewrite(message, text) {
    settle();
    editing = message;
    const n = room.shown.length - placeOf(message) - 1;
    for (const one of room.shown) one.element.classList.toggle("edited", one.message === message);
    const drops = t("Sending this drops {n} message after it.|Sending this drops {n} messages after it.", { n });
    fill($("#edits span"), n ? drops : t("You edit your message."));
    $("#edits").hidden = false;
    pen.borrow(text);
  }

  // No longer edits.
  function settle() {
    if (!editing) return;
    editing = null;
    for (const one of room.shown) one.element.classList.remove("edited");
    $("#edits").hidden = true;
    pen.giveBack();
  }

  // What was dropped can come back, in the place of what was said since.
  function offer(before, now, n) {
    const { id } = room.about;
    const undo = async () => {
      try {
        stop();
        await answering?.over;
        await post(`${PATH}/${id}/rewind`, { message: now });
        await post(`${PATH}/${id}/restore`, { message: before });
        if (room.about?.id === id) await open(id);
        pen.focus();
      } catch (error) {
        failed(error);
      }
    };
    const dropped = t("{n} message was dropped.|{n} messages were dropped.", { n });
    unsay = toast(n ? dropped : t("Your message was replaced."), { undo });
  }

  return { say, stop, settle, leave };
}

function stop() {
  answering?.stopper.abort();
}

// Before another conversation is shown: an answer that is under way ends, and what came of it stays.
async function leave() {
  unsay();
  if (!answering) return;
  stop();
  await answering.over;
  toast(t("The answer was stopped. What had come of it is kept."));
}

// Until the server has noticed that nobody listens, and has written down what came until then.
async function kept({ conversation, question, id }) {
  for (let wait = SOON; wait < LATE; wait *= 2) {
    await new Promise((resolve) => { setTimeout(resolve, wait); });
    const { messages } = await get(url(`${PATH}/${conversation}`, { limit: 1 }));
    if ([question, id].includes(messages[0]?.id)) return;
  }
}

const brief = (text) => (text.length > 400 ? `${text.slice(0, 400)} …` : text);
const announce = (text) => fill($("#told"), text);

function defer() {
  const made = {};
  made.promise = new Promise((resolve) => { made.resolve = resolve; });
  return made;
}
