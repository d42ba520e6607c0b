// A verdict of the gate: what was decided and why, with every number, and the same recomputed.
import { get, may, post, url } from "../api.js";
import { chart } from "../charted.js";
import { $, at, badge, fill, h, named } from "../dom.js";
import { against, chance, inPoints, MEANT, measure, parts, spread, why } from "./measures.js";
import { compareLink, open, versionLink } from "./open.js";
import { listed } from "./listed.js";
import { busy } from "../talk.js";
import { number, percent, points, t } from "../words.js";

const place = $("#page"), { role, verdict: id } = place.dataset;
const LOOKS = 100; // that are drawn
const TONE = { promote: "good", reject: "bad", inconclusive: "open" };
const STATE = { unproven: "not proven" };
const TESTS = {
  "joint paired bootstrap": t("joint paired bootstrap"), "exact McNemar": t("exact McNemar test"),
  "sign flip": t("sign-flip test"), none: t("none"),
};

open(place, async () => {
  const path = `/api/v1/verdicts/${encodeURIComponent(id)}`;
  const [verdict, looks] = await Promise.all([get(path), get(url("/api/v1/verdicts", { role, limit: LOOKS }))]);
  const checks = verdict.guard_rails ?? [];
  fill($("#title"), t("{challenger} against {champion}", verdict), " ", badge(verdict.decision));
  fill($("#reason"), why({ ...verdict, failed: checks }));
  const again = h("button", { type: "button", onclick: () => recompute(again, path) }, t("Recompute"));
  const compare = compareLink(role, verdict.champion, verdict.challenger, t("Compare the versions"), { class: "button" });
  fill($("#deeds"), compare, may("operator") && again);
  const unmeasured = verdict.primary?.effect == null && h("p", { class: "muted" }, t("It could not be measured."));
  fill($("#better"), unmeasured || better(verdict), overLooks(looks.data));
  fill($("#safe"), rails(checks), alarms(checks.filter((one) => one.kind === "alarm")));
  fill($("#from"), origin(verdict));
});

const stat = (name, value, ...notes) =>
  h("div", { class: "stat" }, h("dt", {}, name), h("dd", {}, value),
    notes.filter(Boolean).map((one) => h("dd", {}, one)));

function better({ primary, decision, champion, challenger, budget }) {
  const { effect, low, high } = primary;
  return [
    h("p", { class: "hint" }, h("b", { class: "cap" }, measure(primary.name)), ": ", MEANT[primary.name], " ",
      t("Test: {test}, {n} text.|Test: {test}, {n} texts.",
        { test: TESTS[primary.test] ?? primary.test, n: primary.n })),
    scale(primary, TONE[decision]),
    h("dl", { class: "stats" },
      stat(champion, percent(primary.champion), t("champion")),
      stat(challenger, percent(primary.challenger), t("challenger")),
      stat(t("Gain"), inPoints(effect),
        t("{spread}: with 95 % confidence the true gain lies in here", { spread: spread(low, high) })),
      stat("p", chance(primary.p), t("how likely such a gain is by luck alone")),
      stat(t("Allowed"), chance(primary.alpha),
        t("p may not be above this at look {n} since the last promotion", { n: budget.position })),
      stat(t("Would be found"), t("{value} points", { value: number(100 * primary.detectable, 1) }),
        t("the smallest gain that such a look finds 4 times out of 5"),
        primary.wanted > 0 && t("{n} text would find 3 points|{n} texts would find 3 points", { n: primary.wanted }))),
  ];
}

// The gain with its interval beside zero; all of it is in the figures below.
function scale({ effect, low, high, detectable }, tone) {
  const most = 1.15 * Math.max(Math.abs(low), Math.abs(high), detectable ?? 0, 0.001);
  const where = (value) => `${50 + (50 * value) / most}%`;
  const put = (name, values) => {
    const made = h("span", { class: name });
    for (const [key, value] of Object.entries(values)) made.style.setProperty(key, value);
    return made;
  };
  return h("div", { class: `measure ${tone}`, "aria-hidden": "true" },
    h("div", { class: "track" }, put("zero", { "--at": "50%" }),
      detectable && put("found", { "--at": where(detectable) }),
      put("span", { "--from": where(low), "--wide": `${(50 * (high - low)) / most}%` }),
      put("dot", { "--at": where(effect) })),
    h("div", { class: "ends small muted" }, h("span", {}, `← ${t("worse")}`), h("span", {}, t("no difference")),
      h("span", {}, `${t("better")} →`)));
}

// The primary measure at every look of the role, oldest first.
function overLooks(newest) {
  const looks = newest.filter((one) => one.primary?.effect != null).reverse();
  if (looks.length < 2) return null;
  const values = looks.flatMap(({ primary }) =>
    [primary.champion, primary.challenger, primary.champion + primary.low, primary.champion + primary.high]);
  const band = ({ champion, challenger, low, high }, x) =>
    ({ x, value: challenger, low: champion + low, high: Math.min(1, champion + high) });
  const marked = looks.flatMap((one, x) => [
    one.decision === "promote" && { x, name: t("promoted") },
    one.id === id && { x, name: t("this verdict") },
  ]).filter(Boolean);
  const title = t("{measure} at every look", { measure: measure(looks.at(-1).primary.name) });
  return [h("h3", { class: "cap" }, title), chart({
    title,
    x: { label: t("look"), ticks: looks.map((one) => one.challenger) },
    y: { format: "percent", low: Math.max(0, Math.floor(50 * Math.min(...values)) / 50),
      high: Math.min(1, Math.ceil(50 * Math.max(...values)) / 50) },
    curves: [
      { name: t("challenger"), points: looks.map(({ primary }, x) => band(primary, x)) },
      { name: t("champion"), points: looks.map(({ primary }, x) => ({ x, value: primary.champion })) },
    ],
    marks: marked,
  })];
}

