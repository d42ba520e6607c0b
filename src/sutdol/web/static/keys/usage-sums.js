// What was asked for, summed by model, by user and by key: tables that sort.
import { get, may, url } from "../api.js";
import { choice } from "../choice.js";
import { $, fill, h } from "../dom.js";
import { failed } from "../talk.js";
import { table } from "../table.js";
import { number, t } from "../words.js";

const MANY = 12;
const BY = { model: t("Model"), ...(may("operator") ? { user: t("Person") } : {}), key: t("Key"), route: t("Route") };
export const price = (cost) => (cost ? number(cost, cost < 1 ? 4 : 2) : "–");

function name(one) {
  if (!one.id) return h("span", { class: "muted" }, t("none"));
  return one.name === one.id ? one.name : [one.name, h("code", { class: "muted" }, ` ${one.id}`)];
}

function columns(by) {
  const figure = (title, of, show = number) =>
    ({ title, number: true, show: (one) => show(one[of]), value: (one) => one[of] });
  return [
    { title: BY[by], show: name, value: (one) => one.name },
    figure(t("Requests"), "requests"),
    figure(t("Failed"), "errors"),
    figure(t("Blocked"), "blocked"),
    figure(t("Tokens read"), "prompt_tokens"),
    figure(t("Tokens written"), "completion_tokens"),
    figure(t("Cost"), "cost", price),
  ];
}

// `since` says from when on; loads what is shown, and the rest when it is chosen.
export function sums(since) {
  let by = "model";
  const place = h("div");
  const chosen = choice(t("Summed by"), Object.entries(BY), by, (value) => { by = value; load().catch(failed); });

  async function load() {
    const wanted = by, { data } = await get(url("/api/v1/usage", { by, since: since() }));
    if (wanted !== by) return; // something else was chosen meanwhile
    const shown = table({ caption: BY[by], columns: columns(by), filter: (one) => `${one.name} ${one.id}` });
    shown.set(data.sort((a, b) => b.requests - a.requests));
    $(".tools", shown.element).hidden = data.length <= MANY;
    fill(place, shown.element);
  }

  const head = h("header", {}, h("h3", {}, t("Sums")), chosen);
  return { element: h("section", { class: "card", "aria-label": t("Sums") }, head, place), load };
}
