// A battle as it goes on and what it came to: what the pages that show one share.
import { get } from "../api.js";
import { badge, h } from "../dom.js";
import { follow } from "../live.js";
import { percent, t } from "../words.js";

const GOING = ["waiting", "running", "orphaned"];
const SHOWN = 0.0005; // a smaller change shows as none
const AGAIN = 2000; // milliseconds until a server that did not answer is asked again
const QUIET = 15000; // after so long without news it is worth a look: a worker may be gone
const AT_MOST = 20; // ends of a battle that goes on all the same
const TOGETHER = 40; // what is told within these milliseconds is shown at once

// What a battle is about; `better` says which way is up.
export const FIGURES = [
  { key: "seen", name: t("seen attacks caught"), better: 1 },
  { key: "held_out", name: t("never-trained attacks caught"), better: 1 },
  { key: "independent", name: t("independent attacks caught"), better: 1 },
  { key: "adaptive", name: t("adaptive attacker gets through"), better: -1 },
  { key: "fpr_clean", name: t("harmless texts flagged"), better: -1 },
  { key: "fpr_twins", name: t("attacked harmless texts flagged"), better: -1 },
];

const STAGES = {
  import: t("taking in texts"), found: t("training a first guard"),
  measure: t("measuring"), fight: t("fighting"), improve: t("learning"),
};
export const LINES = { live: t("Live"), stale: t("Reconnecting: what you see may be old"), over: t("Over") };

export const goes = (battle) => GOING.includes(battle.state);
export const done = (battle) => battle.rounds.at(-1)?.round ?? 0;
export const titled = ({ battle }) => (battle ? t("Battle {number}", { number: battle }) : t("New battle"));

// The figures of the first round beside those of the last: [{ key, name, first, last, change, turn }].
export function compared(rounds) {
  const known = rounds.filter((one) => one.seen);
  const first = known[0], last = known.at(-1);
  return FIGURES.filter(({ key }) => first?.[key]?.value != null && last[key]?.value != null).map((one) => {
    const moved = last[one.key].value - first[one.key].value;
    const change = known.length < 2 ? null : Math.abs(moved) < SHOWN ? 0 : moved;
    const turn = !change ? "same" : change * one.better > 0 ? "better" : "worse";
    return { ...one, first: first[one.key], last: last[one.key], change, turn };
  });
}

// What got better and, next to it, what got worse, in one line.
export function summary(rounds) {
  const found = compared(rounds);
  if (!found.length) return [t("No round is over yet.")];
  const before = ({ first, change }) => (change ? `${percent(first.value)} → ` : "");
  const shown = (one) => `${one.name} ${before(one)}${percent(one.last.value)}`;
  if (found[0].change === null) return [t("At the start:"), " ", found.map(shown).join(", ")];
  const said = (turn) => found.filter((one) => one.turn === turn).map(shown).join(", ");
  const part = (name, style, text, none) =>
    (text ? [h("b", { class: style }, name), ` ${text}. `] : none && [none, " "]);
  return [
    part(t("Better:"), "up", said("better"), t("Nothing got better.")),
    part(t("Worse:"), "down", said("worse"), t("Nothing got worse.")),
    part(t("As before:"), "muted", said("same")),
  ].flat().filter(Boolean);
}

// What it does now: "Round 3 of 10: fighting".
export function doing(battle) {
  const all = battle.settings.rounds, over = done(battle), n = Math.min(over + 1, all);
  if (!goes(battle) && over < all) return t("{n} of {all} rounds", { n: over, all });
  if (!goes(battle)) return t("{n} round|{n} rounds", { n: over });
  if (battle.state === "waiting") return over ? t("Round {n} of {all} waits", { n, all }) : t("not begun yet");
  const stage = STAGES[battle.stage?.name], first = battle.stage && !battle.stage.round;
  const place = first ? t("Before the first round") : t("Round {n} of {all}", { n, all });
  return stage ? `${place}: ${stage}` : place;
}

// How it stands, in badges and a few words; `state` is what `watch` says of the line.
export const statusLine = (battle, state) => [...badges(battle, state), h("span", { class: "muted" }, doing(battle))];

