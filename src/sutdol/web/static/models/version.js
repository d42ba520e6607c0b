// One version: what it is, how it does, what it learned from, where it descends from, what was decided on it.
import { get, may, url } from "../api.js";
import { promote, rollBack } from "./crown.js";
import { $, ago, badge, fill, h } from "../dom.js";
import { battleLink, days } from "./fought.js";
import { listed } from "./listed.js";
import { figure, kind, MEASURED, signed, why } from "./measures.js";
import { compareLink, open, verdictLink, versionLink } from "./open.js";
import { table } from "../table.js";
import { number, percent, t } from "../words.js";

const place = $("#page"), { role, version: id } = place.dataset;
const path = `/api/v1/models/${encodeURIComponent(role)}`;
const AT_ONCE = 20;

open(place, show);

async function show() {
  const judged = verdicts();
  const [found, roles] = await Promise.all([
    get(`${path}/versions/${encodeURIComponent(id)}`), get("/api/v1/models"), judged.reload(),
  ]);
  const now = roles.data.find((one) => one.role === role);
  fill($("#title"), id, " ", found.aliases.map((one) => badge(one)));
  fill($("#what"), what(found, now));
  fill($("#deeds"), actions(now));
  fill($("#figures"), figures(found));
  fill($("#did"), did(found));
  fill($("#learned"), learned(found));
  fill($("#line"), found.lineage.map((one, index) => h("li", {}, node(one, found.lineage[index + 1]))));
  fill($("#verdicts"), judged.element);
  fill($("#manifest div"), manifest(found));
}

// What it is in one sentence, and since when.
function what(found, now) {
  if (now.champion === id) return [t("It decides on every request."), " ", t("Champion since"), " ", ago(found.crowned)];
  if (found.crowned) return [t("A former champion."), " ", t("It became champion"), " ", ago(found.crowned)];
  if (now.challenger === id) return t("The newest challenger: the gate did not let it replace the champion.");
  return found.verdict ? t("A challenger that did not become champion.") : t("No verdict was reached on it.");
}

function actions(now) {
  const reigns = now.champion === id, other = reigns ? now.previous : now.champion;
  const back = () => rollBack(role, { from: id, to: now.previous }, again);
  const crown = () => promote(role, { from: now.champion, to: id }, again);
  return [
    other && compareLink(role, other, id, t("Compare with {version}", { version: other }), { class: "button" }),
    may("operator") && (reigns
      ? now.previous && h("button", { type: "button", onclick: back }, t("Roll back"))
      : now.champion && h("button", { type: "button", onclick: crown }, t("Promote by hand"))),
  ];
}

async function again() {
  await show();
  if (document.activeElement === document.body) $("#title").focus();
}

const stat = (name, value, note) => h("div", { class: "stat" }, h("dt", {}, name), h("dd", {}, value), h("dd", {}, note));

function figures(found) {
  const { rows, thresholds, near_duplicates_dropped: dropped } = found.manifest;
  const [mine, parent] = found.lineage;
  const more = parent?.rows && mine.rows ? { more: number(mine.rows - parent.rows), parent: parent.version } : null;
  const cuts = Object.entries(thresholds ?? {}).filter(([language]) => language !== "*").map(([language, cut]) =>
    [h("span", { class: "nowrap" }, h("small", {}, language), " ", number(cut, 2)), " "]);
  return [
    stat(t("Learned from"), number(mine.rows || rows?.train || 0),
      more ? t("examples, {more} more than {parent}", more) : t("examples")),
    rows?.rehearsed > 0 &&
      stat(t("Rehearsed"), number(rows.rehearsed), t("texts disguised anew, so that odd writing alone is no offence")),
    rows?.dev > 0 && stat(t("Tuned on"), number(rows.dev), t("texts apart, for thresholds")),
    dropped != null && stat(t("Left out"), number(dropped), t("too like texts of the exam")),
    cuts.length > 0 && stat(t("Flags from"), cuts, t("score, by language")),
    stat(t("Parent"), versionLink(role, found.parent), [t("created"), " ", ago(found.created)]),
  ];
}

