// What happened to a role: verdicts and changes of champion, newest first.
import { get, url } from "../api.js";
import { ago, badge, fill, h, named } from "../dom.js";
import { why } from "./measures.js";
import { verdictLink, versionLink } from "./open.js";
import { busy } from "../talk.js";
import { t } from "../words.js";

const AT_ONCE = 12;

export function past(role) {
  const path = `/api/v1/models/${encodeURIComponent(role)}/history`;
  const list = h("ol", { class: "plain past" });
  const more = h("button", { type: "button", hidden: true, onclick: () => busy(more, older) }, t("Show older"));
  const element = h("section", { class: "card", "aria-labelledby": `past-${role}` },
    h("header", {}, h("h3", { id: `past-${role}` }, t("History"))), list, h("div", { class: "row" }, more));
  const spent = new Set(); // verdicts whose promotion says the same
  let next = null;

  const ask = (cursor) => get(url(path, { limit: AT_ONCE, cursor }));

  function entries({ data }) {
    for (const one of data) if (one.kind === "promote") spent.add(one.verdict);
    const told = data.filter((one) => one.kind !== "verdict" || !spent.has(one.verdict));
    return told.reverse().map((one) => entry(role, one));
  }

  async function older() {
    const found = await ask(next);
    const first = list.children.length;
    next = found.next;
    list.append(...entries(found));
    more.hidden = !next;
    list.children[first]?.querySelector("a")?.focus();
  }

  async function load() {
    const found = await ask(null);
    next = found.next;
    fill(list, entries(found));
    more.hidden = !next;
  }

  return { element, load };
}

function entry(role, one) {
  const tone = one.kind === "rollback" ? "warn" : "good";
  const kind = one.kind === "promote" ? t("new champion") : named(one.kind);
  const word = one.kind === "verdict" ? badge(one.what) : h("span", { class: `badge ${tone}` }, kind);
  return h("li", {},
    h("div", { class: "row" }, word, who(role, one), h("small", { class: "muted" }, ago(one.at))),
    h("p", { class: "muted" }, because(role, one)));
}

function who(role, one) {
  const [version, replaced] = [versionLink(role, one.version), versionLink(role, one.replaced)];
  if (one.kind === "verdict") return h("span", {}, version, ` ${t("vs.")} `, replaced);
  return h("span", {}, one.replaced ? [replaced, " → "] : null, version);
}

function because(role, one) {
  const link = one.verdict ? [" ", verdictLink(role, one.verdict, t("Verdict"))] : [];
  if (one.kind === "initial") return t("The first model.");
  if (one.kind === "promote") return [why({ ...one, decision: "promote" }), ...link];
  if (one.kind === "verdict") return [why({ ...one, decision: one.what }), ...link];
  return t("by {actor}: {reason}", { actor: name(one.actor), reason: said(one.reason) });
}

// A reason that these pages gave themselves is kept in English, like all that is on record.
export const UNDO = "undo roll-back";
export const said = (reason) => (reason === UNDO ? t("undo of the roll-back") : reason);
export const name = (actor) => actor.replace(/^user:/, "");
