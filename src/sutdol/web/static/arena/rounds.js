// The tables of a battle: its rounds, its families of attacks, its settings and texts.
import { spoken } from "./catalogue.js";
import { $, badge, fill, h } from "../dom.js";
import { familyTold, groupNamed } from "./families.js";
import { sum } from "./fight.js";
import { number, percent, points, t } from "../words.js";

const bounds = ({ low, high }) => `[${number(100 * low, 1)}, ${number(100 * high, 1)}]`;
const sub = (...text) => h("span", { class: "sub" }, text);
const share = (figure) => (figure?.value == null ? t("not measured") : [percent(figure.value), sub(bounds(figure))]);
const col = (title, style = null, ...more) => h("th", { scope: "col", class: style }, title, more);

// A table with its caption, in a place of its own where it is too wide.
const place = (label) => ({ class: "scroll", tabindex: "0", role: "region", "aria-label": label });
const tabled = (caption, heads, body) => h("div", place(caption),
  h("table", {}, h("caption", { class: "unseen" }, caption), h("thead", {}, h("tr", {}, heads)), body));

const EVERY = [
  { title: t("Caught as they are"), key: "clean" },
  { title: t("Seen caught"), key: "seen" },
  { title: t("Never trained caught"), key: "held_out" },
  { title: t("Adaptive wins"), key: "adaptive" },
  { title: t("Independent caught"), key: "independent" },
  { title: t("Harmless flagged"), key: "fpr_clean" },
  { title: t("Attacked harmless flagged"), key: "fpr_twins" },
];

// A row is made once: rounds that are over do not change. The third curve is there for who asked for it.
export function rounds(section, all) {
  const columns = EVERY.filter(({ key }) => key !== "independent" || all[0].independent);
  const body = $("tbody", section) ?? fresh(section, columns);
  for (const one of all) if (!$(`[data-round="${one.round}"]`, body)) {
    const next = [...body.rows].find((shown) => Number(shown.dataset.round) > one.round);
    body.insertBefore(row(one, columns), next ?? null);
  }
  const last = all.findLast((one) => one.seen) ?? {};
  for (const { key } of columns) fill($(`[data-n="${key}"]`, section), last[key]?.n ? `n ${number(last[key].n)}` : "");
}

function fresh(section, columns) {
  const body = h("tbody"), count = (key) => h("span", { class: "sub", "data-n": key });
  const figure = ({ title, key }) => col(title, "number wrap", count(key));
  fill($("div", section), tabled(t("Rounds"), [
    col(t("Round")), col(t("Guard")), columns.map(figure), col(t("Worst attack on harmless texts"), "number wrap"),
    col(t("Learned"), "number"), col(t("Verdict")),
  ], body));
  return body;
}

const row = (one, columns) => h("tr", { "data-round": one.round },
  h("th", { scope: "row" }, number(one.round)),
  h("td", { class: "whole" }, one.guard ? h("a", { href: `/models/guard/${one.guard}` }, one.guard) : "–"),
  columns.map(({ key }) => h("td", { class: "number" }, one[key] === undefined ? "–" : share(one[key]))),
  h("td", { class: "number" }, worst(one.fpr_twins_worst)),
  h("td", { class: "number" }, number(one.learned ?? null)),
  h("td", {}, judged(one.verdict)));

const worst = (figure) => (figure?.value == null ? "–"
  : [percent(figure.value), sub(h("code", {}, figure.attack), ` n ${number(figure.n)}`)]);
const judged = (verdict) => (verdict ? h("a", { href: `/models/guard/verdicts/${verdict.id}` }, badge(verdict.decision))
  : h("span", { class: "muted" }, t("nothing to learn")));

