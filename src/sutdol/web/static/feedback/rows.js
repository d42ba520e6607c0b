// The queue: a line for each piece of feedback, to choose one to look at, or several to decide together.
import { ago, fill, h } from "../dom.js";
import { mark, title, words } from "./shown.js";
import { t } from "../words.js";

const LONGEST = 160; // characters of a line; no screen shows more

// choose(one, { focus }) when a line is chosen; picked(set) when what is ticked has changed;
// `closed(one)` where it cannot be decided; `veiled()` where texts are hidden.
export function rows(list, { choose, picked, closed, veiled }) {
  let items = [], current = null, last = null;
  const lines = new Map(), ticked = new Set();

  function line(one) {
    const text = veiled() ? "" : words(one).slice(0, LONGEST);
    const box = one.state === "waiting" && h("input", {
      type: "checkbox", checked: ticked.has(one.id), disabled: closed(one),
      "aria-label": t("Choose: {what}", { what: text || title(one) }),
      onclick: (event) => tick(one, box.checked, event.shiftKey) });
    const button = h("button", {
      type: "button", class: "quiet", "aria-current": one === current ? "true" : null,
      onclick: () => choose(one, { look: true }) },
    mark(one),
    text ? h("span", { class: "unseen" }, `${title(one)}: `) : null,
    h("span", { class: text ? "line" : "line muted" }, text || title(one)),
    one.problem ? h("span", { class: "badge warn" }, t("refused")) : null,
    h("span", { class: "muted small when" }, ago(one.created_at)));
    return h("li", { class: one === current ? "now" : "" }, box, button);
  }

  function put(one) {
    const made = line(one);
    lines.get(one)?.replaceWith(made);
    lines.set(one, made);
    return made;
  }

  function marked(one, on) {
    lines.get(one)?.classList.toggle("now", on);
    const button = lines.get(one)?.querySelector("button");
    if (on) button?.setAttribute("aria-current", "true");
    else button?.removeAttribute("aria-current");
  }

  function tick(one, on, through = false) {
    const first = through && items.includes(last) ? last : one;
    const [from, to] = [items.indexOf(first), items.indexOf(one)].sort((a, b) => a - b);
    for (const each of items.slice(from, to + 1)) if (!closed(each)) set(each, on);
    last = one;
    picked(ticked);
  }

  function set(one, on) {
    if (on) ticked.add(one.id);
    else ticked.delete(one.id);
    const box = lines.get(one)?.querySelector("input");
    if (box) box.checked = on;
  }

  return {
    get items() { return items; },
    get current() { return current; },
    get ticked() { return items.filter((one) => ticked.has(one.id)); },
    has: (node) => list.contains(node),
    clear() { items = []; lines.clear(); ticked.clear(); current = last = null; fill(list); picked(ticked); },
    draw() { lines.clear(); fill(list, items.map(put)); },
    add(found) { items.push(...found); list.append(...found.map(put)); },
    refresh: put,
    tick: (one, on = !ticked.has(one.id)) => { if (!closed(one)) tick(one, on); },
    tickAll(on) { for (const one of items) if (!closed(one)) set(one, on); picked(ticked); },
    // Where it stood, for whoever puts it back.
    remove(one) {
      set(one, false);
      const place = items.indexOf(one);
      items.splice(place, 1);
      lines.get(one).remove();
      lines.delete(one);
      picked(ticked);
      return items[place] ?? items.at(-1) ?? null;
    },
    // Back into its place: what was loaded first stands first.
    restore(one) {
      const place = items.findIndex((each) => each.order > one.order);
      const before = place < 0 ? null : lines.get(items[place]);
      items.splice(place < 0 ? items.length : place, 0, one);
      list.insertBefore(put(one), before);
    },
    // The one that is looked at; its line is brought into view, and focused where one was before.
    now(one, { focus = false } = {}) {
      marked(current, false);
      current = one;
      marked(one, true);
      const shown = lines.get(one);
      if (!shown) return;
      const lowest = shown.offsetTop + shown.offsetHeight - list.clientHeight;
      list.scrollTop = Math.min(Math.max(list.scrollTop, lowest), shown.offsetTop);
      if (focus) shown.querySelector("button").focus({ preventScroll: true });
    },
  };
}
