// What was asked for and what it cost: sums, a chart by day, tables, and the newest requests.
import { get, may, url } from "../api.js";
import { chart } from "../charted.js";
import { choice } from "../choice.js";
import { $, empty, fill, h } from "../dom.js";
import { failed } from "../talk.js";
import { requests } from "./usage-requests.js";
import { price, sums } from "./usage-sums.js";
import { monthDay, number, t } from "../words.js";

const DAY = 86400000, RANGES = [7, 30, 90];

// The last so many days in UTC, as the API sums them.
function days(count) {
  const today = Date.now();
  return Array.from({ length: count }, (_, index) =>
    new Date(today - (count - 1 - index) * DAY).toISOString().slice(0, 10));
}
const begin = (count) => `${days(count)[0]}T00:00:00Z`;

// What the chart may show: a title, and curves with what they show of a day.
const MEASURES = {
  requests: [t("Requests"), { [t("requests")]: "requests", [t("failed")]: "errors" }],
  tokens: [t("Tokens"), { [t("tokens read")]: "prompt_tokens", [t("tokens written")]: "completion_tokens" }],
  cost: [t("Cost"), { [t("cost")]: "cost" }],
  blocked: [t("Blocked"), { [t("blocked by the guard")]: "blocked" }],
};

function plotted(found, range, measure) {
  const known = new Map(found.map((one) => [one.id, one])), all = days(range), [title, curves] = MEASURES[measure];
  const name = (one, x) => (x === range - 1 ? t("today") : monthDay(one));
  const points = (of) => all.map((one, x) => ({ x, value: known.get(one)?.[of] ?? 0 }));
  return {
    title,
    x: { label: t("day (UTC)"), ticks: all.map(name) },
    y: { format: "number", low: 0 },
    curves: Object.entries(curves).map(([name, of]) => ({ name, points: points(of) })),
    marks: [],
  };
}

function figures(found) {
  const sum = (name) => found.reduce((all, one) => all + one[name], 0);
  const stat = (...parts) => h("div", { class: "stat" }, parts.map((one, index) => h(index ? "dd" : "dt", {}, one)));
  return h("dl", { class: "stats" },
    stat(t("Requests"), number(sum("requests")), t("{n} failed", { n: sum("errors") })),
    stat(t("Tokens read"), number(sum("prompt_tokens")), t("sent to models")),
    stat(t("Tokens written"), number(sum("completion_tokens")), t("answered by models")),
    stat(t("Cost"), price(sum("cost")), t("by your prices")),
    stat(t("Blocked"), number(sum("blocked")), t("by the guard")));
}

function nothing() {
  const text = may("operator")
    ? t("Each chat, moderation and embedding that goes through this server is counted here: requests, tokens, cost, and what the guard blocked.")
    : t("Your chats, moderations and embeddings are counted here: requests, tokens, cost, and what the guard blocked.");
  const go = h("a", { class: "button", href: "/chat" }, t("Begin a chat"));
  return h("div", { class: "card" }, empty(t("Nothing was asked yet"), text, go));
}

function sheet() {
  let range = 30, measure = "requests", found = [], drawn = null;
  const top = h("div"), plot = h("div"), tables = sums(() => begin(range));
  const lengths = RANGES.map((n) => [n, t("{n} day|{n} days", { n })]);
  const ranges = choice(t("Time"), lengths, range, (value) => { range = value; load().catch(failed); });
  const titles = Object.entries(MEASURES).map(([name, [title]]) => [name, title]);
  const measures = choice(t("What the chart shows"), titles, measure, (value) => { measure = value; draw(); });

  function draw() {
    const data = plotted(found, range, measure);
    if (drawn) drawn.data = data;
    else fill(plot, (drawn = chart(data)));
  }

  async function load() {
    const wanted = range, asked = get(url("/api/v1/usage", { by: "day", since: begin(range) }));
    const [{ data }] = await Promise.all([asked, tables.load()]);
    if (wanted !== range) return;
    found = data;
    fill(top, figures(found));
    draw();
  }

  const whose = h("span", { class: "muted small" }, may("operator") ? t("Of everybody") : t("Your own"));
  const head = h("header", {}, h("h3", {}, t("By day")), measures);
  const byDay = h("section", { class: "card", "aria-label": t("By day") }, head, plot);
  return { parts: [h("div", { class: "row between" }, ranges, whose), top, byDay, tables.element], load };
}

export async function usage() {
  const { data } = await get(url("/api/v1/requests", { limit: 1 }));
  if (!data.length) {
    fill($("#usage"), nothing());
    return;
  }
  const shown = sheet();
  await Promise.all([shown.load(), requests()]);
  fill($("#usage"), shown.parts);
}
