// Every attack by its family, with what is held out and what code covers.
import { ATTACKS } from "./attacks.js";
import { $, fill, h } from "../dom.js";
import { familyTold, groupNamed } from "./families.js";
import { t } from "../words.js";

const LANGUAGES = { en: t("English"), ko: t("Korean") };
export const spoken = (languages) => languages.map((one) => LANGUAGES[one] ?? one).join(", ");

export function catalogue(section, { data, families }) {
  const counts = { attacks: data.length, families: families.length };
  fill($("summary span", section), t("{attacks} attacks in {families} families", counts));
  const of = ({ family: name }) => data.filter((attack) => attack.family === name);
  fill($(".families", section), families.map((one) => family(one, of(one))));
  section.hidden = false;
}

const family = (one, attacks) => h("section", { class: "family", "aria-labelledby": `family-${one.family}` },
  h("div", { class: "row" }, h("h3", { id: `family-${one.family}` }, one.family), notes(one)),
  h("p", { class: "small" }, familyTold(one.family)),
  h("dl", {}, attacks.map(({ attack: name, help }) => (
    [h("dt", {}, h("code", {}, name)), h("dd", {}, ATTACKS[name] ?? help)]))));

const note = (tone, text) => h("span", { class: `badge ${tone}` }, text);
const notes = (one) => [
  h("span", { class: "muted small" }, [groupNamed(one.group), spoken(one.languages)].join(" · ")),
  one.held_out.length ? note("warn", t("held out: {languages}", { languages: spoken(one.held_out) })) : null,
  one.covered === "wholly" ? note("", t("covered by code")) : null,
  one.covered === "partly" ? note("", t("partly covered by code")) : null,
  one.readable ? null : note("", t("unreadable, so in no battle")),
];
