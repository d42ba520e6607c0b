// Two versions side by side: what got better beside what got worse, and what each learned from.
import { get, url } from "../api.js";
import { $, badge, empty, fill, h, named } from "../dom.js";
import { battleLink } from "./fought.js";
import { listed } from "./listed.js";
import {
  between, change, figure, higher, kind, KIND_ORDER, MEASURED, measure, signed, spread, why,
} from "./measures.js";
import { open, verdictLink, versionLink } from "./open.js";
import { number, percent, t } from "../words.js";

const place = $("#page"), { role } = place.dataset, asked = new URLSearchParams(location.search);
const path = `/api/v1/models/${encodeURIComponent(role)}`;

open(place, async () => {
  const [all, roles] = await Promise.all([get(url(`${path}/versions`, { limit: 200 })), get("/api/v1/models")]);
  const now = roles.data.find((one) => one.role === role);
  const a = asked.get("a") ?? now?.previous ?? all.data[1]?.version;
  const b = asked.get("b") ?? now?.champion ?? all.data[0]?.version;
  pickers(all.data, a, b);
  if (!a || !b) return fill(place, alone());
  fill($("#title"), t("{a} and {b}", { a, b }));
  document.title = `${a} – ${b} · Sutdol`;
  const found = await get(url(`${path}/compare`, { a, b }));
  const exam = judged(found), measured = fought(found), apart = exam.length ? [] : examined(found);
  fill(place, summary(found, [...exam, ...measured], apart), verdict(found, exam), onExam(found, apart),
    measured.length || !apart.length ? figures(found, measured) : null, learned(found), differences(found));
});

const alone = () =>
  empty(t("There is only one version"), t("Two versions can be compared once a challenger was trained."));

// Each select keeps a version that is older than those in the list.
function pickers(all, a, b) {
  const names = (chosen) => [...new Set([...all.map((one) => one.version), ...(chosen ? [chosen] : [])])];
  const known = new Map(all.map((one) => [one.version, one]));
  for (const [id, chosen] of [["#a", a], ["#b", b]]) {
    fill($(id), names(chosen).map((one) => h("option", { value: one, selected: one === chosen },
      [one, ...(known.get(one)?.aliases ?? []).map(named)].join(" · "))));
  }
}

// Rows are { name, a, b, difference, better, sure, note }; first what the gate measured of both, on the same texts.
function judged({ a, b, verdict: found }) {
  if (!found || found.primary?.effect == null || a.version === b.version) return [];
  const turned = found.champion === b.version; // the verdict was on the way back
  const sides = (one) => (turned ? [one.challenger, one.champion] : [one.champion, one.challenger]);
  const row = (one, difference, low, high) => {
    const [before, after] = sides(one), sign = turned ? -1 : 1;
    return { name: measure(one.name), a: percent(before), b: percent(after), n: one.n, difference: sign * difference,
      better: higher(one.name) ? 1 : -1, sure: low > 0 || high < 0 };
  };
  const { primary } = found;
  const rails = (found.guard_rails ?? []).filter((one) =>
    ["proven", "suite"].includes(one.kind) && one.against === "champion");
  return [
    { ...row(primary, primary.effect, primary.low, primary.high),
      interval: spread(...(turned ? [-primary.high, -primary.low] : [primary.low, primary.high])) },
    // the loss is ruled out above its bound, and as far below it
    ...rails.map((one) => row(one, one.challenger - one.champion, -one.bound, one.bound - 2 * one.loss)),
  ];
}

// What the gate measured of each against somebody else, where it was on the same exam.
function examined({ a, b }) {
  if (!a.exam || !b.exam || a.version === b.version || a.exam.exam !== b.exam.exam) return [];
  const [left, right] = [a.exam.figures, b.exam.figures];
  return Object.keys(left).filter((name) => right[name]).map((name) => ({
    name: measure(name), a: percent(left[name].value), b: percent(right[name].value), n: right[name].n,
    difference: right[name].value - left[name].value, better: higher(name) ? 1 : -1, sure: null,
  }));
}

// What battles or evaluations measured, where both have it from the same place.
function fought({ a, b }) {
  const sides = a.battle && b.battle ? [a.battle.figures, b.battle.figures] : [a.evaluations[0], b.evaluations[0]];
  if (!sides[0] || !sides[1]) return [];
  return MEASURED.filter(({ key }) => sides.every((one) => one[key]?.value != null)).map(({ key, name, better }) => {
    const [left, right] = sides.map((one) => one[key]), found = between(left, right);
    return { name, a: figure(left), b: figure(right), n: left.n, difference: found.value, better,
      sure: found.low > 0 || found.high < 0, interval: spread(found.low, found.high) };
  });
}

