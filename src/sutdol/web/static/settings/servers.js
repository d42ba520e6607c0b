// The model servers behind this one: how they are, what they serve, and how to add one.
import { get, may } from "../api.js";
import { snippet } from "../copying.js";
import { $, badge, empty, fill, h } from "../dom.js";
import { failed } from "../talk.js";
import { t } from "../words.js";

const FEW = 12;
const VARIABLE = "OPENAI_BASE_URL=http://127.0.0.1:11434/v1 sutdol up";
const FILE = [
  "# sutdol.yaml",
  "upstreams:",
  "  - name: ollama",
  "    url: http://127.0.0.1:11434/v1",
  "  - name: openai",
  "    url: https://api.openai.com/v1",
  "    key: ${OPENAI_API_KEY}",
  "    models: [gpt-*]",
].join("\n");

function models({ models: names, trouble }) {
  if (!names.length) return trouble ? null : h("p", { class: "muted small" }, t("It lists no models."));
  const all = h("p", { class: "models" }, names.map((one) => [h("code", { class: "badge" }, one), " "]));
  return names.length <= FEW ? all : h("details", {}, h("summary", {}, t("{n} models", { n: names.length })), all);
}

const server = (one) => h("section", { class: "card", "aria-label": one.name },
  h("header", {}, h("h3", {}, one.name), badge(one.state)),
  one.trouble ? h("p", { class: "notice warn", lang: "en" }, one.trouble) : null,
  models(one));

const none = () => h("div", { class: "card" }, empty(t("No model server yet"),
  t("The guard and the arena work without one. Chats need one: name it where the server is started.")));

async function look() {
  fill($("#servers"), h("p", { class: "muted" }, t("Looking…")));
  const { data } = await get("/api/v1/upstreams");
  fill($("#servers"), data.length ? h("div", { class: "grid" }, data.map(server)) : none());
}

export function servers() {
  const named = snippet(VARIABLE, t("one by a variable")), listed = snippet(FILE, "sutdol.yaml");
  fill($("#add-server > div"), h("div", { class: "stack" }, named, listed));
  $("#add-server").hidden = !may("admin");
  // One that is away is waited for, but nobody waits to see the page.
  look().catch((error) => { fill($("#servers")); failed(error); });
}
