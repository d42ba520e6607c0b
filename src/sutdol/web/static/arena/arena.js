// The arena: start a battle, see those under way and those before, and what there is to fight with.
import { explained, get, may, post, url } from "../api.js";
import { catalogue } from "./catalogue.js";
import { $, ago, badge, empty, fill, h } from "../dom.js";
import { groupNamed, strategyTold } from "./families.js";
import { FIGURES, LINES, doing, done, goes, titled } from "./fight.js";
import { submits } from "../form.js";
import { table } from "../table.js";
import { failed } from "../talk.js";
import { number, percent, t } from "../words.js";

const main = $("main"), form = $("#start");
const FIELDS = ["rounds", "attack_strategy", "seed", "texts"];
const PAGE = 20, SOON = 3000, LATER = 15000;
main.ariaBusy = "true";

// A battle of the list as fight.js knows one: its rounds are counted, not told.
const asFought = (one) => ({ ...one, rounds: one.last ? [{ round: one.last.rounds }] : [] });
const link = (one) => h("a", { href: `/arena/${one.battle ?? one.id}` }, titled(one));
const share = (figure) => (figure?.value == null ? "–"
  : [percent(figure.value), h("span", { class: "sub" }, `n ${number(figure.n)}`)]);
const running = () => h("span", { class: "badge accent live on" }, t("Live"));
const state = (one) => (one.state === "running" ? running() : badge(one.state));

const figure = (name, title) => ({
  name, title, number: true, show: (one) => share(one.last?.[name]), value: (one) => one.last?.[name]?.value,
});
const list = table({
  caption: t("Battles"),
  columns: [
    { name: "battle", title: t("Battle"), show: link, value: (one) => Number(one.battle ?? Infinity) },
    { name: "state", title: t("State"), show: state, value: (one) => one.state },
    { name: "started", title: t("Started"), show: (one) => ago(one.started), value: (one) => one.started },
    { name: "rounds", title: t("Rounds"), number: true, value: (one) => one.last?.rounds ?? 0,
      show: (one) => `${number(one.last?.rounds ?? 0)} / ${number(one.settings.rounds)}` },
    { name: "strategy", title: t("Attacks"), show: (one) => groupNamed(one.settings.attack_strategy),
      value: (one) => one.settings.attack_strategy },
    figure("seen", t("Seen caught")),
    figure("held_out", t("Never trained caught")),
    figure("adaptive", t("Adaptive wins")),
    figure("fpr_clean", t("Harmless flagged")),
    { name: "promotions", title: t("Promoted"), number: true, value: (one) => one.last?.promotions ?? 0,
      show: (one) => number(one.last?.promotions ?? 0) },
  ],
  more: (cursor) => get(url("/api/v1/battles", { limit: PAGE, cursor })),
});

function underWay() {
  const going = list.rows.filter(goes);
  $("#going").hidden = !going.length;
  fill($("#going ul"), going.map((row) => {
    const one = asFought(row);
    return h("li", { class: "fought" },
      h("div", { class: "row between" },
        h("div", { class: "row" }, link(one), state(one)), h("span", { class: "muted" }, doing(one))),
      h("progress", { value: done(one), max: one.settings.rounds, "aria-label": t("Rounds that are over") }),
      row.last && h("p", {}, FIGURES.filter(({ key }) => row.last[key]?.value != null)
        .map(({ key, name }) => `${name} ${percent(row.last[key].value)}`).join(", ")));
  }));
}

function nothingYet() {
  const operates = may("operator");
  const start = operates && h("button", { class: "primary big", form: "start" }, t("Start the first battle"));
  fill($("#battles > div"), empty(t("No battle yet"), [
    t("In a battle, attackers disguise harmful texts until some slip past the guard."),
    t("It learns from those, together with harmless texts that are disguised the same way."),
    t("A gate lets a new version reign only if it is better and flags no more harmless texts."),
    t("Ten rounds take about two minutes."),
  ].join(" "), operates ? start : h("span", {}, t("An operator can start one."))));
  $("#battles .empty").append($(".wrong", form)); // beside the button that is pressed
  form.before($("#battles"));
  $(".begin button").classList.remove("primary");
}

// What is drawn anew loses the focus: the same link gets it back.
function keepingFocus(deed) {
  const before = document.activeElement, place = before?.closest("#going, #battles"), to = before?.getAttribute("href");
  deed();
  if (place && to && !before.isConnected) $(`a[href="${CSS.escape(to)}"]`, place)?.focus();
}

let told = "";
async function look() {
  const { data } = await get(url("/api/v1/battles", { limit: PAGE }));
  const now = JSON.stringify(data);
  if (now === told) return;
  told = now;
  if (data.length && !list.element.isConnected) location.reload();
  const known = new Set(data.flatMap((one) => [one.id, one.battle]));
  keepingFocus(() => {
    list.set([...data, ...list.rows.filter((one) => !known.has(one.id) && !known.has(one.battle ?? one.id))]);
    underWay();
  });
}

async function keepLooking() {
  for (;;) {
    await new Promise((resolve) => { setTimeout(resolve, list.rows.some(goes) ? SOON : LATER); });
    if (document.hidden) continue;
    try {
      await look();
      fill($("#line"));
    } catch {
      fill($("#line"), h("span", { class: "badge warn live" }, LINES.stale));
    }
  }
}

function strategies(known) {
  const chosen = new URLSearchParams(location.search);
  const options = (kind) => known.filter((one) => one.kind === kind).map((one) => {
    const name = groupNamed(one.strategy);
    const told = one.ready ? name : t("{name} (needs a model server)", { name });
    return h("option", { value: one.strategy, disabled: !one.ready }, told);
  });
  fill(form.attack_strategy, h("optgroup", { label: t("Groups") }, options("group")),
    h("optgroup", { label: t("One family of attacks") }, options("family")));
  const strategy = chosen.get("attack_strategy");
  if (strategy && !known.some((one) => one.strategy === strategy)) {
    form.attack_strategy.append(h("option", { value: strategy }, strategy)); // an attack by itself
  }
  for (const [name, value] of chosen) if (FIELDS.includes(name)) form[name].value = value;
  $("#advanced").open = Boolean(chosen.get("seed") || chosen.get("texts"));
  const one = () => known.find((found) => found.strategy === form.attack_strategy.value);
  const say = () => fill($("#strategy-told"), strategyTold(one() ?? { help: "" }));
  form.attack_strategy.onchange = say;
  say();
  form.hidden = !may("operator");
  if (chosen.size && !form.hidden) $(".begin button").focus();
}

submits(form, async ({ rounds, attack_strategy, seed, texts }) => {
  const wanted = { rounds: Number(rounds), attack_strategy, seed: Number(seed) };
  const battle = await post("/api/v1/battles", texts ? { ...wanted, texts: Number(texts) } : wanted);
  location.assign(`/arena/${battle.id}`);
});

async function load() {
  const [attacks] = await Promise.all([get("/api/v1/attacks"), list.reload()]);
  strategies(attacks.strategies);
  catalogue($("#attacks"), attacks);
  if (!list.rows.length) return nothingYet();
  fill($("#battles > div"), list.element);
  underWay();
}

load().then(() => { keepLooking(); }).catch((error) => {
  failed(error);
  fill($("#battles > div"), h("p", { class: "notice bad", role: "alert" }, explained(error)));
}).finally(() => { main.ariaBusy = null; });
