// What the style page shows of every part, made anew for each theme.
import { STATES, ago, badge, empty, h, icon, named } from "../dom.js";
import { render } from "../chat/markdown.js";
import { table } from "../table.js";
import { field, select } from "../talk.js";
import { day, interval, language, number, percent, points, t } from "../words.js";

const dictionary = (await import("../ko/style/style.js")).default;
const english = new Map(Object.entries(dictionary).map(([said, korean]) => [korean, said]));
const other = language === "ko" ? "en" : "ko";
const translated = (said) => (language === "ko" ? english.get(said) : dictionary[said]) ?? said;
// A text in the language of the page, and in the other one.
const both = (made, said) => [made(said, language), made(translated(said), other)];
const row = (...children) => h("div", { class: "row" }, children);
const button = (said, more = {}) => h("button", { type: "button", ...more }, said);
const before = (hours) => new Date(Date.now() - 3600000 * hours).toISOString();

const TOKENS = [
  "page", "card", "sunk", "line", "edge", "text", "muted", "accent", "accent-strong", "accent-soft", "on-accent",
  "good", "good-soft", "warn", "warn-soft", "bad", "bad-soft",
];

export function colours() {
  return h("ul", { class: "plain colours" }, TOKENS.map((name) => {
    const patch = h("div");
    patch.style.setProperty("background", `var(--${name})`);
    return h("li", {}, patch, h("code", {}, name));
  }));
}

export function type() {
  const line = (tag, said, more = {}) => both((text, lang) => h(tag, { lang, ...more }, text), said);
  const digits = (said) => h("span", { class: "number" }, said);
  const figure = { value: .814, low: .79, high: .836 };
  return [
    line("h1", t("Does the guard get harder to fool?")),
    line("h2", t("Quality by round")),
    line("h3", t("Where it comes from")),
    line("p", t("A guard decides which messages pass; it learns from those that slipped by it.")),
    line("p", t("Said in passing, as under a heading."), { class: "lead" }),
    line("small", t("Small print."), { class: "muted" }),
    row(h("a", { href: "#type" }, t("A link")), h("code", {}, "sutdol arena battle"), h("kbd", {}, "Esc")),
    row([number(1234567), percent(.814), points(.021), interval(figure)].map(digits)),
  ];
}

export function buttons() {
  return [
    row(both((said, lang) => button(said, { class: "primary", lang }), t("Save")),
      both((said, lang) => button(said, { lang }), t("Cancel"))),
    row(button(t("Delete"), { class: "danger" }), button(t("Delete for good"), { class: "danger primary" }),
      button(t("Quiet"), { class: "quiet" }), button(t("Link"), { class: "link" })),
    row(button(t("Busy"), { "aria-busy": "true" }), button(t("Disabled"), { disabled: true }),
      button(t("Pressed"), { "aria-pressed": "true" }),
      button(icon("settings"), { class: "icon-only", "aria-label": t("Settings") }),
      h("a", { class: "button", href: "#buttons" }, t("A link as a button"))),
  ];
}

export function fields() {
  const box = (kind, text, more = {}) => h("label", { class: "row" }, h("input", { type: kind, ...more }), text);
  const roles = ["guard", "retriever", "generator"].map((one) => [one, named(one)]);
  return h("div", { class: "fields" },
    field(t("Name"), h("input", { placeholder: t("as others will see it") })),
    field(t("Rounds"), h("input", { type: "number", value: "10", min: "1" }), t("Between 1 and 100.")),
    field(t("Role"), select("", roles, "guard")),
    field(t("Something wrong"), h("input", { value: "abc", "aria-invalid": "true" }), t("This must be a number.")),
    field(t("Comment"), h("textarea", { rows: 3 })),
    h("div", { class: "stack" }, box("checkbox", t("A choice"), { checked: true }),
      box("checkbox", t("One that cannot be made"), { disabled: true }),
      box("radio", t("One of several"), { checked: true })));
}

export function badges() {
  const stale = t("Reconnecting: what you see may be old");
  const twice = (word) => both((said, lang) => h("span", { lang }, badge(word, said)), named(word));
  return [
    row(h("span", { class: "badge accent live on" }, t("Live")), h("span", { class: "badge warn live" }, stale),
      h("span", { class: "badge live" }, t("Over"))),
    h("ul", { class: "plain words" }, STATES.map((word) => h("li", {}, twice(word)))),
  ];
}

