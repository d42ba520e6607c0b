// The dialog that makes a key: for whom, what it may do, how much of it, and until when.
import { get, me, may, post } from "../api.js";
import { $$, fill, h } from "../dom.js";
import { options, upTo } from "../roles.js";
import { field, question, select } from "../talk.js";
import { t } from "../words.js";

const DAY = 86400000, MOST = 2147483647, LASTS = [30, 90, 365];
// What each scope opens, as core/caller.py says it.
const SCOPES = {
  chat: t("models, chat, embeddings, responses, files and conversations"),
  moderate: t("moderations and the drop-in for Perspective"),
  feedback: t("give and review feedback"),
  battles: t("start and watch battles"),
  models: t("versions, verdicts, promotion and roll-back"),
  usage: t("usage and cost"),
  admin: t("users and keys"),
};

function scopes() {
  const box = (name) => h("input", { type: "checkbox", name: "scope", value: name });
  const list = h("div", { class: "ticks", hidden: true }, Object.entries(SCOPES).map(([name, text]) =>
    h("label", { class: "check" }, box(name), h("span", {}, h("b", {}, name), ` ${text}`))));
  const all = h("input", { type: "checkbox", checked: true, onchange: () => { list.hidden = all.checked; } });
  const element = h("fieldset", { class: "field" }, h("legend", {}, t("What it may do")),
    h("label", { class: "check" }, all, h("span", {}, t("All that its role may"))), list);
  return { element, chosen: () => (all.checked ? ["*"] : $$("input:checked", list).map((one) => one.value)) };
}

function limits() {
  const count = (name, label) =>
    field(label, h("input", { name, type: "number", min: "1", max: String(MOST), step: "1", inputmode: "numeric" }));
  return h("details", {}, h("summary", {}, t("Limits")), h("div", { class: "fields" },
    count("rpm", t("Requests a minute")),
    count("tpm", t("Tokens a minute")),
    count("daily_tokens", t("Tokens a day"))));
}

const until = () => {
  const days = LASTS.map((n) => [String(n), t("in {n} day|in {n} days", { n })]);
  return select("ends", [...days, ["", t("never")]], "90");
};

// Whose it is; where nobody is signed in, that must be said. A key may do no more than its owner.
function owner(people, role) {
  const known = people.some((one) => one.id === me.user);
  const chosen = h("select", { name: "user", required: true },
    known ? null : h("option", { value: "" }, t("Choose…")),
    people.map((one) => h("option", { value: one.id, selected: one.id === me.user }, one.name)));
  const fit = () => {
    const whose = people.find((one) => one.id === chosen.value), kept = role.value;
    const fitting = options(upTo(me.role, whose?.role ?? me.role));
    fill(role, fitting.map(([value, text]) => h("option", { value, selected: value === kept }, text)));
  };
  chosen.onchange = fit;
  fit();
  return chosen;
}

function body(values, chosen) {
  if (!chosen.length) throw new Error(t("Tick at least one thing that it may do."));
  const count = (name) => (values[name] ? Number(values[name]) : null);
  return {
    name: values.name,
    ...(values.user ? { user: values.user } : {}),
    role: values.role,
    scopes: chosen,
    models: values.models.split(/[\s,]+/).filter(Boolean),
    rpm: count("rpm"),
    tpm: count("tpm"),
    daily_tokens: count("daily_tokens"),
    expires_at: values.ends ? new Date(Date.now() + values.ends * DAY).toISOString() : null,
  };
}

async function sendToSettings() {
  const go = await question({
    title: t("First add a person"),
    text: t("A key belongs to somebody, and this server knows nobody yet. Add the first person under Settings, as an admin."),
    action: t("Go to Settings"),
  });
  if (go) location.assign("/settings#people");
}

function fields(people, role, may_do) {
  const name = h("input", { name: "name", required: true, maxLength: 64, autocomplete: "off" });
  const known = h("datalist", { id: "known-models" });
  const models = h("input", { name: "models", autocomplete: "off", spellcheck: "false", list: known.id });
  get("/v1/models").then(({ data }) => fill(known, data.map((one) => h("option", { value: one.id }))), () => {});
  return [
    field(t("Name"), name, t("The program or machine that will show it.")),
    h("div", { class: "fields" },
      may("admin") ? field(t("For whom"), owner(people, role)) : null, field(t("Ends"), until())),
    field(t("Role"), role),
    may_do.element,
    field(t("Models"), models,
      t("Names or patterns such as gpt-*, with spaces between them. All models when left empty.")),
    known,
    limits(),
  ];
}

// Asks, and makes it. What the API shows this once, or null.
export async function newKey(people) {
  if (may("admin") && !people.length) return sendToSettings();
  const role = select("role", options(upTo(me.role)), "user"), may_do = scopes();
  let made = null;
  await question({
    title: t("New key"),
    action: t("Make the key"),
    fields: fields(people, role, may_do),
    deed: async (values) => { made = await post("/api/v1/keys", body(values, may_do.chosen())); },
  });
  return made;
}
