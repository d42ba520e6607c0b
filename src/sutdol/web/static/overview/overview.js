// The overview: where everything stands, and on an empty home the way to the first battle.
import { explained, get, may, post, url } from "../api.js";
import { chart, curves } from "../charted.js";
import { $, ago, badge, empty, fill, h, named } from "../dom.js";
import { statusLine, summary, watch } from "../arena/fight.js";
import { busy, failed } from "../talk.js";
import { monthDay, number, percent, points, t } from "../words.js";

const main = $("main"), DAYS = 14, LATELY = 5;
main.ariaBusy = "true";

const show = (id, ...children) => {
  const section = $(id);
  section.hidden = false;
  return children.length ? fill($("div:last-child, ol", section), ...children) : section;
};

// The newest battle, as it is or as it goes on.
let drawn = null;
function draw(battle, state) {
  const rounds = battle.rounds.filter((one) => one.seen);
  $("#battle").hidden = false;
  fill($("#battle-state"), statusLine(battle, state), h("a", { href: `/arena/${battle.id}` }, t("Open the battle")));
  fill($("#battle-summary"), summary(rounds));
  if (drawn) drawn.data = curves(rounds);
  else fill($("#curve"), (drawn = chart(curves(rounds))));
}

async function follow(id) {
  await watch(id, { change: draw });
}

// The figures of the guard that reigns, as its last battle found them.
function figures(role, rounds, usage, waiting) {
  const last = rounds.at(-1);
  const stat = (name, value, note) => h("div", { class: "stat" }, h("dt", {}, name), h("dd", {}, value), h("dd", {}, note));
  const share = (name, key) => last && stat(name, percent(last[key].value), spread(last[key]));
  const sums = usage.reduce((sum, one) => ({ requests: sum.requests + one.requests, blocked: sum.blocked + one.blocked }), { requests: 0, blocked: 0 });
  fill($("#figures"),
    stat(t("Guard that reigns"), role?.champion ? h("a", { href: `/models/guard/${role.champion}` }, role.champion) : "–",
      role ? t("{n} example|{n} examples", { n: role.examples }) : ""),
    share(t("Caught: attacks it trained on"), "seen"),
    share(t("Caught: attacks it never saw"), "held_out"),
    share(t("Harmless texts flagged"), "fpr_clean"),
    stat(t("Requests"), number(sums.requests), t("{n} blocked", { n: sums.blocked })),
    waiting != null && stat(t("Feedback to review"), h("a", { href: "/feedback" }, number(waiting)), t("waiting")));
  $("#figures").hidden = false;
}
const spread = ({ low, high, n }) => `${number(100 * low, 1)}–${number(100 * high, 1)}, n ${number(n)}`;

function lately(events) {
  const shown = [...events].reverse();
  if (!shown.length) return;
  show("#lately", shown.map((one) => h("li", {}, h("div", { class: "row" }, happening(one), h("small", { class: "muted" }, ago(one.at))),
    h("div", {}, one.kind === "verdict" ? judged(one) : crowned(one)))));
}

const happening = (one) => one.kind === "verdict" ? badge(one.what)
  : badge("champion", one.kind === "rollback" ? t("rolled back") : t("new champion"));

function judged({ version, replaced, verdict, primary }) {
  const gain = primary?.effect == null ? "" : `${points(primary.effect)} [${points(primary.low)}, ${points(primary.high)}]`;
  return [h("a", { href: `/models/guard/verdicts/${verdict}` }, t("{a} against {b}", { a: version, b: replaced })),
    " ", h("span", { class: "muted small" }, gain && t("{gain} points", { gain }))];
}

const crowned = ({ version, replaced, kind, actor }) =>
  [h("a", { href: `/models/guard/${version}` }, version), " ",
    h("span", { class: "muted small" }, replaced ? t("in place of {version}", { version: replaced }) : "", kind === "force" ? ` · ${named(kind)} (${actor})` : "")];

function traffic(usage, since, until) {
  const by = new Map(usage.map((one) => [one.id, one]));
  const days = [];
  for (let at = new Date(since); at < until; at.setUTCDate(at.getUTCDate() + 1)) days.push(at.toISOString().slice(0, 10));
  const curve = (name, key) => ({ name, points: days.map((one, x) => ({ x, value: by.get(one)?.[key] ?? 0 })) });
  if (!usage.length) {
    show("#traffic", empty(t("No requests yet"), t("Programs reach this server at /v1 like OpenAI's; people use the chat."),
      h("a", { class: "button", href: "/keys" }, t("Connect a program"))));
    return;
  }
  show("#traffic", chart({
    title: t("Requests by day"), x: { label: "", ticks: days.map(monthDay) }, y: { format: "number", low: 0 },
    curves: [curve(t("requests"), "requests"), curve(t("blocked"), "blocked")], marks: [],
  }));
}

