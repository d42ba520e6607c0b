// A key that was just made: shown this once, with what a program needs to use it.
import { get } from "../api.js";
import { choice } from "../choice.js";
import { copier, snippet } from "../copying.js";
import { fill, h } from "../dom.js";
import { t } from "../words.js";

const opens = (key, scope) => key.scopes.includes("*") || key.scopes.includes(scope);

// Patterns as the server reads them: * for anything, ? for one character.
function fits(pattern, model) {
  const plain = pattern.replace(/[.+^${}()|\\[\]]/g, "\\$&");
  return new RegExp(`^${plain.replace(/\*/g, ".*").replace(/\?/g, ".")}$`).test(model);
}

// A model that the key may ask for, to be put into examples.
const fitting = (key, models) =>
  models.find((one) => !key.models.length || key.models.some((pattern) => fits(pattern, one)))
  ?? key.models.find((one) => !/[*?[]/.test(one)) ?? "MODEL";

const quoted = (value) => `'${JSON.stringify(value).replaceAll("'", "'\\''")}'`;

function curl(key, model) {
  const shows = `-H "Authorization: Bearer ${key.key}"`, messages = [{ role: "user", content: "Hello" }];
  const ask = (path, body) =>
    `curl ${location.origin}${path} \\\n  ${shows} \\\n  -H "Content-Type: application/json" \\\n  -d ${quoted(body)}`;
  if (opens(key, "chat")) return ask("/v1/chat/completions", { model, messages });
  if (opens(key, "moderate")) return ask("/v1/moderations", { input: "Hello" });
  return `curl ${location.origin}/api/v1/me \\\n  ${shows}`;
}

function python(key, model) {
  const chat = [
    "answer = client.chat.completions.create(",
    `    model=${JSON.stringify(model)},`,
    '    messages=[{"role": "user", "content": "Hello"}],',
    ")",
    "print(answer.choices[0].message.content)",
  ];
  return [
    "from openai import OpenAI",
    "",
    "client = OpenAI(",
    `    base_url="${location.origin}/v1",`,
    `    api_key="${key.key}",`,
    ")",
    ...(opens(key, "chat") ? chat : ['print(client.moderations.create(input="Hello").results[0].flagged)']),
  ].join("\n");
}

const environment = (key) => `export OPENAI_BASE_URL=${location.origin}/v1\nexport OPENAI_API_KEY=${key.key}`;

function ways(key) {
  const speaks = opens(key, "chat") || opens(key, "moderate"); // what OpenAI's client can ask for
  return [["curl", "curl", curl], ...(speaks ? [["python", "Python", python]] : []),
    ["environment", t("Environment"), environment]];
}

function examples(key) {
  let way = "curl", models = [];
  const all = ways(key), shown = h("div");
  const draw = () => {
    const [, title, text] = all.find(([name]) => name === way);
    fill(shown, snippet(text(key, fitting(key, models)), title));
  };
  const chosen = choice(t("Use it"), all, way, (value) => { way = value; draw(); });
  const listed = ({ data }) => {
    models = data.map((one) => one.id);
    if (!shown.contains(document.activeElement)) draw();
  };
  draw();
  get("/v1/models").then(listed, () => {}); // where no model server answers, the example has a placeholder
  return [h("div", { class: "row between" }, h("h4", {}, t("Use it")), chosen), shown];
}

// `after` gets the focus when it is put away.
export function shownOnce(key, after) {
  const plain = h("input", {
    readOnly: true, value: key.key, "aria-label": t("The key"), spellcheck: "false", onfocus: () => plain.select(),
  });
  const done = () => { card.remove(); after.focus(); };
  const card = h("section", { class: "card made", "aria-labelledby": "made-title" },
    h("h3", { id: "made-title", tabindex: "-1" }, t("Your new key “{name}”", key)),
    h("p", {}, t("It is shown this once: only a hash of it is kept. Copy it now to where the program will find it.")),
    h("div", { class: "secret" }, plain, copier(() => key.key, t("Copy: {name}", { name: t("The key") }))),
    examples(key),
    h("div", { class: "row" }, h("button", { type: "button", onclick: done }, t("I have kept it"))));
  return card;
}
