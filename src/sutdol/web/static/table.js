// Tables that sort, filter and load more. Rows are plain objects, columns say how to show them.
import { fill, h } from "./dom.js";
import { language, t } from "./words.js";

// columns: [{ name, title, show: row => node or text, value: row => what is sorted by, number: bool }]
// more: async cursor => { data, next }, where rows come in pages; filter: row => the text looked into.
export function table({ caption, columns, rows = [], more = null, filter = null, none = null, row: extra = null }) {
  let shown = rows, next = null, by = null, down = false, sought = "";
  const body = h("tbody"), status = h("p", { class: "muted small", role: "status" });
  const heads = columns.map((one) => h("th", { scope: "col", class: one.number ? "number" : null },
    one.value ? h("button", { type: "button", class: "sort", onclick: () => sort(one) }, one.title) : one.title));
  const load = h("button", { type: "button", hidden: true, onclick: () => page() }, t("Load more"));
  const search = filter && h("input", { type: "search", placeholder: t("Filter"), "aria-label": t("Filter"),
    oninput: () => { sought = search.value.trim().toLocaleLowerCase().normalize("NFC"); draw(); } });
  const whole = h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": caption },
    h("table", {}, h("caption", { class: "unseen" }, caption), h("thead", {}, h("tr", {}, heads)), body));
  const element = h("div", { class: "stack" }, filter ? h("div", { class: "tools" }, search, status) : null, whole,
    h("div", { class: "row between" }, filter ? null : status, load));

  function sort(column) {
    down = by === column ? !down : Boolean(column.number);
    by = column;
    heads.forEach((head, index) => columns[index] === by ? head.setAttribute("aria-sort", down ? "descending" : "ascending") : head.removeAttribute("aria-sort"));
    draw();
  }

  function ordered(found) {
    if (!by) return found;
    const sign = down ? -1 : 1;
    return [...found].sort((a, b) => sign * compared(by.value(a), by.value(b)));
  }

  function draw() {
    const found = sought ? shown.filter((one) => filter(one).toLocaleLowerCase().normalize("NFC").includes(sought)) : shown;
    fill(body, ordered(found).map((one) => h("tr", extra?.(one) ?? {}, columns.map((column, index) =>
      h(index ? "td" : "th", { scope: index ? null : "row", class: column.number ? "number" : null }, column.show(one))))));
    if (!found.length) fill(body, h("tr", {}, h("td", { colSpan: columns.length }, sought ? t("Nothing fits.") : none ?? t("Nothing yet."))));
    fill(status, sought ? t("{n} of {all}", { n: found.length, all: shown.length }) : next ? t("The first {n}", { n: shown.length }) : "");
    load.hidden = !next;
  }

  async function page() {
    load.setAttribute("aria-busy", "true");
    try {
      const got = await more(next);
      shown = [...shown, ...got.data];
      next = got.next;
    } finally {
      load.removeAttribute("aria-busy");
      draw();
    }
  }

  return {
    element,
    get rows() { return shown; },
    set(given) { shown = given; draw(); },
    async reload() { shown = []; next = null; await page(); },
    draw,
  };
}

function compared(a, b) {
  if (a == null || b == null) return (a == null) - (b == null);
  return typeof a === "number" ? a - b : String(a).localeCompare(String(b), language, { numeric: true });
}