// How families fared: the first round beside the last, the worst of the last on top.
export function families(section, all, known) {
  const first = all[0], last = all.at(-1), resisting = last.resists ?? [];
  const rows = ["families", "families_held_out"].flatMap((kind) => {
    const trained = kind === "families";
    return Object.entries(last[kind] ?? {}).map(([name, now]) => (
      { name, now, before: first[kind]?.[name], trained, resists: trained && resisting.includes(name) }
    ));
  }).sort((a, b) => (a.now.value ?? 2) - (b.now.value ?? 2));
  fill($("div", section), tabled(t("Families of attacks"), [
    col(t("Family")), col(t("How it is met")), col(t("First round"), "number"), col(t("Last round"), "number"),
    h("td"), col(t("Change"), "number"), col("n", "number"),
  ], h("tbody", {}, rows.map((one) => family(one, known[one.name])))));
}

function family({ name, now, before, trained, resists }, known) {
  const change = before?.value == null || now.value == null ? null : now.value - before.value;
  const turn = Math.abs(change) < 0.0005 ? null : change > 0 ? "up" : "down";
  return h("tr", {},
    h("th", { scope: "row" }, name, h("span", { class: "sub words" }, familyTold(name))),
    h("td", {}, h("div", { class: "row" }, met(trained, resists, known))),
    h("td", { class: "number" }, share(before)),
    h("td", { class: "number" }, share(now)),
    h("td", {}, bar(now, before)),
    h("td", { class: `number ${turn ?? ""}` }, change === null ? "–" : points(turn ? change : 0)),
    h("td", { class: "number" }, number(now.n)));
}

// What its figures show: learning, code that was written for it, or what carries over untrained.
function met(trained, resists, known) {
  const note = (text, tone = "") => h("span", { class: `badge ${tone}` }, text);
  const code = { wholly: t("covered by code"), partly: t("partly covered by code") }[known?.covered];
  return [
    resists && note(t("resists"), "bad"),
    trained && !resists && !code && note(t("learned"), "good"),
    !trained && note(t("never trained: {languages}", { languages: spoken(known?.held_out ?? []) }), "warn"),
    code && note(code),
  ];
}

// The mark is the first round, the bar the last; the numbers stand beside it.
function bar(now, before) {
  const drawn = h("span", { class: "bar", "aria-hidden": "true" }, h("i"), before?.value != null && h("b"));
  drawn.style.setProperty("--now", now.value ?? 0);
  drawn.style.setProperty("--before", before?.value ?? 0);
  return drawn;
}

export function settings(section, battle) {
  const { rounds: count, attack_strategy: strategy, texts, queries, edits, trigger } = battle.settings;
  const { examples, hash, languages = {} } = battle.data;
  const seconds = Math.round(sum(Object.values(battle.timing).flatMap((one) => Object.values(one))));
  const pairs = [
    [t("Rounds"), number(count)], [t("Attack strategy"), groupNamed(strategy)], [t("Seed"), String(battle.seed)],
    [t("Texts per round and language"), number(texts)],
    [t("An adaptive attacker may ask"), t("{n} times a text, and edit {edits} words", { n: queries, edits })],
    [t("The guard is improved below"), t("{share} of attacks caught", { share: percent(trigger) })],
    seconds && [t("Time of all rounds"), t("{n} s", { n: seconds })],
    examples && [t("Labelled texts"), number(examples)],
    hash && [t("Their hash"), h("code", { title: hash }, hash.slice(0, 12))],
  ].filter(Boolean);
  const told = pairs.map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]);
  fill($("div", section), h("dl", { class: "pairs" }, told), Object.keys(languages).length && texted(languages));
}

const KINDS = [
  ["malicious", t("violating, attacked")], ["harmless", t("harmless, attacked")],
  ["panel_malicious", t("violating, on the panel")], ["panel_harmless", t("harmless, on the panel")],
];

const texted = (languages) => tabled(t("Texts that take part"),
  [col(t("Texts")), Object.keys(languages).map((one) => col(spoken([one]), "number"))],
  h("tbody", {}, KINDS.map(([key, title]) => h("tr", {}, h("th", { scope: "row" }, title),
    Object.values(languages).map((counts) => h("td", { class: "number" }, number(counts[key])))))));
