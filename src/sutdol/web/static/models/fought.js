// What battles and evaluations measured of versions.
import { at, h } from "../dom.js";
import { listed } from "./listed.js";
import { MEASURED } from "./measures.js";
import { percent, t } from "../words.js";

export const battleLink = (battle) =>
  h("a", { href: `/arena/${encodeURIComponent(battle.flow ?? battle.battle)}` },
    t("battle {number}", { number: battle.battle }));

// Evaluations day by day, folded.
export function days(evaluations) {
  const known = MEASURED.filter(({ key }) => evaluations.some((one) => one[key]));
  return h("details", {}, h("summary", {}, t("{n} evaluation|{n} evaluations", { n: evaluations.length })), listed({
    caption: t("Evaluations"), rows: evaluations,
    columns: [
      { title: t("when"), value: (one) => one.at, show: (one) => at(one.at) },
      ...known.map(({ key, name: title }) => ({ title: h("span", { class: "cap" }, title), number: true,
        value: (one) => one[key]?.value, show: (one) => percent(one[key]?.value) })),
    ],
  }));
}
