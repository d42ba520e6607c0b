// The table of keys: whose they are, what they may do, and a way to end them.
import { get, may, me, remove, url } from "../api.js";
import { $, $$, ago, badge, empty, fill, h, named } from "../dom.js";
import { question, toast } from "../talk.js";
import { table } from "../table.js";
import { t } from "../words.js";

const WEEK = 604800000, MANY = 8;
const begins = (key) => `sutdol_${key.id}_…`;
const lines = (...children) => h("div", { class: "lines" }, children);
const quiet = (text) => h("span", { class: "muted" }, text);

const name = (key) => lines(h("b", {}, key.name), h("code", { class: "muted" }, begins(key)));
const models = (key) => h("small", { class: "muted" }, key.models.map((one) => h("code", {}, `${one} `)));
const allowed = (key) => lines(
  h("span", {}, named(key.role), key.scopes.includes("*") ? null : `: ${key.scopes.join(", ")}`),
  key.models.length ? models(key) : null);

function limits(key) {
  const found = [
    key.rpm && t("{count} requests/min", { count: key.rpm }),
    key.tpm && t("{count} tokens/min", { count: key.tpm }),
    key.daily_tokens && t("{count} tokens/day", { count: key.daily_tokens }),
  ].filter(Boolean);
  return found.length ? lines(found.map((one) => h("small", { class: "nowrap" }, one))) : quiet(t("none"));
}

const ends = (key) => key.revoked_at ?? key.expires_at;
const when = (iso) => (iso ? ago(iso) : quiet(t("never")));

// How much a key was used lately, as far as one may know.
async function used(key) {
  if (!may("operator") && key.user !== me.user) return 0;
  const since = new Date(Date.now() - WEEK).toISOString();
  const found = await get(url("/api/v1/usage", { by: "route", key: key.id, since })).catch(() => ({ data: [] }));
  return found.data.reduce((sum, one) => sum + one.requests, 0);
}

const asked = (n) => n
  ? t("In the last 7 days it was shown with {n} request.|In the last 7 days it was shown with {n} requests.", { n })
  : t("In the last 7 days nobody used it.");

// `begin` makes a new key. The element, and what loads it anew.
export function keyList(begin) {
  let all = [];
  const act = (key) => (key.state === "revoked" ? "" : h("button", {
    type: "button", class: "quiet danger", "aria-label": t("Revoke {name}", key), onclick: () => revoke(key),
  }, t("Revoke")));
  const columns = [
    { title: t("Key"), show: name, value: (key) => key.name },
    may("admin") && { title: t("Whose"), show: (key) => key.user_name, value: (key) => key.user_name },
    { title: t("May do"), show: allowed },
    { title: t("Limits"), show: limits },
    { title: t("State"), show: (key) => badge(key.state), value: (key) => key.state },
    { title: t("Last used"), show: (key) => when(key.last_used_at), value: (key) => key.last_used_at },
    { title: t("Ends"), show: (key) => when(ends(key)), value: ends },
    { title: h("span", { class: "unseen" }, t("Revoke")), show: act },
  ].filter(Boolean);
  const sought = (key) => [key.name, key.id, key.user_name, ...key.scopes, ...key.models].join(" ");
  const shown = table({ caption: t("Keys"), columns, filter: sought, none: t("No key is valid now.") });
  const ended = h("input", { type: "checkbox", id: "ended", onchange: () => draw() }), count = h("span");
  const more = h("label", { class: "check small", for: "ended" }, ended, count);
  const none = empty(t("No keys yet"),
    t("A key lets one program ask this server in somebody's name, with limits if you like. It is shown once, and can be revoked at any time."),
    h("button", { type: "button", onclick: begin }, t("New key")));
  const element = h("div", { class: "card" });

  function draw() {
    const valid = all.filter((key) => key.state === "valid");
    shown.set(ended.checked ? all : valid);
    $(".tools", shown.element).hidden = all.length <= MANY;
    more.hidden = valid.length === all.length;
    fill(count, t("Show revoked and expired too ({n})", { n: all.length - valid.length }));
    fill(element, ...(all.length ? [shown.element, more] : [none]));
  }

  async function revoke(key) {
    const place = $$("tbody button", element).indexOf(document.activeElement);
    const done = await question({
      title: t("Revoke “{name}”?", key),
      text: [
        t("Every program that shows {begins} is refused from now on. This is for good: a revoked key never works again.",
          { begins: begins(key) }),
        asked(await used(key)),
      ],
      action: t("Revoke"),
      danger: true,
      deed: () => remove(`/api/v1/keys/${key.id}`),
    });
    if (!done) return;
    await load();
    toast(t("“{name}” is revoked.", key));
    const left = $$("tbody button", element);
    (left[Math.min(Math.max(place, 0), left.length - 1)] ?? $("button, [tabindex]", element))?.focus();
  }

  async function load() {
    const { data } = await get("/api/v1/keys");
    all = data.reverse();
    draw();
  }

  return { element, load };
}