function summary({ a, b }, rows, apart) {
  if (a.version === b.version) {
    return h("p", { class: "notice" }, t("This is one and the same version: choose another one above."));
  }
  if (!rows.length) {
    return h("p", { class: "notice" }, apart.length
      ? t("The gate judged each of them, but not against each other, so it cannot be said whether a difference is more than chance.")
      : t("Nothing measured both: the gate judged no verdict between them, and they fought no battle."));
  }
  const turn = (one) => (one.sure && one.difference ? (one.difference * one.better > 0 ? "better" : "worse") : "same");
  const list = (which, title, none) => {
    const found = rows.filter((one) => turn(one) === which);
    const item = (one) => h("li", {}, h("span", { class: "cap" }, one.name), change(one.difference, one.better));
    return h("section", { class: "card", "aria-label": title },
      h("h2", { class: !found.length ? null : which === "better" ? "up" : "down" }, title),
      found.length ? h("ul", { class: "plain" }, found.map(item)) : h("p", { class: "muted" }, none));
  };
  const same = rows.filter((one) => turn(one) === "same").map((one) => one.name);
  return h("div", { class: "stack" },
    h("div", { class: "sides" }, list("better", t("What got better"), t("Nothing clearly got better.")),
      list("worse", t("What got worse"), t("Nothing clearly got worse."))),
    same.length ? h("p", { class: "hint" }, t("No clear change: {names}.", { names: same.join(", ") })) : null);
}

const section = (id, title, ...children) => h("section", { class: "card", "aria-labelledby": id },
  h("header", {}, h("h2", { id }, title)), children);

// Figures of both with the difference; a difference is clear when its 95 % interval leaves out zero.
const differing = (caption, a, b, rows) => listed({
  caption, rows,
  columns: [
    { title: t("figure"), show: (one) => h("span", { class: "cap" }, one.name) },
    { title: a, number: true, show: (one) => one.a },
    { title: b, number: true, show: (one) => one.b },
    { title: t("difference, points"), number: true, value: (one) => one.difference,
      show: (one) => change(one.difference, one.better, one.sure) },
    { title: t("95 % interval"), number: true, show: (one) => one.interval ?? h("span", { class: "muted" }, "–") },
    { title: t("texts"), number: true, show: (one) => number(one.n) },
  ],
});

function verdict({ a, b, verdict: found }, rows) {
  if (!found || a.version === b.version) return null;
  return section("verdict-title", t("The verdict between them"),
    h("p", {}, badge(found.decision), " ", t("{challenger} against {champion}:", found), " ",
      why({ ...found, failed: found.guard_rails }), " ", verdictLink(role, found.id, t("All its numbers"))),
    rows.length ? differing(t("Measures of the gate"), a.version, b.version, rows) : null,
    rows.length ? h("p", { class: "hint" },
      t("Both on the same texts of the exam. A change is called better or worse only where chance is ruled out with 95 % confidence.")) : null);
}

function onExam({ a, b }, rows) {
  if (!rows.length) return null;
  return section("exam-title", t("On the same exam"),
    h("p", { class: "hint" }, t("Each as its own verdict found it on {exam}:", { exam: a.exam.exam }), " ",
      verdictLink(role, a.exam.verdict, a.version), ", ", verdictLink(role, b.exam.verdict, b.version)),
    differing(t("Measures of the gate"), a.version, b.version, rows));
}

function figures({ a, b }, rows) {
  if (a.version === b.version) return null;
  const same = a.battle && b.battle && a.battle.battle === b.battle.battle;
  if (!rows.length) {
    return section("figures-title", t("Figures"), h("p", { class: "muted" },
      t("Only champions fight battles and are evaluated, so there is nothing to set side by side."), " ",
      h("a", { href: "/arena" }, t("To the arena"))));
  }
  const from = !a.battle || !b.battle ? t("Each by its newest evaluation.")
    : same ? [t("Both in"), " ", battleLink(a.battle), ", ", t("on the same texts.")]
      : [battleLink(a.battle), " ", t("and"), " ", battleLink(b.battle), ": ",
        t("not on the same texts, so small differences say little.")];
  return section("figures-title", t("Figures"),
    h("p", { class: "hint" }, from, " ",
      t("Shares with 95 % intervals; a change is called better or worse only where that of the difference leaves out zero.")),
    differing(t("Figures of both"), a.version, b.version, rows));
}

function learned({ a, b }) {
  const kinds = KIND_ORDER.filter((one) => a.kinds[one] || b.kinds[one]);
  const rows = [...kinds.map((one) => [kind(one), a.kinds[one] ?? 0, b.kinds[one] ?? 0]), [t("all"), a.rows, b.rows]];
  return section("learned-title", t("What each learned from"), listed({
    caption: t("Examples by kind"), rows,
    columns: [
      { title: t("kind"), show: ([name]) => h("span", { class: "cap" }, name) },
      { title: a.version, number: true, show: ([, left]) => number(left) },
      { title: b.version, number: true, show: ([, , right]) => number(right) },
      { title: t("difference"), number: true, show: ([, left, right]) => signed(right - left) },
    ],
  }), h("div", { class: "links" }, versionLink(role, a.version), versionLink(role, b.version)));
}

function differences({ a, b, differences: found }) {
  const rows = Object.entries(found);
  if (!rows.length) return null;
  const code = (value) => h("code", {}, JSON.stringify(value));
  return h("details", { class: "card" }, h("summary", {},
    t("{n} difference of their manifests|{n} differences of their manifests", { n: rows.length })), listed({
    caption: t("Differences of their manifests"), rows,
    columns: [
      { title: t("entry"), show: ([name]) => h("code", {}, name) },
      { title: a.version, show: ([, one]) => code(one.a) },
      { title: b.version, show: ([, one]) => code(one.b) },
    ],
  }));
}
