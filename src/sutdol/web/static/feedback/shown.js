// One piece of feedback in words: in a line of the queue, and in full beside it.
import { changes } from "./changes.js";
import { ago, badge, empty, h, icon, named } from "../dom.js";
import { number, t } from "../words.js";

const MOST_CATEGORIES = 3;
const WORTH_TELLING = 0.01;
const labels = (one) => one.kind === "label" || one.kind === "score";
const ofGuard = (one) => one.subject.kind === "decision";

// What it is, as a heading.
export function title(one) {
  if (one.kind === "label") return one.value.label ? t("Label: violating") : t("Label: harmless");
  if (one.kind === "score") return one.value.label ? t("Suggested score: violating") : t("Suggested score: harmless");
  if (one.kind === "correction") return t("A better answer");
  if (one.kind === "click") return t("A passage was opened");
  if (ofGuard(one)) return one.value.up ? t("Thumb up for the guard") : t("Thumb down for the guard");
  return one.value.up ? t("Thumb up for an answer") : t("Thumb down for an answer");
}

// What somebody wrote or chose: the words that tell it from others.
export const words = (one) => one.value.text ?? (one.value.comment || one.value.passage) ?? "";

export function mark(one) {
  const [name, tone] = labels(one) ? (one.value.label ? ["flag", "down"] : ["check", "up"])
    : one.kind === "thumb" ? (one.value.up ? ["up", "up"] : ["down", "down"])
    : [one.kind === "click" ? "click" : "edit", ""];
  return h("span", { class: `mark-of ${tone}` }, icon(name));
}

// Who said it; without keys, all are one.
export const by = (one) => one.user_name ?? (one.user === "local" ? t("somebody on this machine") : one.user);

// What happens when it is accepted.
export function effect(one) {
  if (labels(one)) return one.value.label
    ? t("Accept: the guard learns it as a violating example when it is trained next.")
    : t("Accept: the guard learns it as a harmless example when it is trained next.");
  if (one.kind === "correction")
    return t("Accept: it is kept as a better answer. No model learns from corrections yet.");
  if (one.kind === "click") return t("Accept: it is kept for search. No model learns from clicks yet.");
  return t("Accept: it counts as a fair judgement. No model learns from thumbs yet.");
}

// The whole of it; `context` is what it is about, undefined while that is loading. Where texts are
// `veiled`, `open` shows them.
export function shown(one, { context, veiled, open }) {
  const said = veiled ? veil(open) : [about(one, context), own(one)];
  return [
    h("header", {},
      h("h2", { id: "shown-title" }, mark(one), title(one)),
      h("div", { class: "row" }, badge(one.role), badge(one.state))),
    h("p", { class: "muted small" }, by(one), " · ", ago(one.created_at)),
    one.problem ? h("p", { class: "notice warn" }, one.problem) : null,
    said,
    facts(one, context),
  ];
}

const veil = (open) => h("div", { class: "text veiled" },
  h("p", { class: "muted" }, t("The texts are hidden.")),
  h("button", { type: "button", "aria-keyshortcuts": "s", onclick: open },
    t("Show text"), " ", h("kbd", { "aria-hidden": "true" }, "S")));

const said = (name, ...text) =>
  h("section", { class: "said" }, h("h3", {}, name), h("p", { class: "text" }, text));

function own(one) {
  if (labels(one)) return h("p", { class: "text large" }, one.value.text ?? "");
  if (one.value.comment) return said(t("Comment"), one.value.comment);
  return one.kind === "click" ? said(t("Passage"), one.value.passage) : null;
}

// The exchange that was judged; a correction stands in its answer.
function about(one, context) {
  if (context === undefined) return h("div", { class: "skeleton" });
  const exchange = context && "answer" in context ? context : null;
  const parts = [];
  if (exchange?.question != null) parts.push(said(t("Question"), exchange.question));
  const better = one.kind === "correction" ? one.value.text ?? "" : null;
  if (exchange) parts.push(better === null ? said(t("Answer"), exchange.answer) : corrected(exchange.answer, better));
  else if (better !== null) parts.push(said(t("Better answer"), better));
  if (!exchange && ["message", "request"].includes(one.subject.kind))
    parts.unshift(h("p", { class: "muted small" }, t("The exchange is not kept, or was not this user's.")));
  return parts;
}

const SIGNS = { gone: ["del", t("taken out:")], new: ["ins", t("put in:")] };
const marked = (kind, seen, text) => [
  h(SIGNS[kind][0], {}, h("span", { class: "unseen" }, SIGNS[kind][1], " "), seen || "¶"), text.slice(seen.length)];
function corrected(answer, better) {
  const parts = changes(answer, better).map(({ kind, text }) =>
    kind === "same" ? text : marked(kind, text.trimEnd(), text));
  return [
    said(t("What the correction changes"), parts),
    h("details", {}, h("summary", {}, t("The better answer as a whole")), h("p", { class: "text" }, better)),
  ];
}

function facts(one, context) {
  const rows = [];
  const add = (name, ...value) => rows.push(h("dt", {}, name), h("dd", {}, value));
  if (one.value.category) add(t("Category"), one.value.category);
  if (one.value.scores) add(t("Suggested scores"), scores(one.value.scores));
  if (context && "flagged" in context) ruled(one, context, add);
  if (context?.model) add(t("Model"), context.model);
  const decided = one.state === "accepted" ? t("Accepted") : t("Rejected");
  if (one.reviewed_at) add(decided, one.reviewer_name ? `${one.reviewer_name} · ` : "", ago(one.reviewed_at));
  if (one.example) add(t("Became"), t("an example of the {role}", { role: named(one.role) }));
  add(t("Id"), h("code", {}, one.id));
  return h("dl", { class: "pairs small" }, rows);
}

function ruled(one, { flagged, score, version, categories }, add) {
  const agrees = Boolean(one.value.label) === flagged;
  const tells = h("span", { class: `badge ${agrees ? "" : "warn"}` }, agrees ? t("agrees") : t("disagrees"));
  const did = flagged ? t("flagged it") : t("let it pass");
  add(t("The guard"), did, ` · ${number(score, 2)} `, labels(one) ? tells : []);
  const told = Object.fromEntries(Object.entries(categories).sort(([, a], [, b]) => b - a)
    .filter(([, value]) => value >= WORTH_TELLING).slice(0, MOST_CATEGORIES));
  if (Object.keys(told).length) add(t("Scores"), scores(told));
  add(t("Version"), h("a", { href: `/models/guard/${encodeURIComponent(version)}` }, version));
}

const scores = (told) => Object.entries(told).map(([name, value]) => `${name} ${number(value, 2)}`).join(", ");

// Instead of a queue that is empty: why, and what to do.
export function none({ state, role, kind }, clear) {
  if (role || kind)
    return empty(t("Nothing fits"), t("There is no such feedback of this role and kind."),
      h("button", { type: "button", onclick: clear }, t("Show all")));
  if (state === "accepted")
    return empty(t("Nothing was accepted yet"),
      t("What reviewers accept stands here, with who did it and the example it became."));
  if (state === "rejected")
    return empty(t("Nothing was rejected yet"), t("What reviewers reject stands here; nothing is learned from it."));
  return empty(t("Nothing waits for review"),
    t("Feedback comes from thumbs and corrections in the chat, from programs by POST /api/v1/feedback, and from clients of Perspective by suggestscore. Models learn from it only when a reviewer has accepted it."),
    h("a", { class: "button", href: "/chat" }, t("Open the chat")));
}
