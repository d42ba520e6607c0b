// The conversation that is shown: its name, its messages, and what stands there when there are none.
import { get, url } from "../api.js";
import { said } from "./said.js";
import { scroll } from "./scroll.js";
import { $, fill } from "../dom.js";
import { failed } from "../talk.js";
import { t } from "../words.js";

export const PATH = "/api/v1/conversations";
const PART = 50; // messages that are shown at once
const log = $("#log"), turns = $("#turns"), earlier = $("#earlier");

// `about`: the conversation as the API tells it, null for a new one; `shown`: { message, element } in
// the order of the page; `deeds`: what one can do with a message; `answers`: whether a model does.
export const room = { about: null, shown: [], deeds: {}, answers: true, lost: false };
export const view = scroll(log, $("#latest"));

let wanted = 0;

// Shows a conversation, "" a new one. Whether it was not left again meanwhile.
export async function open(id) {
  const number = ++wanted;
  const found = id ? await get(url(`${PATH}/${id}`, { limit: PART })).catch(missing) : null;
  if (number !== wanted) return false;
  name(found);
  cut(0);
  for (const one of found?.messages ?? []) put(one);
  earlier.hidden = room.shown.length >= (found?.count ?? 0);
  room.lost = Boolean(id && !found);
  greet();
  complain(null);
  view.latest();
  return true;
}

function missing(error) {
  if (error.status !== 404) throw error;
  return null;
}

export function name(conversation) {
  room.about = conversation;
  const title = conversation ? conversation.title || t("Without a title") : t("New chat");
  fill($("#title"), title);
  document.title = `${title} · Sutdol`;
  for (const one of [$("#rename"), $("#about")]) one.hidden = !conversation;
}

// What stands in the place of messages.
export function greet() {
  const isEmpty = !room.shown.length && !room.lost;
  $("#lost").hidden = !room.lost;
  $("#empty").hidden = !isEmpty || !room.answers;
  $("#nobody").hidden = !isEmpty || room.answers;
}

export function put(message, element = said(message, room.deeds)) {
  const one = { message, element };
  room.shown.push(one);
  turns.append(element);
  return one;
}

// Takes messages away, from a place on, and returns them.
export function cut(place) {
  const gone = room.shown.splice(place);
  for (const one of gone) one.element.remove();
  return gone;
}

export const placeOf = (message) => room.shown.findIndex((one) => one.message === message);

// What is wrong, near to where one writes.
export function complain(text) {
  $("#wrong").hidden = !text;
  fill($("#wrong"), text ?? "");
}

earlier.onclick = async () => {
  const { about, shown } = room;
  try {
    const { messages } = await get(url(`${PATH}/${about.id}`, { limit: PART, before: shown[0].message.id }));
    if (room.about !== about) return;
    const made = messages.map((message) => ({ message, element: said(message, room.deeds) }));
    view.kept(() => turns.prepend(...made.map((one) => one.element)));
    shown.unshift(...made);
    earlier.hidden = messages.length < PART || shown.length >= about.count;
    if (earlier.hidden) log.focus({ preventScroll: true });
  } catch (error) {
    failed(error);
  }
};
