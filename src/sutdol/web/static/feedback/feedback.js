// The queue of feedback: look, decide, go on to the next; a decision can be taken back for seconds.
import { explained, get, may, me, url } from "../api.js";
import { deciding, WAIT } from "./deciding.js";
import { $, $$, fill } from "../dom.js";
import { help, keys } from "./keys.js";
import { rows } from "./rows.js";
import { by, effect, none, shown, title } from "./shown.js";
import { failed, question, toast } from "../talk.js";
import { number, t } from "../words.js";

const PATH = "/api/v1/feedback", PAGE = 50, AHEAD = 10, VEILED = "sutdol_veiled";
const DONE = { accept: "accepted", reject: "rejected" };
const main = $("main"), card = $("#shown"), veil = $("#veil"), all = $("#all"), said = $("#said");
const asked = new URLSearchParams(location.search);
const view = { state: asked.get("state"), role: asked.get("role") ?? "", kind: asked.get("kind") ?? "" };
if (!["accepted", "rejected"].includes(view.state)) view.state = "waiting";
main.ariaBusy = "true";

let counts = {}, next = null, turn = 0, more = null, order = 0, opened = null, close = null;
const contexts = new Map();
const mine = (one) => one.user === me.user && !may("admin");
const decidable = (one) => one?.state === "waiting" && !one.gone && !mine(one);
const queue = rows($("#rows"), {
  choose: (one, how) => show(one, how), picked: headed, closed: (one) => !decidable(one), veiled: () => veil.checked });
const pending = deciding({ ended, over: () => close?.() });

async function load() {
  const mark = ++turn;
  more = null;
  main.ariaBusy = "true";
  history.replaceState(null, "", url("/feedback", { ...view, state: view.state === "waiting" ? null : view.state }));
  try {
    await pending.flush();
    const { role, kind } = view;
    const [told, page] = await Promise.all([get(url(`${PATH}/counts`, { role, kind })), fetched(null)]);
    if (mark !== turn) return;
    counts = told;
    queue.clear();
    take(page);
    tallied();
    await show(queue.items[0] ?? null, { focus: false });
  } catch (error) {
    failed(error);
  }
  if (mark === turn) main.ariaBusy = null;
}

const fetched = (before) => get(url(PATH, { ...view, limit: PAGE, before }));

function take(page) {
  next = page.next;
  queue.add(page.data.map((one) => ({ ...one, order: order++ })));
  $("#more").hidden = !next;
  headed();
}

// The next page, once; what comes after another view was chosen is not for this one.
function further() {
  const mark = turn;
  if (!next) return null;
  more ??= fetched(next).then((page) => mark === turn && take(page)).catch(failed)
    .finally(() => { if (mark === turn) more = null; });
  return more;
}

function tallied() {
  for (const tab of $$("[role=tab]")) {
    const chosen = tab.dataset.state === view.state;
    tab.setAttribute("aria-selected", chosen);
    tab.tabIndex = chosen ? 0 : -1;
    if (chosen) $("#queue").setAttribute("aria-labelledby", tab.id);
    fill($(".tally", tab), number(counts[tab.dataset.state]));
  }
}

function tally(verb, n) {
  counts.waiting -= n;
  counts[DONE[verb]] += n;
  tallied();
  headed();
}

// What is said of the queue above it: how much there is, or how much is chosen.
function headed() {
  const { items, ticked } = queue;
  $("#list").hidden = !items.length;
  all.hidden = view.state !== "waiting";
  all.checked = ticked.length > 0 && ticked.length === items.filter(decidable).length;
  all.indeterminate = ticked.length > 0 && !all.checked;
  $("#together").hidden = !ticked.length;
  fill($("#chosen"), ticked.length ? t("{n} chosen", { n: ticked.length })
    : t("{n} of {all}", { n: items.length, all: counts[view.state] ?? 0 }));
}

// The focus goes along where it was in the queue, or nowhere.
function follows() {
  const at = document.activeElement;
  return !at?.isConnected || at === document.body || at === main || queue.has(at) || at.closest("[hidden]") !== null;
}

async function show(one, { look = false, focus = follows() } = {}) {
  if (!one && next) {
    await further();
    one = queue.items[0] ?? null;
  }
  if (one?.id !== opened) opened = null;
  queue.now(one, { focus });
  card.hidden = !one;
  $("#nothing").hidden = Boolean(one);
  if (!one) return nothing(focus);
  draw(one);
  $("#detail").scrollTop = 0;
  const top = card.getBoundingClientRect().top;
  if (top < 0 || (look && top > innerHeight / 3)) card.scrollIntoView();
  const place = queue.items.indexOf(one);
  if (place > queue.items.length - AHEAD) further();
  if (queue.items[place + 1]) context(queue.items[place + 1]);
  await context(one);
  if (queue.current === one) draw(one);
}

function draw(one) {
  const veiled = veil.checked && opened !== one.id;
  fill($("#detail"), shown(one, { context: contexts.get(one.id)?.told, veiled, open: look }));
  $("#act").hidden = one.state !== "waiting" || Boolean(one.gone);
  for (const button of $$("#act button")) button.disabled = !decidable(one);
  fill($("#effect"), mine(one) ? t("This is your own feedback: another reviewer has to judge it.") : effect(one));
}

