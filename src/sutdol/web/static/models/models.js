// Models: where each role stands, its versions and its history, a turn of the loop and the way back.
import { get, may } from "../api.js";
import { $, ago, empty, fill, h, named } from "../dom.js";
import { promote, rollBack } from "./crown.js";
import { why } from "./measures.js";
import { compareLink, open, verdictLink, versionLink } from "./open.js";
import { name, past, said } from "./past.js";
import { failed } from "../talk.js";
import { turns } from "./turn.js";
import { versions } from "./versions.js";
import { number, t } from "../words.js";

const SOON = 4000; // milliseconds between two looks whether the first model is there
const WHAT = {
  guard: t("Decides which messages are allowed."),
  retriever: t("Finds the passages that answer a question."),
  generator: t("Writes the answers."),
};

open($("#roles"), async () => {
  const { data } = await get("/api/v1/models");
  fill($("#roles"), await Promise.all(data.map(role)));
});

async function role(found) {
  if (found.champion) return section(found);
  const nothing = nobody(found);
  const look = async () => {
    const now = (await get("/api/v1/models").catch(() => ({ data: [] }))).data.find((one) => one.role === found.role);
    if (now?.champion) nothing.replaceWith(await section(now));
    else setTimeout(look, SOON);
  };
  setTimeout(look, SOON);
  return nothing;
}

const titled = (found, ...actions) => h("div", { class: "head" },
  h("div", {}, h("h2", { id: `role-${found.role}`, tabIndex: -1 }, named(found.role)),
    h("p", { class: "muted" }, WHAT[found.role], " ",
      found.examples > 0 && t("{n} example to learn from.|{n} examples to learn from.", { n: found.examples }))),
  h("div", { class: "row deeds" }, actions));

function nobody(found) {
  const steps = found.role === "guard"
    ? empty(t("No guard yet"),
      t("A guard decides which messages are allowed. The first battle trains one by itself from the texts that come with Sutdol; from your own labelled texts you train one with the command below."),
      may("operator") && h("a", { class: "button primary", href: "/arena" }, t("To the arena")),
      h("code", {}, "sutdol guard train --data FILE"))
    : empty(t("No version yet"), t("Nothing has been trained in this role."));
  return h("section", { class: "role", "aria-labelledby": `role-${found.role}` }, titled(found),
    h("div", { class: "card" }, steps));
}

// A role with a champion; `show` draws anew what may have changed, and leaves in place what has the focus.
async function section(first) {
  const id = first.role;
  let now = first;
  const history = past(id), cards = h("div", { class: "trio" });
  const turn = turns(id, { over: () => show().catch(failed) });
  const list = versions(id, { crown: (to) => promote(id, { from: now.champion, to }, show) });
  const goBack = () => rollBack(id, { from: now.champion, to: now.previous }, show);
  const back = h("button", { type: "button", onclick: goBack }, t("Roll back"));
  const ask = () => turn.ask(now.examples, now.budget);
  const improve = h("button", { type: "button", class: "primary", onclick: ask }, t("Improve now"));
  const head = titled(first, may("operator") ? [back, improve] : []);

  async function show() {
    const [found] = await Promise.all([get("/api/v1/models"), history.load(), list.load()]);
    now = found.data.find((one) => one.role === id);
    back.hidden = !now.previous;
    fill(cards, champion(now), challenger(now), budget(now));
    list.champion = now.champion;
    if (back.hidden && document.activeElement === document.body) $("h2", head).focus();
  }

  await show();
  if (may("operator")) turn.find().catch(failed);
  return h("section", { class: "role", "aria-labelledby": `role-${id}` }, head, turn.element, cards, list.element,
    history.element);
}

const card = (title, ...children) =>
  h("section", { class: "card", "aria-label": title }, h("h3", { class: "label" }, title), children);

function champion(now) {
  const last = now.crowned;
  return card(t("Champion"),
    h("p", { class: "big" }, versionLink(now.role, now.champion)),
    last && h("p", { class: "muted small" }, t("Champion since"), " ", ago(last.at)),
    last && h("p", {}, crowned(last)),
    h("div", { class: "links" },
      last?.verdict && verdictLink(now.role, last.verdict, t("Verdict")),
      now.previous && compareLink(now.role, now.previous, now.champion,
        t("Compare with {version}", { version: now.previous }))));
}

function crowned(last) {
  if (last.kind === "initial") return t("The first model: there was nobody to beat.");
  if (last.kind === "promote") return [t("Promoted by the gate:"), " ", why({ ...last, decision: "promote" })];
  const told = { version: last.replaced, actor: name(last.actor), reason: said(last.reason) };
  if (last.kind === "rollback") return t("Rolled back from {version} by {actor}: {reason}", told);
  return t("Promoted by hand by {actor}: {reason}", told);
}

function challenger(now) {
  if (!now.challenger) {
    return card(t("Challenger"), h("p", { class: "big" }, "–"),
      h("p", { class: "muted" }, t("Nobody has challenged the champion since it was crowned.")));
  }
  const { judged } = now;
  return card(t("Challenger"),
    h("p", { class: "big" }, versionLink(now.role, now.challenger)),
    judged && h("p", { class: "muted small" }, t("Judged"), " ", ago(judged.at)),
    judged && h("p", {}, h("b", { class: "cap" }, named(judged.what), ":"), " ",
      why({ ...judged, decision: judged.what })),
    h("div", { class: "links" },
      judged && verdictLink(now.role, judged.verdict, t("Verdict")),
      compareLink(now.role, now.champion, now.challenger, t("Compare with {version}", { version: now.champion }))));
}

function budget({ budget: spent, exam }) {
  return card(t("Error budget"),
    h("p", { class: "big" }, t("{n} look|{n} looks", { n: spent.position })),
    h("p", { class: "muted small" },
      t("since the last promotion; the next may spend {alpha}", { alpha: number(spent.next_alpha, 4) })),
    h("p", {}, t("Each look at a challenger spends part of a 5 % chance to promote one that is no better. So every look must be more convincing than the one before, until a promotion through the gate starts anew.")),
    exam && h("p", { class: "muted small" },
      t("Exam: {n} text, looked at {looks} of 20 times.|Exam: {n} texts, looked at {looks} of 20 times.",
        { n: exam.texts, looks: exam.looks })));
}
