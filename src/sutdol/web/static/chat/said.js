// Messages of a conversation as elements: what was said, when, and what one can do with it.
import { judging } from "./thumbs.js";
import { copier } from "../copying.js";
import { fill, h, icon } from "../dom.js";
import { growing, render } from "./markdown.js";
import { language, moment, number, t } from "../words.js";

const clock = new Intl.DateTimeFormat(language, { timeStyle: "short" });
const SLOW = 6; // drawing may take one of so many milliseconds

// A message as the API tells it; `deeds` are { retry, edit }, functions of the message.
export function said(message, deeds) {
  const { role, content } = message;
  if (role === "user") return item("mine", t("You"), plain(content), acts(message, deeds));
  if (role === "assistant") return item("answer", t("Answer"), formed(message), acts(message, deeds));
  return h("li", { class: "said other" }, folded(message));
}

const item = (side, name, ...parts) => h("li", { class: `said ${side}` }, h("h2", { class: "unseen" }, name), parts);
const plain = (text) => h("div", { class: "text plain" }, text);

function formed({ content, body }) {
  const names = (body?.tool_calls ?? []).map((one) => h("code", {}, one.function?.name));
  const calls = names.map((one) => h("p", { class: "muted" }, t("Calls"), " ", one));
  return h("div", { class: "text formed" }, render(content), calls);
}

// What a program said: there, but not in the way.
const folded = ({ role, content }) =>
  h("details", {}, h("summary", {}, role === "tool" ? t("What a tool answered") : t("Instructions")), plain(content));

function acts(message, { retry, edit }) {
  const { role, id, content, body, created_at: at } = message, mine = role === "user", why = body?.finish_reason;
  const copy = copier(() => content);
  copy.classList.add("quiet");
  return h("div", { class: "acts" },
    why === "stopped" ? h("span", { class: "badge" }, t("Stopped")) : null,
    why === "error" ? h("span", { class: "badge warn" }, t("Broken off")) : null,
    h("span", { class: "about" }, mine ? null : facts(message), time(at)),
    content ? copy : null,
    mine && !body?.content ? act("edit", t("Edit"), () => edit(message), "edits") : null,
    !mine && id && why !== "error" ? judging(message) : null,
    act("retry", mine ? t("Ask again") : t("Retry"), retry, "last"));
}

const facts = ({ model, timing }) => [model, ...(timing ?? [])].filter(Boolean).map((one) => [one, " · "]);
const act = (sign, text, deed, name) =>
  h("button", { type: "button", class: `quiet ${name}`, onclick: () => deed() }, icon(sign), text);

function time(iso) {
  const at = new Date(iso), isToday = at.toDateString() === new Date().toDateString();
  return h("time", { datetime: iso, title: moment(iso) }, isToday ? clock.format(at) : moment(iso));
}

// An answer that is coming: `add` pieces of it, and `end` it with the message that it has become.
export function coming(deeds, drawn) {
  const text = h("div", { class: "text formed" });
  const status = h("p", { class: "muted waits" }, t("Waiting for the model …"));
  const element = item("answer", t("Answer"), status, text);
  const view = growing(text), started = performance.now();
  let whole = "", due = 0, next = 0, first = 0, tokens = 0;

  function draw(now) {
    due = now < next ? requestAnimationFrame(draw) : 0;
    if (due) return;
    view.set(whole);
    drawn();
    next = now + SLOW * (performance.now() - now);
  }

  return {
    element,
    get text() { return whole; },
    get plain() { return text.textContent; },
    add(piece) {
      tokens = piece.tokens ?? tokens;
      if (piece.thinks && !whole) fill(status, t("The model thinks …"));
      if (!piece.text) return;
      first ||= performance.now();
      whole += piece.text;
      status.remove();
      due ||= requestAnimationFrame(draw);
    },
    // Seconds, and tokens a second: measured here, so for the answers of this visit alone.
    timing() {
      const now = performance.now(), written = (now - first) / 1000;
      const pace = tokens > 1 && written > 0.2 ? t("{n} tokens/s", { n: number(tokens / written, 0) }) : null;
      return [t("{n} s", { n: number((now - started) / 1000, 1) }), pace];
    },
    end(message, wrong) {
      cancelAnimationFrame(due);
      status.remove();
      view.end(whole);
      element.append(...[wrong, acts(message, deeds)].filter(Boolean));
      drawn();
    },
  };
}
