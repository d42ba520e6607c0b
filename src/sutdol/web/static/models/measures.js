// What models are measured by, in words: names, which way is better, and why the gate decided so.
import { h } from "../dom.js";
import { FIGURES } from "../arena/fight.js";
import { number, percent, points, t } from "../words.js";

// Figures of battles and evaluations, in the order in which they are read.
export const MEASURED = [
  { key: "clean", name: t("caught as written"), better: 1 },
  ...FIGURES,
  { key: "fpr_twins_unseen", name: t("the same by never-trained attacks"), better: -1 },
];

const NAMES = {
  "attacked recall": t("attacked recall"),
  "clean recall": t("clean recall"),
  "false positives": t("false positives"),
  "false positives on twins": t("false positives on twins"),
  "regression suite, pinned": t("regression suite, pinned"),
  "regression suite, unpinned": t("regression suite"),
  "hold-out texts in training": t("hold-out texts in training"),
};
// What a measure of the gate counts, in one sentence.
export const MEANT = {
  "attacked recall": t("Share of the attacks on violating texts that are caught, at thresholds that flag equally few harmless texts."),
  "clean recall": t("Share of violating texts caught as they are written."),
  "false positives": t("Share of harmless texts flagged, as they are written."),
  "false positives on twins": t("Share of harmless texts flagged when they are disguised as an attacker would disguise them."),
  "regression suite, pinned": t("Evasions that must never come back."),
  "regression suite, unpinned": t("Evasions that an earlier version fixed and that must stay fixed."),
  "hold-out texts in training": t("Texts of the exam that the challenger learned from: none may be."),
};
const SLICES = { lang: t("language"), source: t("source"), family: t("family"), attack: t("attack") };
const AGAINST = { champion: t("champion"), anchor: t("first champion"), "hold-out": t("hold-out texts") };
const KINDS = { data: t("data"), feedback: t("feedback"), evasion: t("evasions"), twin: t("benign twins") };
export const KIND_ORDER = Object.keys(KINDS);

export const against = (word) => AGAINST[word] ?? word;
export const kind = (word) => KINDS[word] ?? word;
export const higher = (measure) => !measure.startsWith("false positives");

// "attacked recall family:leet" -> { measure, slice, value }
export function parts(check) {
  const found = /^(.*?) (lang|source|family|attack):(.*)$/.exec(check);
  return found ? { measure: found[1], slice: SLICES[found[2]], value: found[3] }
    : { measure: check, slice: "", value: "" };
}

export function measure(check) {
  const { measure: name, slice, value } = parts(check);
  const said = NAMES[name] ?? name;
  return slice ? `${said}, ${slice} ${value}` : said;
}

export const signed = (value) => `${value > 0 ? "+" : value < 0 ? "−" : "±"}${number(Math.abs(value))}`;
export const chance = (p) =>
  p == null ? "–" : p < 0.0001 ? `< ${number(0.0001, 4)}` : number(p, p < 0.1 ? 4 : 2);
export const inPoints = (share) => t("{value} points", { value: points(share) });
export const spread = (low, high) => `[${points(low)}, ${points(high)}]`;

// A difference, with which way it is in a sign, a colour and a word; `sure` says whether it is no accident,
// and is null where nobody tested that.
export function change(difference, better, sure = true) {
  if (difference == null) return h("span", { class: "muted" }, "–");
  const shown = (style, word, turn) =>
    h("span", { class: `change ${style}`, "data-turn": turn }, points(difference), " ", h("span", {}, word));
  if (sure === null) return shown("muted", t("not tested"), "untested");
  const turn = !sure || !difference ? "same" : difference * better > 0 ? "better" : "worse";
  const style = { better: "up", worse: "down", same: "muted" }[turn];
  const word = { better: t("better"), worse: t("worse"), same: t("no clear change") }[turn];
  return shown(style, word, turn);
}

// The difference of two figures with its 95 % interval (Newcombe's, out of theirs).
export function between(a, b) {
  if (a?.value == null || b?.value == null) return null;
  const value = b.value - a.value;
  return {
    value,
    low: value - Math.hypot(b.value - b.low, a.high - a.value),
    high: value + Math.hypot(b.high - b.value, a.value - a.low),
  };
}

const Z = 1.645 / 1.96; // the one-sided 95 % end of what is told with 95 % on both sides
const best = (gain) => gain.effect + (gain.high - gain.effect) * Z;
const limit = (one) => number(100 * one.margin, 0);

function breach(one) {
  if (one.kind === "leak") {
    return t("{n} training row repeats hold-out texts|{n} training rows repeat hold-out texts", { n: one.n });
  }
  return t("{measure} lost {loss} points against the {against} (limit {limit}, n {count})", {
    measure: measure(one.name), loss: number(100 * one.loss, 1), against: against(one.against),
    limit: limit(one), count: one.n,
  });
}

const doubt = (one) => t("{measure} may lose {bound} points against the {against} (limit {limit})", {
  measure: measure(one.name), bound: number(100 * one.bound, 1), against: against(one.against), limit: limit(one),
});

// What cannot be judged at all, by the server's sentence.
const UNFIT = [
  [/^(\d+) cases for .*?, (\d+) are needed/, (found) =>
    t("Only {count} violating texts; {needed} are needed: add labels.", found)],
  [/^(\d+) harmless texts, (\d+) are needed/, (found) =>
    t("Only {count} harmless texts; {needed} are needed, 3,000 are good.", found)],
  [/score every case alike$/, () => t("Champion and challenger score every text alike.")],
  [/^some scores are not numbers/, () => t("Some scores are not numbers: look at the training.")],
];

// Why a verdict is what it is, in the reader's language; what is not known here stays as the server says it.
export function why({ decision, reason, primary, failed }) {
  const measured = primary?.effect != null && (decision !== "inconclusive" || /^(better, but|.* points \[)/.test(reason));
  if (!measured) return unfit(reason);
  const gain = t("{measure} {effect} points {spread}", {
    measure: measure(primary.name), effect: points(primary.effect), spread: spread(primary.low, primary.high),
  });
  const numbers = { gain, p: chance(primary.p), alpha: chance(primary.alpha) };
  const breached = (failed ?? []).filter((one) => one.state === "breached");
  const unproven = (failed ?? []).filter((one) => one.state === "unproven");
  if (decision === "promote") return t("{gain}; p {p} is at most {alpha}, and every guard-rail passed.", numbers);
  if (breached.length) return `${breached.slice(0, 3).map(breach).join("; ")}.`;
  if (decision === "reject") {
    const numbers = { measure: measure(primary.name), best: points(best(primary)) };
    return t("{measure} did not improve: at best {best} points.", numbers);
  }
  if (primary.p > primary.alpha) return t("{gain}; p {p} is above {alpha}: too little evidence.", numbers);
  return t("Better, but not shown to be safe: {what}.", { what: unproven.slice(0, 3).map(doubt).join("; ") });
}

function unfit(reason) {
  for (const [known, say] of UNFIT) {
    const found = known.exec(reason);
    if (found) return say({ count: Number(found[1]), needed: Number(found[2]) });
  }
  return h("span", { lang: "en" }, reason);
}

// A figure as "97.3 %" with its interval below it, small.
export const figure = (one) =>
  one?.value == null ? h("span", { class: "muted" }, t("not measured"))
    : h("span", { class: "figure" }, percent(one.value), " ",
      h("small", { class: "muted" }, `[${number(100 * one.low, 1)}, ${number(100 * one.high, 1)}]`));