export function badges(battle, state) {
  const over = state === "over", well = over && battle.state === "done";
  const tone = { live: "accent on", stale: "warn", over: "good" }[state];
  const line = over && !well ? null : h("span", { class: `badge live ${tone}`, "data-line": state }, LINES[state]);
  const word = battle.state === "running" || well ? null : badge(battle.state);
  if (over && word) word.dataset.line = state;
  return [line, word].filter(Boolean);
}

export const sum = (numbers) => numbers.reduce((all, one) => all + one, 0);

// Seconds that are left, by the rounds before; null as long as nobody can tell.
export function left(battle) {
  const known = Object.values(battle.pace ?? {}).slice(-3);
  if (!known.length || battle.state !== "running") return null;
  const each = sum(known) / known.length;
  const since = battle.since ? Math.min((performance.now() - battle.since) / 1000, each) : 0;
  return Math.max(0, (battle.settings.rounds - done(battle)) * each - since);
}

// Asks for a battle and keeps it up to date until it is over; `change` is called with it and with
// "live", "stale" or "over". What is told twice counts once. Resolves to a function that ends it.
export async function watch(id, { change }) {
  const path = (name, more) => `/api/v1/battles/${encodeURIComponent(name)}${more}?verdicts=short`;
  const battle = { rounds: [], stage: null, pace: {}, since: null };
  let line = "live", unfollow = () => {}, asking = null, asked = 0, ends = 0, ended = false;
  let due = null, quiet = null; // timers

  const show = () => { clearTimeout(due); due = null; if (!ended) change(battle, line); };
  const soon = () => { due ??= setTimeout(show, TOGETHER); };

  function add(rounds) {
    const all = new Map([...battle.rounds, ...rounds].map((one) => [one.round, one]));
    battle.rounds = [...all.values()].sort((a, b) => a.round - b.round);
  }

  async function refresh() {
    const mine = ++asked;
    const { rounds, ...found } = await get(path(id, ""));
    if (mine !== asked) return; // a newer answer is on its way, or was here
    Object.assign(battle, found);
    add(rounds);
    for (const [number, spans] of Object.entries(found.timing)) battle.pace[number] = sum(Object.values(spans));
  }

  // Its state is not told; what is asked while an answer is on its way is answered by that.
  function look() {
    clearTimeout(quiet);
    quiet = setTimeout(look, QUIET);
    asking ??= refresh().then(soon, () => {}).finally(() => { asking = null; });
  }

  function hear(kind, body) {
    clearTimeout(quiet);
    quiet = setTimeout(look, QUIET);
    if (battle.state !== "running" || (kind === "told" && body.battle)) look();
    if (kind === "stage") battle.stage = { name: body.stage, round: body.round };
    if (kind === "round") {
      if (body.round > done(battle)) arrived(body.round);
      add([body]);
      battle.stage = null;
    }
    if (kind === "end") settle(body.state);
    else soon();
  }

  // How long a round took is not told with it: its figures are the same whenever it is fought.
  function arrived(number) {
    const now = performance.now();
    if (battle.since) battle.pace[number] = (now - battle.since) / 1000;
    battle.since = now;
  }

  function turned(state) {
    if (state === "stale") battle.since = null;
    if (state === "live" && line === "stale") look();
    if (state !== "over") { line = state; soon(); }
  }

  // It is over, unless somebody let it go on already, maybe as another flow.
  async function settle(how) {
    const before = battle.id;
    clearTimeout(quiet);
    for (;;) {
      try {
        await refresh();
        break;
      } catch (error) {
        if (error.status >= 400 && error.status < 500) break;
        line = "stale";
        soon();
        await new Promise((resolve) => { setTimeout(resolve, AGAIN); });
        if (ended) return;
      }
    }
    if (ended) return;
    const more = goes(battle) && (how !== "forgotten" || battle.id !== before);
    if (more && ++ends < AT_MOST) return listen();
    if (goes(battle)) battle.state = how === "forgotten" ? "interrupted" : how;
    battle.stage = null;
    line = "over";
    show();
  }

  function listen() {
    line = "live";
    quiet = setTimeout(look, QUIET);
    unfollow = follow(path(battle.id, "/events"), { event: hear, state: turned });
  }

  await refresh();
  if (goes(battle)) listen();
  else line = "over";
  show();
  return () => {
    ended = true;
    clearTimeout(due);
    clearTimeout(quiet);
    unfollow();
  };
}