// What it is about, asked for once; `told` when it is there.
function context(one) {
  if (!contexts.has(one.id)) {
    const kept = { told: one.subject.kind === "text" ? null : undefined };
    contexts.set(one.id, kept);
    kept.end = kept.told === null ? null : get(`${PATH}/${encodeURIComponent(one.id)}`).then(
      (found) => { kept.told = found.context; }, (error) => { kept.told = null; return came(one, error); });
  }
  return contexts.get(one.id).end;
}

function look() {
  if (!queue.current) return;
  opened = queue.current.id;
  draw(queue.current);
  if (document.activeElement === document.body) $("#act button:not(:disabled)")?.focus();
}

function nothing(focus) {
  fill($("#nothing"), none(view, () => { $("#role").value = $("#kind").value = view.role = view.kind = ""; load(); }));
  if (focus) main.focus();
}

function decide(verb, ones = [queue.current].filter(decidable)) {
  if (!ones.length) return;
  const focus = follows();
  let after = queue.current;
  for (const one of ones) {
    delete one.problem;
    const left = queue.remove(one);
    if (one === after) after = left;
  }
  pending.decide(ones, verb);
  tally(verb, ones.length);
  const n = ones.length;
  close?.();
  const told = verb === "accept" ? t("Accepted.|{n} accepted.", { n }) : t("Rejected.|{n} rejected.", { n });
  close = toast(told, { undo, lasts: WAIT });
  show(after, { focus });
  if (after) said.textContent = t("Next: {what}. {n} left.", { what: title(after), n: counts.waiting });
}

function undo() {
  const last = pending.undo();
  close?.();
  if (!last) return toast(t("Nothing can be taken back any more."));
  for (const one of last.ones) queue.restore(one);
  tally(last.verb, -last.ones.length);
  show(last.ones[0]);
}

// The server has heard of it; what it refused comes back with the reason.
async function ended(verb, ones, failures) {
  if (!failures.length) return;
  tally(verb, -failures.length);
  await Promise.all(failures.map(({ one, error }) => came(one, error)));
  if (view.state === "waiting") for (const { one } of failures) queue.restore(one);
  for (const { one } of failures) if (one.gone || one.state !== "waiting") settled(one);
  tallied();
  headed();
  const [{ one }] = failures, why = [...new Set(failures.map((each) => each.one.problem))].join(" ");
  const n = failures.length, all = ones.length;
  const text = all > 1 ? t("{n} of {all} came back: {why}", { n, all, why }) : why;
  toast(text, { bad: true, undo: () => show(one, { look: true, focus: true }), label: t("Look at it") });
  if (!queue.current) show(one);
}

// It does not wait any more, though not by what was decided here.
function settled(one) {
  counts.waiting--;
  if (!one.gone) counts[one.state]++;
}

// Why it cannot be decided as asked; what somebody else has decided is shown as that.
async function came(one, error) {
  one.problem = explained(error);
  if (error.status === 404) one.gone = true;
  if (error.code === "settled") {
    const { context: _, ...now } = await get(`${PATH}/${encodeURIComponent(one.id)}`).catch(() => one);
    Object.assign(one, now);
  }
  if (queue.items.includes(one)) queue.refresh(one);
}

async function together(verb) {
  const ones = queue.ticked, n = ones.length, people = new Set(ones.map(by)).size;
  const sure = await question({
    title: verb === "accept" ? t("Accept {n} piece of feedback?|Accept {n} pieces of feedback?", { n })
      : t("Reject {n} piece of feedback?|Reject {n} pieces of feedback?", { n }),
    text: [t("They are from {n} user.|They are from {n} users.", { n: people }),
      verb === "accept" ? t("The guard learns from the labels among them when it is trained next.")
        : t("Nothing is learned from them."),
      t("You can take it back for 5 seconds; after that it is final.")],
    action: verb === "accept" ? t("Accept them") : t("Reject them"), danger: verb === "reject" });
  if (sure) decide(verb, ones.filter((one) => queue.items.includes(one)));
}

const step = (by) => {
  const { items, current } = queue, to = items[items.indexOf(current) + by];
  if (to) show(to);
};

veil.checked = localStorage.getItem(VEILED) === "1";
veil.onchange = () => {
  localStorage.setItem(VEILED, veil.checked ? "1" : "0");
  opened = null;
  queue.draw();
  if (queue.current) draw(queue.current);
};
all.onclick = () => queue.tickAll(all.checked);
$("#more").onclick = () => further();
$("#help").onclick = help;
for (const one of ["role", "kind"]) {
  $(`#${one}`).value = view[one];
  view[one] = $(`#${one}`).value;
  $(`#${one}`).onchange = (event) => { view[one] = event.target.value; load(); };
}
for (const tab of $$("[role=tab]")) {
  tab.onclick = () => { view.state = tab.dataset.state; load(); };
  tab.onkeydown = ({ key }) => {
    const tabs = $$("[role=tab]"), by = { ArrowLeft: -1, ArrowRight: 1 }[key];
    if (!by) return;
    const to = tabs.at((tabs.indexOf(tab) + by) % tabs.length);
    to.focus();
    to.click();
  };
}
for (const button of $$("#act button")) button.onclick = () => decide(button.dataset.verb);
for (const button of $$("#together button")) button.onclick = () => together(button.dataset.verb);
keys({ j: () => step(1), k: () => step(-1), a: () => decide("accept"), r: () => decide("reject"), u: undo, z: undo,
  x: () => decidable(queue.current) && queue.tick(queue.current), s: look, "?": help }, queue.has);
load();
