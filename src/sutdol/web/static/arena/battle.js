// One battle, as it is fought and what it came to.
import { explained, get, may, post, url } from "../api.js";
import { chart, curves } from "../charted.js";
import { $, at, badge, fill, h, named } from "../dom.js";
import { groupNamed } from "./families.js";
import { badges, compared, doing, done, goes, left, statusLine, summary, titled, watch } from "./fight.js";
import { families, rounds, settings } from "./rounds.js";
import { busy, failed, question, toast } from "../talk.js";
import { interval, number, percent, points, t } from "../words.js";

const main = $("main");
const NONE = { data: [] };
const WAITED = 4000; // milliseconds after which it is said what a battle waits for
let id = $("#battle").dataset.id, battle = null, line = "live", known = {}, stop = () => {};
let curve = null, drawn = -1, acted = "", asked = null;
main.ariaBusy = "true";

const address = (name) => `/api/v1/battles/${encodeURIComponent(name)}`;
const measured = () => battle.rounds.filter((one) => one.seen);
const reveal = (section) => { section.hidden = false; return section; };

function draw(now, state) {
  const over = line !== "over" && state === "over" && battle;
  [battle, line] = [now, state];
  head();
  status();
  if (drawn !== battle.rounds.length || over) figures();
  drawn = battle.rounds.length;
}

function head() {
  const title = titled(battle);
  fill($("h1"), title);
  document.title = `${goes(battle) ? `${doing(battle)} · ` : ""}${title} · Sutdol`;
  fill($("#about"), groupNamed(battle.settings.attack_strategy), " · ", t("seed {seed}", { seed: String(battle.seed) }),
    " · ", at(battle.started));
  const wanted = [battle.id, battle.state, line === "over"].join();
  if (wanted !== acted) actions();
  acted = wanted;
}

function actions() {
  const { rounds: count, attack_strategy, texts } = battle.settings;
  const again = url("/arena", { rounds: count, attack_strategy, seed: battle.seed, texts });
  const operates = may("operator"), focused = document.activeElement?.dataset.deed;
  const button = (style, deed, name) =>
    h("button", { type: "button", class: style, "data-deed": "halt", onclick: deed }, name);
  const halt = button("danger", () => halted(), t("Stop"));
  const resume = button("primary", () => resumed(resume), t("Resume"));
  fill($("#actions"),
    operates && goes(battle) && halt,
    operates && !goes(battle) && battle.state !== "done" && resume,
    operates && h("a", { class: "button", href: again, "data-deed": "again" }, t("Start another like it")),
    h("a", { class: "button quiet", href: address(battle.id), "data-deed": "json" }, "JSON"));
  if (focused) ($(`#actions [data-deed="${focused}"]`) ?? $("h1")).focus();
}

async function halted() {
  const said = await question({
    title: t("Stop this battle?"), action: t("Stop the battle"), danger: true,
    text: [t("The round under way is dropped."),
      t("What the finished rounds did stays: texts that were learned, and versions that reign."),
      t("It can go on later where it was.")],
    deed: () => post(`${address(id)}/cancel`),
  });
  if (said) toast(t("It stops."));
}

async function resumed(button) {
  await busy(button, async () => {
    const found = await post(`${address(id)}/resume`);
    if (found.id !== battle.id) {
      id = found.id;
      history.replaceState(null, "", `/arena/${encodeURIComponent(id)}`);
    }
    toast(t("It goes on."));
    await follow();
  });
}

function status() {
  const all = battle.settings.rounds, over = done(battle), rest = left(battle), going = goes(battle);
  fill($("#line"), going ? badges(battle, line) : statusLine(battle, line));
  $("#now").hidden = battle.state === "done";
  $("#step").hidden = !going;
  fill($("#step p"), h("b", {}, doing(battle)));
  $("#now progress").max = all;
  $("#now progress").value = over;
  fill($("#left"), rest === null || line !== "live" ? "" : roughly(rest));
  const said = going ? t("{n} of {all} rounds are over", { n: over, all })
    : t("The battle is over: {how}", { how: named(battle.state) });
  if ($("#said").textContent !== said) fill($("#said"), said);
  if (battle.state === "waiting") waits();
  else why();
}

const roughly = (seconds) => (seconds < 90 ? t("about {n} s left", { n: Math.max(5, Math.ceil(seconds / 5) * 5) })
  : t("about {n} min left", { n: Math.round(seconds / 60) }));