export function notices() {
  const said = {
    plain: t("Something to know."), good: t("The backup is whole."),
    warn: t("The feedback of a week waits for a reviewer."), bad: t("No model server answers."),
  };
  return Object.entries(said).map(([tone, one]) =>
    h("div", { class: `notice ${tone}` }, both((text, lang) => h("p", { lang }, text), one)));
}

export function figures() {
  const stat = (name, value, note) =>
    h("div", { class: "stat" }, h("dt", {}, name), h("dd", {}, value), h("dd", {}, note));
  const change = (turn, by) => h("span", { class: turn }, `${points(by)} ↑`);
  return [
    h("dl", { class: "stats" }, stat(t("Examples"), number(14133), t("in training")),
      stat(t("Caught"), percent(.952), change("up", .021)),
      stat(t("Flagged without reason"), percent(.061), change("down", .004))),
    h("dl", { class: "pairs" }, h("dt", {}, t("Version")), h("dd", {}, h("code", {}, "guard-v6")),
      h("dt", {}, t("Created")), h("dd", {}, ago(before(3)))),
  ];
}

export const cards = () => h("section", { class: "card" },
  h("header", {}, h("h3", {}, t("A card with a heading")), badge("champion")),
  both((text, lang) => h("p", { lang }, text),
    t("Cards hold what belongs together; a page of three cards needs no fourth.")),
  row(button(t("The one thing to do"), { class: "primary" }), button(t("Another"))));

const ROWS = 24, PAGE = 8;
const judged = Array.from({ length: ROWS }, (_, n) => ({
  version: `guard-v${n + 1}`, state: ["champion", "challenger", "promote", "reject", "inconclusive"][n % 5],
  texts: 400 + 137 * (n * 7 % 11), share: .8 + .15 * Math.sin(n), at: before(26 * n),
}));

export function tables(name) {
  const more = async (from) => {
    const end = (from ?? 0) + PAGE;
    return { data: judged.slice(end - PAGE, end), next: end < ROWS ? end : null };
  };
  const made = table({
    caption: `${t("Versions")} · ${name}`, filter: (one) => `${one.version} ${named(one.state)}`, more,
    columns: [
      { title: t("Version"), value: (one) => one.version, show: (one) => h("code", {}, one.version) },
      { title: t("State"), value: (one) => named(one.state), show: (one) => badge(one.state) },
      { title: t("Texts"), number: true, value: (one) => one.texts, show: (one) => number(one.texts) },
      { title: t("Caught"), number: true, value: (one) => one.share, show: (one) => percent(one.share) },
      { title: t("Created"), value: (one) => one.at, show: (one) => day(one.at) },
    ],
  });
  made.reload();
  return h("div", { class: "card" }, made.element);
}

export const nothing = () => h("div", { class: "card" }, empty(t("No battle yet"),
  t("A battle shows how far the guard can be fooled, and sharpens it."),
  button(t("Start a battle"), { class: "primary" })));

export const waiting = () => [
  h("progress", { value: "4", max: "10", "aria-label": t("4 of 10 rounds") }),
  h("progress", { "aria-label": t("It is not known how long this takes") }),
  h("div", { class: "stack", "aria-hidden": "true" },
    h("div", { class: "skeleton" }), h("div", { class: "skeleton" })),
];

export function keyboard() {
  const said = [
    [["Tab"], t("to the next thing that can be used")], [["Enter"], t("does it")],
    [["←", "→"], t("through the values of a chart, and through tabs")],
    [["Home", "End"], t("to the first and the last of them")], [["Esc"], t("closes what has opened")],
  ];
  return h("dl", { class: "pairs" }, said.map(([keys, text]) =>
    [h("dt", {}, keys.map((one) => [h("kbd", {}, one), " "])), h("dd", {}, text)]));
}

const ANSWER = [
  t("A model writes **strong**, *soft* and `code`,"),
  t("- lists,\n- [links](https://example.org),"), t("> and quotes."),
  t("| what | how much |\n|---|---:|\n| figures | 42 |"),
];
export const markdown = () => h("div", { class: "card" }, h("div", { class: "formed" }, render(ANSWER.join("\n\n"))));