// A share, or how many rows where the check counts rows.
const shown = (check, value) => (check.kind === "leak" ? number(value) : percent(value));
const inSigns = (check, value) => (check.kind === "leak" ? number(value) : points(value));
const state = (check) => badge(STATE[check.state] ?? check.state);
const columns = [
  { title: t("before"), number: true, value: (one) => one.champion, show: (one) => shown(one, one.champion) },
  { title: t("after"), number: true, value: (one) => one.challenger, show: (one) => shown(one, one.challenger) },
  { title: t("loss"), number: true, value: (one) => one.loss, show: (one) => inSigns(one, one.loss) },
  { title: t("at most"), number: true, value: (one) => one.bound, show: (one) => inSigns(one, one.bound) },
  { title: t("limit"), number: true, value: (one) => one.margin, show: (one) => inSigns(one, one.margin) },
  { title: t("texts"), number: true, value: (one) => one.n, show: (one) => number(one.n) },
  { title: t("result"), value: (one) => one.state, show: state },
];

function rails(checks) {
  const rows = checks.filter((one) => one.kind !== "alarm");
  if (!rows.length) return h("p", { class: "muted" }, t("No guard-rail was measured."));
  return [
    listed({
      caption: t("Guard-rails"), rows,
      columns: [
        { title: t("guard-rail"), show: (one) => h("span", { class: "named" },
          h("span", { class: "cap" }, measure(one.name)),
          one.against !== "anchor" && h("small", {}, MEANT[one.name])) },
        { title: t("against"), show: (one) => h("span", { class: "nowrap" }, against(one.against)) },
        ...columns,
      ],
    }),
    h("p", { class: "hint" }, t("Loss and limits in points; a negative loss is a gain. “At most” is the loss that is ruled out with 95 % confidence.")),
  ];
}

// The slices that are watched for harm: those that rang stand above, the rest is folded.
function alarms(slices) {
  if (!slices.length) return null;
  const judged = slices.filter((one) => one.state !== "not judged");
  const rang = slices.filter((one) => one.state === "breached");
  const rows = (found, filter) => listed({
    caption: t("Slices"), rows: [...found].sort((a, b) => b.loss - a.loss),
    filter: filter ? (one) => `${measure(one.name)} ${named(one.state)}` : null,
    columns: [
      { title: t("measure"), value: (one) => measure(parts(one.name).measure),
        show: (one) => h("span", { class: "cap" }, measure(parts(one.name).measure)) },
      { title: t("slice"), value: (one) => one.name,
        show: (one) => `${parts(one.name).slice} ${parts(one.name).value}` },
      ...columns.filter((one) => ![columns[3], columns[4]].includes(one)),
    ],
  });
  const counts = { n: slices.length, judged: judged.length, rang: rang.length };
  const all = h("details", {}, h("summary", {},
    t("{n} slice was watched for harm, {judged} judged, {rang} rang|{n} slices were watched for harm, {judged} judged, {rang} rang", counts)));
  all.addEventListener("toggle", () => all.append(h("div", { class: "stack" },
    h("p", { class: "hint" }, t("Languages, sources, families and attacks. A slice rings when it surely lost more than 2 points; below 200 texts it is not judged.")),
    rows(slices, true))), { once: true });
  return [rang.length ? [h("h3", {}, t("Alarms that rang")), rows(rang, false)] : null, all];
}

function origin(verdict) {
  const pair = (name, value) => (value == null ? null : [h("dt", {}, name), h("dd", {}, value)]);
  const code = (value) => value && h("code", {}, value);
  const { made } = verdict;
  return h("div", { class: "facts" },
    h("dl", { class: "pairs" },
      pair(t("Decided"), at(verdict.created)),
      pair(t("Challenger"), versionLink(role, verdict.challenger)),
      pair(t("Champion"), versionLink(role, verdict.champion)),
      pair(t("Exam"), verdict.exam),
      pair(t("Look"), verdict.budget && t("number {n} since the last promotion", { n: verdict.budget.position })),
      pair(t("Exam texts found in training"), made && number(made.leaks)),
      made && pair(t("Made with"), Object.entries(made.made_with).map((one) => one.join(" ")).join(", "))),
    h("dl", { class: "pairs" },
      pair(t("Snapshot it learned from"), code(verdict.snapshot)),
      pair(t("Rows of the exam"), code(made?.cases)),
      pair(t("Texts of the exam"), code(made?.texts)),
      pair(t("All scores"), code(verdict.scores)),
      !made && pair(t("Report"), t("is gone, so this verdict cannot be recomputed"))));
}

async function recompute(button, path) {
  fill($("#checked"), h("p", { class: "notice" }, t("Recomputing from the stored scores; this takes a few seconds…")));
  const went = await busy(button, async () => {
    const found = await post(`${path}/verify`);
    fill($("#checked"), found.agrees
      ? h("p", { class: "notice good" }, t("Recomputed from the stored scores: it agrees. {decision}",
        { decision: named(found.decision) }))
      : h("div", { class: "notice bad" }, h("p", {}, t("Recomputed from the stored scores: it does not agree.")),
        h("ul", { lang: "en" }, found.differences.map((one) => h("li", {}, one)))));
  });
  if (!went) fill($("#checked"));
}
