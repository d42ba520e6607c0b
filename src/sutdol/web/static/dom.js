// Elements without markup in strings: h("p", { class: "lead" }, "text", h("b", {}, "more")).
import { moment, since, t } from "./words.js";

const SVG = "http://www.w3.org/2000/svg";

export function h(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value == null || value === false) continue;
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (name in made && typeof value !== "string" && name !== "list") made[name] = value;
    else made.setAttribute(name, value === true ? "" : value);
  }
  put(made, children.flat(Infinity).filter((one) => one != null && one !== false));
  return made;
}

// One by one: a function takes only so many arguments, and what models say may be long.
export function put(element, nodes) {
  for (const one of nodes) element.append(one);
}

export const $ = (selector, within = document) => within.querySelector(selector);
export const $$ = (selector, within = document) => [...within.querySelectorAll(selector)];

// Puts children in the place of what an element held.
export function fill(element, ...children) {
  element.replaceChildren(...children.flat(Infinity).filter((one) => one != null && one !== false));
  return element;
}

const sheet = $("svg use")?.getAttribute("href").split("#")[0];
export function icon(name) {
  const made = document.createElementNS(SVG, "svg");
  made.setAttribute("class", "icon");
  made.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `${sheet}#${name}`);
  made.append(use);
  return made;
}

// "3 minutes ago", with the full time of the reader's zone for whoever points at it.
export const ago = (iso) => (iso ? h("time", { datetime: iso, title: moment(iso) }, since(iso)) : "–");
export const at = (iso) => (iso ? h("time", { datetime: iso }, moment(iso)) : "–");

const TONES = {
  promote: "good", passed: "good", ok: "good", valid: "good", done: "good", accepted: "good", champion: "good", running: "accent",
  reject: "bad", refused: "bad", breached: "bad", failed: "bad", broken: "bad", revoked: "bad", rejected: "bad", troubled: "bad",
  inconclusive: "warn", expired: "warn", cancelled: "warn", waiting: "warn", resting: "warn", interrupted: "warn", orphaned: "warn", challenger: "accent",
};
// A word of the API in its colour and the reader's language.
export const badge = (word, shown) => h("span", { class: `badge ${TONES[word] ?? ""}` }, shown ?? named(word));

// Every word that the API uses for a state, so that it can be translated.
const NAMES = {
  promote: t("promote"), reject: t("reject"), inconclusive: t("inconclusive"),
  waiting: t("waiting"), running: t("running"), done: t("done"), failed: t("failed"), cancelled: t("cancelled"), interrupted: t("interrupted"),
  orphaned: t("lost its worker"), stale: t("of another release"), accepted: t("accepted"), rejected: t("rejected"),
  forgotten: t("forgotten"), passed: t("passed"), breached: t("breached"), "not judged": t("not judged"), "not proven": t("not proven"),
  ok: t("ok"), absent: t("absent"), broken: t("broken"), troubled: t("troubled"), resting: t("resting"),
  valid: t("valid"), expired: t("expired"), revoked: t("revoked"), disabled: t("disabled"),
  champion: t("champion"), challenger: t("challenger"), previous: t("previous"), anchor: t("anchor"),
  guard: t("guard"), retriever: t("retriever"), generator: t("generator"),
  admin: t("admin"), operator: t("operator"), reviewer: t("reviewer"), user: t("user"),
  initial: t("first model"), rollback: t("roll-back"), force: t("promoted by hand"),
};
export const named = (word) => NAMES[word] ?? word;
export const STATES = Object.keys(NAMES);

// Something to show where there is nothing yet: what it is, and what to do first.
export const empty = (title, text, ...actions) =>
  h("div", { class: "empty" }, h("h3", {}, title), h("p", {}, text), actions.length ? h("div", { class: "row" }, actions) : null);
