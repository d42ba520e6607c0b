// Charts in the reader's language, and the curves that a battle is drawn as.
import "./chart.js";
import { FIGURES } from "./arena/fight.js";
import { t } from "./words.js";

const WORDS = {
  none: t("No data yet."), table: t("Table"), save: t("Download SVG"), curves: t("Curves"), marks: t("Events"),
  kind: t("chart"), keys: t("The left and right arrow keys read the values."),
};

// A <line-chart>; a new `data` draws it anew, and its words stay.
export function chart(data) {
  const made = document.createElement("line-chart");
  made.data = { ...data, words: { ...WORDS, ...data.words } };
  return made;
}

// What is caught, what gets through and what is flagged without reason, by round.
export function curves(rounds) {
  const drawn = rounds.filter((one) => one.seen);
  const points = (key) => drawn.map((one) => ({ ...one[key], x: one.round }));
  const promoted = drawn.filter((one) => one.verdict?.decision === "promote");
  return {
    title: t("Quality by round"), x: { label: t("round"), at: t("Round {x}") }, y: { format: "percent" },
    curves: FIGURES.map(({ key, name }) => ({ name, points: points(key) })),
    marks: promoted.map((one) => ({ x: one.round + .5, name: t("promoted") })),
  };
}
