// The newest requests, page by page; one that is opened says what the guard decided.
import { get, may, url } from "../api.js";
import { $, ago, badge, fill, h } from "../dom.js";
import { requestShown, time } from "./request-shown.js";
import { busy, failed } from "../talk.js";
import { table } from "../table.js";
import { number, t } from "../words.js";

const PAGE = 25, SEEN = 7776000000; // milliseconds, for which names are looked up
const tokens = (one) =>
  one.prompt_tokens == null ? "–" : `${number(one.prompt_tokens)} + ${number(one.completion_tokens ?? 0)}`;

function state(one) {
  if (one.error === "content_filter") return badge("inconclusive", t("blocked"));
  return badge(one.status < 400 ? "ok" : one.status < 500 ? "expired" : "broken", String(one.status));
}

// People and keys by id, as far as one may know of them.
async function names() {
  const since = new Date(Date.now() - SEEN).toISOString();
  const sums = (by) => get(url("/api/v1/usage", { by, since })).catch(() => ({ data: [] }));
  const found = await Promise.all(["user", "key"].map(sums));
  return new Map(found.flatMap(({ data }) => data.map((one) => [one.id, one.name])));
}

async function more(before) {
  try {
    return await get(url("/api/v1/requests", { limit: PAGE, before }));
  } catch (error) {
    failed(error);
    return { data: [], next: before };
  }
}

export async function requests() {
  const known = await names();
  const named = (id) => (id ? known.get(id) ?? id : "–");
  const opens = (one) => {
    const open = () => busy(button, () => requestShown(one.id, named, state));
    const button = h("button", { type: "button", class: "link nowrap", onclick: open }, ago(one.created_at));
    return button;
  };
  const shown = table({
    caption: t("Newest requests"),
    columns: [
      { title: t("When"), show: opens },
      { title: t("Status"), show: state },
      { title: t("Model"), show: (one) => one.model ?? "–" },
      { title: t("Route"), show: (one) => h("code", {}, one.route) },
      may("operator") && { title: t("Person"), show: (one) => named(one.user) },
      { title: t("Key"), show: (one) => named(one.key) },
      { title: t("Tokens"), number: true, show: tokens },
      { title: t("Time"), number: true, show: (one) => time(one.milliseconds) },
    ].filter(Boolean),
    more,
  });
  await shown.reload();
  fill($("#requests > div"), shown.element);
  $("#requests").hidden = false;
}
