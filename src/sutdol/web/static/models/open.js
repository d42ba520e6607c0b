// How a page about models opens: it is busy until all it shows is there, or says why it cannot.
import { explained } from "../api.js";
import { $, empty, fill, h } from "../dom.js";
import { t } from "../words.js";

export async function open(place, draw) {
  try {
    await draw();
  } catch (error) {
    if (!("status" in error)) throw error;
    fill(place, empty(t("This cannot be shown"), explained(error),
      h("a", { class: "button", href: "/models" }, t("All models"))));
  } finally {
    $("main").removeAttribute("aria-busy");
  }
}

// The address of a page about a role.
export const page = (role, rest = "") => `/models/${encodeURIComponent(role)}/${rest}`;
export const versionLink = (role, version) =>
  version ? h("a", { href: page(role, encodeURIComponent(version)) }, version) : "–";
export const verdictLink = (role, verdict, ...shown) =>
  h("a", { href: page(role, `verdicts/${encodeURIComponent(verdict)}`) }, ...shown);
export const compareLink = (role, a, b, shown, attributes = {}) =>
  h("a", { href: page(role, `compare?${new URLSearchParams({ a, b })}`), ...attributes }, shown);
