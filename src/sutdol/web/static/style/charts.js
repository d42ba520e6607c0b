// The charts of the style page: many curves, few, none, gaps, long names, and one that grows.
import { chart, curves } from "../charted.js";
import { h } from "../dom.js";
import { t } from "../words.js";

const ROUNDS = 10, SPREAD = .035;
const ENDS = {
  seen: [.78, .95], held_out: [.52, .7], independent: [.6, .81], adaptive: [.74, .35], fpr_clean: [.05, .06],
  fpr_twins: [.09, .07],
};

// A round as the API tells it: a staircase, as guards improve only where one is promoted.
function round(number) {
  const part = number < 3 ? 0 : number < 6 ? .6 : 1;
  const figure = ([from, to]) => {
    const value = from + (to - from) * part;
    return { value, low: Math.max(0, value - SPREAD), high: Math.min(1, value + SPREAD), n: 300 };
  };
  const figures = Object.fromEntries(Object.entries(ENDS).map(([key, one]) => [key, figure(one)]));
  return { round: number, ...figures, verdict: { decision: [2, 5].includes(number) ? "promote" : "inconclusive" } };
}

const rounds = Array.from({ length: ROUNDS }, (_, n) => round(n + 1)), shown = [];
export const quality = {
  draw() {
    shown.push(chart(curves(rounds)));
    return h("div", { class: "card" }, shown.at(-1));
  },
  grow() {
    rounds.push(round(rounds.length + 1));
    for (const one of shown) one.data = curves(rounds);
  },
};

const days = Array.from({ length: 100 }, (_, n) => `${1 + Math.floor(n / 30)}/${1 + n % 30}`);
const wave = (high, late) => days.map((_, n) => Math.round(high * (1.3 + Math.sin((n + late) / 7) + .3 * Math.sin(n))));
const points = (values, first = 0) => values.map((value, n) => ({ x: first + n, value }));
const known = { x: { label: t("round"), at: t("Round {x}") }, y: { format: "percent" } };

export function series() {
  const card = (title, data) =>
    h("section", { class: "card" }, h("h3", {}, title), chart({ title, marks: [], ...data }));
  return [
    card(t("A hundred days"), {
      x: { label: t("day"), ticks: days }, y: { format: "number", label: t("requests") },
      curves: [
        { name: t("requests"), points: points(wave(5200, 0)) }, { name: t("blocked"), points: points(wave(900, 9)) },
      ],
    }),
    card(t("With gaps and long names"), {
      ...known, marks: [{ x: 1.5, name: t("promoted") }, { x: 2.5, name: t("rolled back") }],
      curves: [
        { name: t("attacked texts of families that stay out of training for ever"),
          points: points([.4, .5, null, .55, .6, NaN, .71], 1) },
        { name: t("harmless texts, attacked in the same way, that were flagged"),
          points: points([.1, .12, .11, null, null, .12, .1], 1) },
      ],
    }),
    card(t("One round"), {
      ...known,
      curves: [
        { name: t("champion"), points: [{ x: 1, value: .74, low: .71, high: .78 }] },
        { name: t("challenger"), points: [{ x: 1, value: .8, low: .76, high: .83 }] },
      ],
    }),
    card(t("No round yet"), { ...known, curves: [] }),
  ];
}
