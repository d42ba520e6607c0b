// Where one writes: grows with the text, keeps it as a draft, and knows when Enter means to send.
import { $ } from "../dom.js";
import { t } from "../words.js";

const KEY = (id) => `sutdol.draft.${id || "new"}`;
const COMPOSING = 229; // what keydown says of a key that an input method takes
const LONG = 10000; // characters that fill the room there is in any case: to measure more takes seconds

// `send(text)` and `stop()` are what its button does, `leave()` what Escape does besides.
export function composer({ send, stop, leave }) {
  const form = $("#composer"), area = $("textarea", form), button = $("#send"), ends = $("#stop");
  const isFine = matchMedia("(pointer: fine)").matches; // elsewhere a focus brings up a keyboard
  let id = "", kept = null, answers = false, allowed = false;

  function grow() {
    if (area.value.length > LONG) return area.style.setProperty("height", "40dvh");
    area.style.setProperty("height", "auto");
    area.style.setProperty("height", `${area.scrollHeight + 2}px`);
  }

  function changed() {
    if (kept === null) keep();
    grow();
    button.disabled = answers || !allowed || !area.value.trim();
  }

  function keep() {
    if (area.value) sessionStorage.setItem(KEY(id), area.value);
    else sessionStorage.removeItem(KEY(id));
  }

  function submit() {
    const text = area.value.trim();
    if (!answers && allowed && text) send(text);
  }

  form.addEventListener("submit", (event) => { event.preventDefault(); submit(); });
  area.addEventListener("input", changed);
  area.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === COMPOSING) return;
    if (!isFine) return; // there Enter is for lines: a thumb is near the button
    event.preventDefault();
    submit();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || event.isComposing || event.defaultPrevented) return;
    if ($("dialog[open], [popover]:popover-open")) return; // it is closed by that
    if (answers) stop();
    else leave();
  });
  // It stands where one sent: the second click of two was not meant for it.
  ends.addEventListener("click", (event) => { if (event.detail < 2) stop(); });

  const write = (text) => { area.value = text; changed(); };
  return {
    get text() { return area.value; },
    write,
    focus() { if (isFine) area.focus({ preventScroll: true }); },
    // The draft of another conversation.
    open(name) { id = name; kept = null; write(sessionStorage.getItem(KEY(id)) ?? ""); },
    // What is written from here on is the draft of this conversation: it was new until now.
    named(name) { sessionStorage.removeItem(KEY(id)); id = name; },
    // Something else is written for a while: the draft waits.
    borrow(text) { kept ??= area.value; write(text); area.focus(); },
    giveBack() { const text = kept ?? area.value; kept = null; write(text); },
    // While an answer comes, the button stops it.
    answering(now) {
      answers = now;
      if (document.activeElement === (now ? button : ends)) area.focus({ preventScroll: true });
      button.hidden = now;
      ends.hidden = !now;
      changed();
    },
    allow(now) { allowed = now; area.placeholder = now ? t("Write a message") : t("No model answers yet"); changed(); },
  };
}
