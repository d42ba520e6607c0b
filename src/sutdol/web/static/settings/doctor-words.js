// What the doctor says, in the reader's language as far as it is known here; the rest stays as it is.
import { h } from "../dom.js";
import { language, t } from "../words.js";

const NAMES = {
  python: t("python"),
  machine: t("machine"),
  home: t("home"),
  database: t("database"),
  flows: t("flows"),
  keys: t("keys"),
  "llm endpoint": t("llm endpoint"),
  upstreams: t("upstreams"),
  guard: t("guard"),
  "guard examples": t("guard examples"),
  "trained categories": t("trained categories"),
  "untrained categories": t("untrained categories"),
};
const TEXTS = {
  "none found; nothing here needs one": t("none found; nothing here needs one"),
  "not set: LLM attacks need OPENAI_BASE_URL": t("not set: LLM attacks need OPENAI_BASE_URL"),
  "not set: REDIS_URL lets several processes share cache, events and locks":
    t("not set: REDIS_URL lets several processes share cache, events and locks"),
  "not set: the mirror needs MLFLOW_TRACKING_URI": t("not set: the mirror needs MLFLOW_TRACKING_URI"),
  "none: chats need OPENAI_BASE_URL or `upstreams`": t("none: chats need OPENAI_BASE_URL or `upstreams`"),
  "none: other machines need one, `sutdol keys create`": t("none: other machines need one, `sutdol keys create`"),
  "none under way; commands run their own, others need a worker":
    t("none under way; commands run their own, others need a worker"),
  "none yet: `sutdol guard train` or `demo`": t("none yet: `sutdol guard train` or `demo`"),
};
const FORMS = [
  [/^serves (\d+) models$/, (n) => t("serves {n} model|serves {n} models", { n: Number(n) })],
  [/^(\d+) valid$/, (n) => t("{count} valid", { count: n })],
  [/^(\S+) loads$/, (version) => t("{version} loads", { version })],
  [/^(\d+) running, (\d+) waiting; (\d+) workers$/, (running, waiting, workers) =>
    t("{running} running, {waiting} waiting; {workers} workers", { running, waiting, workers })],
  [/^(.*) \(always 0\)$/, (names) => t("{names} (always 0)", { names })],
];

function known(text) {
  if (TEXTS[text]) return TEXTS[text];
  for (const [form, said] of FORMS) {
    const found = form.exec(text);
    if (found) return said(...found.slice(1));
  }
  return null;
}

// A line of the API as { name, text }.
export function line({ name, text }) {
  const [, server] = /^upstream (.+)$/.exec(name) ?? [];
  const said = known(text);
  return {
    name: server ? t("upstream {name}", { name: server }) : NAMES[name] ?? name,
    text: said ?? (language === "en" ? text : h("span", { lang: "en" }, text)),
  };
}
