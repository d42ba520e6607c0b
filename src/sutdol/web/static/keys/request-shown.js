// One request in a dialog: what is on record of it, and what the guard decided; never what was said.
import { get, may } from "../api.js";
import { at, badge, h } from "../dom.js";
import { table } from "../table.js";
import { number, percent, t } from "../words.js";

const MOST = 3; // categories of a decision
const SIDES = { input: t("what was sent"), output: t("what was answered"), moderation: t("to be moderated") };
export const time = (milliseconds) => (milliseconds == null ? "–" : t("{ms} ms", { ms: Math.round(milliseconds) }));

function decided(one) {
  if (one.blocked) return badge("reject", t("blocked"));
  return one.flagged ? badge("inconclusive", t("flagged")) : badge("ok", t("let through"));
}

function highest(one) {
  const found = Object.entries(one.categories).filter(([, score]) => score > 0).sort((a, b) => b[1] - a[1]);
  return found.slice(0, MOST).map(([name, score]) => h("div", { class: "nowrap small" }, `${name} ${percent(score)}`));
}

function decisions(rows) {
  if (!rows.length) return h("p", { class: "muted" }, t("The guard read nothing of it."));
  const columns = [
    { title: t("Text"), show: (one) => SIDES[one.side] },
    { title: t("Decision"), show: decided },
    { title: t("Score"), number: true, show: (one) => percent(one.score) },
    { title: t("Highest categories"), show: highest },
    { title: t("Version"), show: (one) => h("a", { href: `/models/guard/${one.version}` }, one.version) },
  ];
  const shown = table({ caption: t("What the guard decided"), columns });
  shown.set(rows);
  return shown.element;
}

function tokens(one) {
  if (one.prompt_tokens == null) return null;
  const counted = { read: one.prompt_tokens, written: one.completion_tokens ?? 0 };
  return one.estimated ? t("{read} read, {written} written, estimated", counted)
    : t("{read} read, {written} written", counted);
}

function facts(one, named, state) {
  const pair = (name, value) => (value == null || value === "" ? [] : [h("dt", {}, name), h("dd", {}, value)]);
  return h("dl", { class: "pairs" },
    pair(t("Id"), h("code", {}, one.id)),
    pair(t("When"), at(one.created_at)),
    pair(t("Route"), h("code", {}, one.route)),
    pair(t("Status"), [state(one), one.error ? h("code", {}, ` ${one.error}`) : ""]),
    pair(t("Model"), one.model),
    pair(t("Model server"), one.upstream),
    may("operator") && one.user ? pair(t("Person"), named(one.user)) : null,
    one.key ? pair(t("Key"), named(one.key)) : null,
    pair(t("Took"), time(one.milliseconds)),
    one.stream ? pair(t("First token after"), time(one.first_milliseconds)) : null,
    pair(t("Tokens"), tokens(one)),
    one.cost ? pair(t("Cost"), number(one.cost, 6)) : null);
}

export async function requestShown(id, named, state) {
  const one = await get(`/api/v1/requests/${encodeURIComponent(id)}`);
  const close = h("button", { type: "button", onclick: () => dialog.close() }, t("Close"));
  const dialog = h("dialog", { class: "broad", "aria-labelledby": "request-title" }, h("div", { class: "stack" },
    h("h2", { id: "request-title" }, t("Request")), facts(one, named, state),
    h("h3", {}, t("What the guard decided")), decisions(one.decisions),
    h("div", { class: "row" }, close)));
  dialog.onclose = () => dialog.remove();
  document.body.append(dialog);
  dialog.showModal();
  close.focus();
}
