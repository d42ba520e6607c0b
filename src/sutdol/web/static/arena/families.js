// What families of attacks and strategies are, in a sentence each.
import { t } from "../words.js";

const FAMILIES = {
  bidi: t("The message runs backwards, or is stored so."),
  case: t("Small and capital letters are mixed."),
  choseong: t("Of Hangul only the initial consonants remain."),
  diacritic: t("Letters carry accents."),
  encoding: t("The message is encoded: a machine can read it, a person cannot."),
  fake_final: t("Syllables get final consonants that mean nothing."),
  invisible: t("Characters that nobody sees go between the letters."),
  jamo: t("Syllables are taken apart into their letters."),
  keyboard_qwerty: t("Korean typed with the English keyboard."),
  leet: t("Digits and symbols stand for letters."),
  llm: t("A language model says it in other words."),
  lookalike: t("Letters become others that look the same."),
  mask: t("Letters are starred or left out."),
  padding: t("Harmless words or marks are put around the message."),
  phonetic: t("Written as it sounds, or with like sounds."),
  romanised: t("Korean in Latin letters."),
  segment: t("Words are broken up or run together."),
  stretch: t("Letters are drawn out."),
  syllable_swap: t("Neighbouring syllables change places."),
  typo: t("Slips of the keyboard."),
  upside_down: t("Letters stand on their heads."),
  yaminjeongeum: t("Syllables become others of the same look."),
};

const GROUPS = {
  mixed: { name: t("Mixed"), text: t("All seen families, and a search that composes them.") },
  unicode_evasion: {
    name: t("Letters, signs and spaces"), text: t("Tricks with letters, signs and spaces, in both languages."),
  },
  korean_evasion: { name: t("Hangul"), text: t("Tricks with Hangul: its letters, sounds, shapes and keys.") },
  llm_generated: { name: t("Language model"), text: t("A language model rewrites the texts.") },
  adaptive: { name: t("Adaptive"), text: t("A search alone: it sees the score, asks again and composes attacks.") },
};

// Plugins bring names that are not here: the name itself, and the help that the API tells.
export const familyTold = (name, help = "") => FAMILIES[name] ?? help;
export const groupNamed = (name) => GROUPS[name]?.name ?? name;
export const strategyTold = ({ strategy, help }) => GROUPS[strategy]?.text ?? familyTold(strategy, help);