function upstreams(found) {
  if (!found.length) {
    show("#upstreams", empty(t("No model server yet"), t("Chats need one. Ollama on this machine is enough: set OPENAI_BASE_URL=http://127.0.0.1:11434/v1 and start again.")));
    return;
  }
  show("#upstreams", h("ul", { class: "plain stack" }, found.map((one) =>
    h("li", { class: "row between" }, h("span", {}, h("b", {}, one.name), " ", h("small", { class: "muted" }, one.trouble ?? t("{n} model|{n} models", { n: one.models.length }))), badge(one.state)))));
}

// The first battle: wait for a guard, then fight.
const steps = { set: (name, state, said = "") => {
  const step = $(`[data-step="${name}"]`);
  step.dataset.state = state;
  const line = $("span", step);
  if (line.textContent !== said) line.textContent = said;
} };

async function guardIsThere() {
  const { data } = await get("/api/v1/models");
  return data.some((one) => one.role === "guard" && one.champion);
}

// What becomes of the flow that trains the first guard.
async function training() {
  if (!may("operator")) return t("is being trained…");
  const { data } = await get("/api/v1/flows?kind=first&limit=1");
  const [flow] = data;
  if (!flow) return t("nobody is training one: run “sutdol guard train --data FILE”");
  if (flow.state === "waiting") return t("waits for a worker: start one with “sutdol worker”");
  if (flow.state === "failed") return t("training failed: {why}", { why: flow.error });
  return t("is being trained, about half a minute…");
}

async function first() {
  $("#first").hidden = false;
  const begin = $("#begin");
  begin.hidden = !may("operator");
  let wanted = false, begun = false;

  async function start() {
    if (begun) return;
    begun = true;
    const went = await busy(begin, async () => {
      const battle = await post("/api/v1/battles", {});
      begin.hidden = true;
      steps.set("battle", "going", t("has begun"));
      watch(battle.id, { change: progress }).catch(failed);
    });
    if (!went) begun = wanted = false;
  }
  function progress(battle, state) {
    draw(battle, state);
    const done = battle.rounds.length, all = battle.settings.rounds;
    steps.set("battle", state === "over" ? "done" : "going", t("{n} of {all} rounds", { n: done, all }));
    if (state !== "over") return;
    steps.set("curve", "done", battle.state === "done" ? t("It is yours: below.") : "");
  }
  begin.onclick = () => {
    wanted = true;
    if ($('[data-step="guard"]').dataset.state === "done") start();
    else {
      begin.setAttribute("aria-busy", "true");
      steps.set("battle", "", t("begins by itself as soon as there is a guard"));
    }
  };
  for (;;) {
    if (await guardIsThere().catch(() => false)) break;
    steps.set("guard", "going", await training().catch(explained));
    main.ariaBusy = null;
    await new Promise((resolve) => { setTimeout(resolve, 1500); });
  }
  steps.set("guard", "done", t("is there"));
  begin.removeAttribute("aria-busy");
  if (wanted) start();
}

async function load() {
  const until = new Date();
  const since = new Date(until - DAYS * 86400000);
  since.setUTCHours(0, 0, 0, 0);
  const quiet = (promise, instead) => promise.catch((error) => { failed(error); return instead; });
  const [battles, roles, history, usage, servers, counts] = await Promise.all([
    get("/api/v1/battles?limit=1"),
    quiet(get("/api/v1/models"), { data: [] }),
    quiet(get(`/api/v1/models/guard/history?limit=${LATELY}`), { data: [] }),
    quiet(get(url("/api/v1/usage", { by: "day", since: since.toISOString() })), { data: [] }),
    quiet(get("/api/v1/upstreams"), { data: [] }),
    may("reviewer") ? quiet(get("/api/v1/feedback/counts"), {}) : {},
  ]);
  const guard = roles.data.find((one) => one.role === "guard");
  const [newest] = battles.data;
  traffic(usage.data, since, until);
  upstreams(servers.data);
  if (!newest) {
    first().catch(failed);
    return;
  }
  lately(history.data);
  const battle = await get(`/api/v1/battles/${newest.id}?verdicts=short`);
  figures(guard, battle.rounds.filter((one) => one.seen), usage.data, counts.waiting);
  draw(battle, "over");
  if (["waiting", "running", "orphaned"].includes(battle.state)) follow(battle.id).catch(failed);
}

load().catch((error) => {
  failed(error);
  fill(main, $(".head"), h("p", { class: "notice bad", role: "alert" }, explained(error)));
}).finally(() => { main.ariaBusy = null; });