// Why it does not go on, where it does not.
function why() {
  clearTimeout(asked);
  asked = null;
  const reasons = {
    failed: ["bad", t("It failed: {why}", { why: battle.error ?? t("nobody knows why") })],
    cancelled: ["warn", t("It was stopped. What its finished rounds did stays, and it can go on where it was.")],
    orphaned: ["warn", t("Its worker is gone. Another takes over in half a minute; if there is none: sutdol worker")],
    interrupted: ["warn", t("What fought it is no longer on record. It can go on where it was.")],
    stale: ["warn", t("Another release of Sutdol began it. It can go on where it was, under a new id.")],
  };
  say(...(reasons[battle.state] ?? []));
}

function say(tone, text = "") {
  const notice = $("#why");
  notice.hidden = !text;
  notice.className = `notice ${tone ?? ""}`;
  if (notice.textContent !== text) fill(notice, text);
}

// A battle waits for a moment as a matter of course; after that it is worth a look at the workers.
function waits() {
  if (asked) return;
  say("", t("A worker takes it in a moment."));
  asked = setTimeout(look, WAITED);
}

async function look() {
  const { data } = may("operator") ? await get("/api/v1/flows?limit=50").catch(() => NONE) : NONE;
  if (battle.state !== "waiting") return;
  const ahead = data.find((one) => one.state === "running" && one.id !== battle.id && !one.parent);
  say("warn", ahead ? t("All workers are busy: {flow} comes first.", { flow: ahead.id })
    : t("No worker takes it. “sutdol up” has one; on another machine, start one: sutdol worker"));
  asked = setTimeout(look, WAITED);
}

function figures() {
  const shown = measured();
  if (shown.length) {
    fill($("#summary", reveal($("#outcome"))), summary(shown));
    fill($("#outcome dl"), compared(shown).map(tile));
    reveal($("#curve"));
    if (curve) curve.data = curves(shown);
    else fill($("#curve > div"), (curve = chart(curves(shown))));
    unmeasured(shown);
    families(reveal($("#families")), shown, known);
  }
  if (battle.rounds.length) rounds(reveal($("#rounds")), battle.rounds);
  verdicts();
  settings(reveal($("#settings")), battle);
}

// What the curve does not show.
function unmeasured(shown) {
  const promoted = !goes(battle) && shown.at(-1).verdict?.decision === "promote";
  fill($("#unmeasured"),
    promoted && [t("The version that the last round promoted is measured by the next battle."), " "],
    !shown[0].independent && t("No independent attacker: “sutdol arena battle --independent FILE” brings one."));
}

function tile({ name, first, last, change, turn }) {
  const style = { better: "up", worse: "down" }[turn];
  const word = { better: t("better"), worse: t("worse"), same: "" }[turn];
  return h("div", { class: "stat" }, h("dt", {}, name),
    h("dd", {}, percent(last.value)),
    change !== null && h("dd", {}, h("span", { class: style }, `${points(change)} ${word}`)),
    h("dd", {}, interval(last).replace(/^.*?\[/, "["), `, n ${number(last.n)}`),
    change !== null && h("dd", {}, t("first {figure}", { figure: interval(first) })));
}

// Newest last, as they came; what is shown already stays, and so does the focus in it.
function verdicts() {
  const list = $("#verdicts ol");
  for (const one of battle.rounds.filter(({ round }) => round > Number(list.dataset.last ?? 0))) {
    if (one.rolled_back) list.append(rolledBack(one));
    if (one.verdict) list.append(verdict(one));
  }
  list.dataset.last = done(battle);
  if (list.childElementCount) reveal($("#verdicts"));
}

const rolledBack = ({ round, rolled_back: reason }) => h("li", {},
  h("div", { class: "row" }, badge("cancelled", t("rolled back")), t("before round {n}", { n: round })),
  h("p", { lang: "en" }, reason));

const verdict = ({ round, verdict: { id: name, champion, challenger, decision, reason } }) => h("li", {},
  h("div", { class: "row" }, badge(decision),
    h("a", { href: `/models/guard/verdicts/${name}` }, `${champion} → ${challenger}`),
    h("span", { class: "muted small" }, t("round {n}", { n: round }))),
  h("p", { lang: "en" }, reason));

async function follow() {
  stop();
  stop = await watch(id, { change: draw });
}

function missing(error) {
  fill($("#about"), explained(error));
  fill($("#actions"), h("a", { class: "button", href: "/arena" }, t("All battles")));
  if (error.status !== 404) failed(error);
}

async function load() {
  const [attacks] = await Promise.all([get("/api/v1/attacks").catch(() => ({ families: [] })), follow()]);
  known = Object.fromEntries(attacks.families.map((one) => [one.family, one]));
  figures();
}

load().catch(missing).finally(() => { main.ariaBusy = null; });
