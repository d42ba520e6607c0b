// Who may use this server: letting people in, what they may do, and shutting them out.
import { get, me, patch, post } from "../api.js";
import { password } from "./password.js";
import { $, ago, badge, empty, fill, h, named } from "../dom.js";
import { options, ROLES } from "../roles.js";
import { failed, field, question, select, toast } from "../talk.js";
import { table } from "../table.js";
import { t } from "../words.js";

const USERS = "/api/v1/users", MANY = 8;
let shown = null, all = [];

async function add() {
  let made = null;
  const name = h("input", {
    name: "name", required: true, maxLength: 64, autocomplete: "off", autocapitalize: "none", spellcheck: "false",
  });
  await question({
    title: t("Add a person"),
    action: t("Add"),
    fields: [
      field(t("Name"), name),
      field(t("Role"), select("role", options(ROLES), all.length ? "user" : "admin"),
        all.length ? null : t("The first person had better be an admin, who lets others in.")),
      password(t("At least 10 characters. Pass it on yourself; without one, the person gets in by key only."), false),
    ],
    deed: async ({ name, role, password }) => {
      made = await post(USERS, { name, role, ...(password ? { password } : {}) });
    },
  });
  if (!made) return;
  await load();
  toast(made.has_password ? t("{name} can sign in now.", made) : t("{name} is added.", made));
}

// A change that `back` undoes.
async function change(person, values, said, back = null) {
  await patch(`${USERS}/${person.id}`, values);
  await load();
  const undo = back && (() => change(person, back, t("It is as it was.")).catch(failed));
  toast(said, { undo });
}

async function role(person) {
  await question({
    title: t("Role of {name}", person),
    text: t("Sessions end, so that {name} signs in again. Keys keep their role, but never do more than their owner may.",
      person),
    action: t("Change the role"),
    fields: [field(t("Role"), select("role", options(ROLES), person.role))],
    deed: async ({ role: wanted }) => {
      const said = t("{name} is now: {role}.", { name: person.name, role: named(wanted) });
      if (wanted !== person.role) await change(person, { role: wanted }, said, { role: person.role });
    },
  });
}

const newPassword = (person) => question({
  title: t("Password for {name}", person),
  text: t("The old one stops working, and {name} is signed out everywhere.", person),
  action: t("Set the password"),
  fields: [password(t("At least 10 characters. Pass it on yourself."), true)],
  deed: (values) =>
    change(person, { password: values.password }, t("{name} can sign in with the new password.", person)),
});

const disable = (person) => question({
  title: t("Disable {name}?", person),
  text: t("{name} is signed out, and every key of {name} stops working at once. Nothing is deleted: enabling brings it all back.",
    person),
  action: t("Disable"),
  danger: true,
  deed: () => change(person, { enabled: false }, t("{name} is disabled.", person), { enabled: true }),
});

const enable = (person) => change(person, { enabled: true }, t("{name} is enabled.", person)).catch(failed);

function acts(person) {
  // The table is drawn anew by what is done, and its button with it.
  const act = (what, text, label, deed, more = "") => h("button", {
    type: "button", class: `quiet ${more}`, "aria-label": label, "data-act": `${person.id} ${what}`,
    onclick: async () => { await deed(person); $(`[data-act="${person.id} ${what}"]`)?.focus(); },
  }, text);
  return h("div", { class: "row acts" },
    act("role", t("Role"), t("Role of {name}", person), role),
    act("password", t("Password"), t("Password for {name}", person), newPassword),
    person.disabled_at ? act("state", t("Enable"), t("Enable {name}", person), enable)
      : act("state", t("Disable"), t("Disable {name}", person), disable, "danger"));
}

const quiet = (text) => h("span", { class: "muted" }, text);
const WAYS = ["password", "key", "disabled"];
const way = (one) => (one.disabled_at ? "disabled" : one.has_password ? "password" : "key");
const entry = (one) => {
  if (one.disabled_at) return badge("disabled");
  return one.has_password ? t("by password") : quiet(t("by key only"));
};
const title = (one) => [h("b", {}, one.name), one.id === me.user ? [" ", quiet(t("(you)"))] : ""].flat();

const columns = [
  { title: t("Name"), show: (one) => h("span", {}, title(one)), value: (one) => one.name },
  { title: t("Role"), show: (one) => named(one.role), value: (one) => ROLES.indexOf(one.role) },
  { title: t("Gets in"), show: entry, value: (one) => WAYS.indexOf(way(one)) },
  { title: t("Since"), show: (one) => ago(one.created_at), value: (one) => one.created_at },
  { title: h("span", { class: "unseen" }, t("Actions")), show: acts },
];

const nobody = () => h("div", { class: "card" }, empty(t("Nobody yet"),
  t("On this machine alone nobody has to sign in. Add people before others may reach this server; the first one had better be an admin."),
  h("button", { type: "button", onclick: add }, t("Add a person"))));

async function load() {
  ({ data: all } = await get(USERS));
  shown.set(all);
  $(".tools", shown.element).hidden = all.length <= MANY;
  fill($("#people"), all.length ? h("div", { class: "card" }, shown.element) : nobody());
}

export async function people() {
  const button = $("#new-person");
  shown = table({ caption: t("People"), columns, filter: (one) => `${one.name} ${named(one.role)}` });
  button.onclick = async () => { await add(); button.focus(); };
  await load();
}
