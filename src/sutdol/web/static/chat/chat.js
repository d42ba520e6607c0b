// The page on which people talk with models: one conversation at a time, and the list of all.
import { composer } from "./composer.js";
import { conversations } from "./list.js";
import { choice } from "./model.js";
import { greet, name, open, room, view } from "./room.js";
import { speech } from "./say.js";
import { $, $$ } from "../dom.js";
import { failed } from "../talk.js";

const main = $("main");
const LATE = 500; // milliseconds: a model server that is away may take longer to be missed
const pen = composer({
  send: (text) => speaking.say(text),
  stop: () => speaking.stop(),
  leave: () => speaking.settle(),
});
const speaking = speech({
  pen,
  model: () => model.name,
  told: (one) => { list.put(one); list.mark(room.about?.id ?? ""); },
});
const model = choice((found) => {
  room.answers = Boolean(found);
  pen.allow(room.answers);
  greet();
});
const list = conversations({
  open: go,
  renamed: (one) => { if (one.id === room.about?.id) name({ ...room.about, title: one.title }); },
  erased: (id) => { if (id === room.about?.id) go(""); },
});

// Goes to a conversation, "" is a new one.
async function go(id) {
  if ($("#talks").matches(":popover-open")) $("#talks").hidePopover();
  await speaking.leave();
  if (id !== idOf(location.pathname)) history.pushState(null, "", id ? `/chat/${id}` : "/chat");
  await show(id);
  pen.focus();
}

async function show(id) {
  try {
    if (!await open(id)) return;
    speaking.settle();
    pen.open(id);
    list.mark(id);
  } catch (error) {
    failed(error);
    history.replaceState(null, "", room.about ? `/chat/${room.about.id}` : "/chat");
  }
}

const idOf = (path) => decodeURIComponent(path.split("/")[2] ?? "");

addEventListener("popstate", async () => {
  await speaking.leave();
  await show(idOf(location.pathname));
});
document.addEventListener("keydown", (event) => {
  if (!(event.ctrlKey || event.metaKey) || !event.shiftKey || event.code !== "KeyO") return;
  event.preventDefault();
  go("");
});
for (const one of $$('[data-do="begin"]')) {
  one.onclick = (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    go("");
  };
}
for (const one of $$(".examples button")) one.onclick = () => { pen.write(one.textContent); pen.focus(); };
$("#edits button").onclick = () => { speaking.settle(); pen.focus(); };
$("#rename").onclick = () => list.rename(room.about);
list.tells($("#about"), () => room.about);

const models = Promise.race([model.load().catch(failed), new Promise((resolve) => { setTimeout(resolve, LATE); })]);
await Promise.all([models, list.load().catch(failed), show(idOf(location.pathname))]);
view.latest();
main.ariaBusy = null;
pen.focus();
