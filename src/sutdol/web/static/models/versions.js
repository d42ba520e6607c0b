// The versions of a role as a table in which one chooses two to compare, or one to promote.
import { get, may, url } from "../api.js";
import { ago, badge, fill, h } from "../dom.js";
import { KIND_ORDER, kind } from "./measures.js";
import { page, verdictLink, versionLink } from "./open.js";
import { table } from "../table.js";
import { number, t } from "../words.js";

const AT_ONCE = 25;
const none = () => h("span", { class: "muted" }, "–");
const age = (version) => Number(version.replace(/^.*-v/, ""));

// `crown` is called with a version that is to be promoted by hand.
export function versions(role, { crown }) {
  const chosen = new Set(), path = `/api/v1/models/${encodeURIComponent(role)}/versions`;
  const status = h("p", { class: "muted", role: "status" });
  const compare = h("button", { type: "button", onclick: go }, t("Compare"));
  const promote = h("button", { type: "button", onclick: () => crown([...chosen][0]) }, t("Promote by hand"));
  let champion = null;

  const count = (name) => ({
    name, title: h("span", { class: "cap" }, name === "twin" ? t("twins") : kind(name)), number: true,
    value: (one) => one.kinds[name] ?? 0,
    show: (one) => (one.kinds[name] ? number(one.kinds[name]) : none()),
  });
  const listed = table({
    caption: t("All versions"),
    columns: [
      { name: "version", title: t("Version"), value: (one) => one.version,
        show: (one) => h("span", { class: "pick" },
          box(one), versionLink(role, one.version), one.aliases.map((name) => badge(name))) },
      { name: "verdict", title: t("Verdict"), value: (one) => one.verdict?.decision,
        show: ({ verdict }) => (verdict ? verdictLink(role, verdict.id, badge(verdict.decision)) : none()) },
      { name: "rows", title: t("Learned from"), number: true, value: (one) => total(one),
        show: (one) => number(total(one)) },
      ...KIND_ORDER.map(count),
      { name: "parent", title: t("Parent"), value: (one) => one.parent,
        show: (one) => h("span", { class: "nowrap" }, versionLink(role, one.parent)) },
      { name: "created", title: t("Created"), value: (one) => one.created,
        show: (one) => h("span", { class: "nowrap" }, ago(one.created)) },
    ],
    more: (cursor) => get(url(path, { limit: AT_ONCE, cursor, kinds: true })),
  });

  function box({ version }) {
    return h("input", { type: "checkbox", checked: chosen.has(version),
      "aria-label": t("Choose {version}", { version }),
      onchange: ({ target }) => { if (target.checked) chosen.add(version); else chosen.delete(version); draw(); } });
  }

  // Two are compared with each other, one with the champion; the older one stands first.
  function pair() {
    const both = chosen.size === 1 && !chosen.has(champion) ? [...chosen, champion] : [...chosen];
    return both.length === 2 ? both.sort((a, b) => age(a) - age(b)) : null;
  }

  function go() {
    const [a, b] = pair();
    location.assign(page(role, `compare?${new URLSearchParams({ a, b })}`));
  }

  function draw() {
    compare.disabled = !pair();
    promote.disabled = chosen.size !== 1 || chosen.has(champion);
    fill(status, said());
  }

  function said() {
    if (!chosen.size) return t("Choose one version to compare it with the champion, or two to compare them.");
    if (chosen.size > 2) return t("{n} are chosen: two can be compared.", { n: chosen.size });
    return t("Chosen: {names}", { names: [...chosen].sort((a, b) => age(a) - age(b)).join(", ") });
  }

  const element = h("section", { class: "card dense", "aria-labelledby": `versions-${role}` },
    h("header", {}, h("h3", { id: `versions-${role}` }, t("Versions")),
      h("div", { class: "row" }, compare, may("operator") && promote)),
    status, listed.element);

  return {
    element,
    set champion(version) { champion = version; draw(); },
    async load() { chosen.clear(); await listed.reload(); },
  };
}

const total = (one) => Object.values(one.kinds).reduce((sum, rows) => sum + rows, 0);