// Its newest figures, measured on texts that no version learns from, and those of the days before.
function did({ evaluations, battle, aliases }) {
  const newest = evaluations[0] ?? battle?.figures;
  if (!newest) {
    return h("p", { class: "muted" }, aliases.includes("champion")
      ? t("It was not measured yet: a battle does, and so does the nightly evaluation.")
      : t("Only champions fight battles and are measured every night; what the gate measured stands in its verdict."));
  }
  const from = evaluations.length
    ? [t("Measured by itself"), " ", ago(evaluations[0].at)]
    : [t("Measured in"), " ", battleLink(battle), ", ", ago(battle.at)];
  const rows = MEASURED.filter(({ key }) => newest[key]);
  return [
    h("p", { class: "hint" }, from, ". ", t("Shares with 95 % intervals, on texts that no version learns from.")),
    listed({
      caption: t("Figures"), rows,
      columns: [
        { title: t("figure"), show: (one) => h("span", { class: "cap" }, one.name) },
        { title: t("share"), number: true, value: (one) => newest[one.key].value,
          show: (one) => figure(newest[one.key]) },
        { title: t("texts"), number: true, show: (one) => number(newest[one.key].n) },
        { title: t("good is"), show: (one) => (one.better > 0 ? t("high") : t("low")) },
      ],
    }),
    evaluations.length > 1 ? days(evaluations) : null,
  ];
}

function learned(found) {
  const [mine, parent] = found.lineage;
  const kinds = Object.entries(mine.kinds);
  if (!kinds.length) return h("p", { class: "muted" }, t("Its rows were deleted; their count is in the manifest."));
  return [
    listed({
      caption: t("Examples by kind"), rows: kinds,
      columns: [
        { title: t("kind"), show: ([one]) => h("span", { class: "cap" }, kind(one)) },
        { title: t("examples"), number: true, value: ([, rows]) => rows, show: ([, rows]) => number(rows) },
        { title: t("share"), number: true, value: ([, rows]) => rows, show: ([, rows]) => percent(rows / mine.rows) },
        ...(parent ? [{ title: t("more than {parent}", { parent: parent.version }), number: true,
          show: ([one, rows]) => signed(rows - (parent.kinds[one] ?? 0)) }] : []),
      ],
    }),
    found.sources.length > 0 && sources(found.sources, found.sources_left),
  ];
}

function sources(rows, left) {
  return h("details", {}, h("summary", {}, t("{n} source|{n} sources", { n: rows.length + left })), listed({
    caption: t("Sources"), rows, filter: (one) => `${one.source} ${kind(one.kind)}`,
    columns: [
      { title: t("source"), value: (one) => one.source, show: (one) => h("code", {}, one.source) },
      { title: t("kind"), value: (one) => kind(one.kind), show: (one) => kind(one.kind) },
      { title: t("examples"), number: true, value: (one) => one.rows, show: (one) => number(one.rows) },
    ],
  }), left > 0 && h("p", { class: "hint" },
    t("The {n} with most examples; all of them: sutdol loop lineage {version}", { n: rows.length, version: id })));
}

function node(one, parent) {
  const rows = one.rows ? t("{n} example|{n} examples", { n: one.rows }) : t("rows deleted");
  const more = parent && one.rows && parent.rows ? ` (${signed(one.rows - parent.rows)})` : "";
  return h("span", { class: "node", "aria-current": one.version === id ? "true" : null },
    one.version === id ? h("b", {}, one.version) : versionLink(role, one.version), h("small", {}, rows, more));
}

function verdicts() {
  const other = (one) => (one.challenger === id ? one.champion : one.challenger);
  return table({
    caption: t("Verdicts"), none: t("The gate has not judged it."),
    columns: [
      { title: t("decision"), value: (one) => one.decision,
        show: (one) => verdictLink(role, one.id, badge(one.decision)) },
      { title: t("as"), value: (one) => one.challenger === id,
        show: (one) => (one.challenger === id ? t("challenger") : t("champion")) },
      { title: t("against"), value: other, show: (one) => h("span", { class: "nowrap" }, versionLink(role, other(one))) },
      { title: t("why"), show: (one) => h("span", { class: "wide" }, why(one)) },
      { title: t("when"), value: (one) => one.created,
        show: (one) => h("span", { class: "nowrap" }, ago(one.created)) },
    ],
    more: (cursor) => get(url("/api/v1/verdicts", { role, version: id, limit: AT_ONCE, cursor })),
  });
}

function manifest(found) {
  const flat = (value, before = "") => Object.entries(value).flatMap(([key, inner]) =>
    inner !== null && typeof inner === "object" && !Array.isArray(inner) ? flat(inner, `${before}${key}.`)
      : [[`${before}${key}`, inner]]);
  return h("dl", { class: "pairs" },
    [...flat(found.manifest), ["snapshot", found.snapshot]].map(([key, value]) =>
      [h("dt", {}, h("code", {}, key)), h("dd", {}, h("code", {}, JSON.stringify(value)))]));
}
