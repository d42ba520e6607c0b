// Every setting of the server: what it is now, what it is by default, and what sets it.
import { get } from "../api.js";
import { snippet } from "../copying.js";
import { $, badge, fill, h } from "../dom.js";
import { table } from "../table.js";
import { language, learn, t } from "../words.js";

const FILE = [
  "# sutdol.yaml", "gateway:", "  guard_output: true", "loop:", "  improve_cron: 0 4 * * *", "  timezone: Asia/Seoul",
].join("\n");
const VARIABLES = "SUTDOL_GATEWAY__GUARD_OUTPUT=true SUTDOL_LOOP__TIMEZONE=Asia/Seoul sutdol up";
const lines = (...children) => h("div", { class: "lines" }, children);

// What stands between backticks is code.
const coded = (text) => text.split("`").map((part, index) => (index % 2 ? h("code", {}, part) : part));

// As one would write it in sutdol.yaml; of a model server its name and address.
function written(value) {
  if (value == null) return h("span", { class: "muted" }, t("not set"));
  const servers = Array.isArray(value) && value.some((one) => typeof one === "object");
  if (servers) return lines(value.map((one) => h("code", {}, `${one.name}: ${one.url}`)));
  return h("code", {}, typeof value === "object" ? JSON.stringify(value) : String(value));
}

function now(one) {
  const value = one.kind === "secret" && one.value ? h("span", {}, t("set, and never shown")) : written(one.value);
  const before = () => [badge("champion", t("changed")), ` ${t("default")}: `, written(one.default)];
  return h("div", { class: "lines value" }, value, one.changed ? h("small", { class: "muted" }, before()) : null);
}

const setting = (one, about) =>
  h("div", { class: "lines wide" }, h("code", {}, h("b", {}, one.name)), h("small", { class: "muted" }, coded(about)));
const variables = (one) => lines(one.environment.map((name) => h("code", { class: "nowrap" }, name)));

async function meanings() {
  if (language === "en") return (one) => one.about; // as the API tells it
  await learn("settings/meanings.js");
  const known = (await import("./meanings.js")).default;
  return (one) => known[one.name] ?? one.about;
}

export async function options() {
  const [{ data }, about] = await Promise.all([get("/api/v1/settings"), meanings()]);
  const changed = data.filter((one) => one.changed);
  const shown = table({
    caption: t("All settings"),
    columns: [
      { title: t("Setting"), show: (one) => setting(one, about(one)), value: (one) => one.name },
      { title: t("Now"), show: now, value: (one) => Number(!one.changed) },
      { title: t("Variable"), show: variables },
    ],
    filter: (one) => [one.name, about(one), ...one.environment].join(" "),
  });
  const draw = () => shown.set(only.checked ? changed : data);
  const only = h("input", { type: "checkbox", id: "only-changed", onchange: draw });
  $(".tools", shown.element).append(h("label", { class: "check", for: only.id }, only,
    t("Only what differs from its default ({n})", { n: changed.length })));
  draw();
  fill($("#options"), h("div", { class: "card" }, shown.element));
  $("#how").append(h("div", { class: "stack" },
    h("p", { class: "muted" },
      t("A dot in a name is a level in the file, and two underscores in a variable. The environment wins over the file.")),
    snippet(FILE, "sutdol.yaml"), snippet(VARIABLES, t("the environment"))));
}
