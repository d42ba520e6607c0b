// Markdown as elements, made node by node: nothing that a model says is markup to the browser.
import { copier } from "../copying.js";
import { h, put } from "../dom.js";
import { inline } from "./inline.js";
import { t } from "../words.js";

const DEEPEST = 8; // lists and quotes within each other; what lies deeper is a paragraph
const MOST_ADDED = 10000; // cells of a table that a row lacks: a few letters must not make millions
const FENCE = /^( {0,3})(`{3,}|~{3,})(.*)$/;
const HEADING = /^ {0,3}(#{1,6})(?:[ \t]|$)/;
const RULE = /^ {0,3}([-*_])[ \t]*(?:\1[ \t]*){2,}$/;
const QUOTE = /^ {0,3}> ?/;
const ITEM = /^([ \t]*)([-*+]|(\d{1,9})[.)])(?:([ \t]+)|$)/;
const ROW = /^[\s|:-]+$/;

// The whole text at once.
export function render(text) {
  const made = document.createDocumentFragment(), levels = [];
  put(made, blocks(linesOf(text), 0).map((one) => show(one, levels)));
  return made;
}

const linesOf = (text, from = 0) => text.replaceAll("\r\n", "\n").slice(from).split("\n");
const length = (lines) => lines.reduce((sum, line) => sum + line.length + 1, 0);

// A text that grows: `set(text)` makes anew only what may still change, the last block as a rule.
export function growing(element) {
  let settled = 0, levels = [], open = [];
  return {
    set(given) {
      const lines = linesOf(given, settled), found = blocks(lines, 0);
      // A block that begins in the last line may turn out to be none when the line goes on.
      let last = found.length - 1;
      while (last > 0 && found[last].start >= lines.length - 1) last -= 1;
      const done = found.slice(0, Math.max(last, 0)).map((one) => show(one, levels));
      const trial = [...levels];
      const next = found.slice(Math.max(last, 0)).map((one) => show(one, trial));
      for (const one of open) one.remove();
      put(element, [...done, ...next]);
      open = next;
      if (last > 0) settled += length(lines.slice(0, found[last].start));
    },
    end(text) { element.replaceChildren(render(text)); },
  };
}

// Blocks of lines; each says in which line it starts.
function blocks(lines, depth) {
  const found = [];
  let at = 0;
  while (at < lines.length) {
    if (!lines[at].trim()) { at += 1; continue; }
    const [block, next] = depth > DEEPEST ? flat(lines, at) : read(lines, at, depth);
    found.push({ ...block, start: at });
    at = next;
  }
  return found;
}

const flat = (lines, at) => [{ kind: "paragraph", text: lines.slice(at).join("\n").trim() }, lines.length];

function read(lines, at, depth) {
  const line = lines[at];
  const fence = fenced(line), heading = HEADING.exec(line);
  if (fence) return code(lines, at, fence);
  const level = heading?.[1].length;
  if (heading) return [{ kind: "heading", level, text: bare(line.trim(), level) }, at + 1];
  if (RULE.test(line)) return [{ kind: "rule" }, at + 1];
  if (QUOTE.test(line)) return quote(lines, at, depth);
  if (ITEM.test(line)) return list(lines, at, depth);
  if (isTable(lines, at)) return table(lines, at);
  return paragraph(lines, at);
}

// A heading without the signs before it, and those that may close it.
function bare(line, from) {
  let end = line.length;
  while (end > from && line[end - 1] === "#") end -= 1;
  return (end === from || /\s/.test(line[end - 1]) ? line.slice(from, end) : line.slice(from)).trim();
}

function fenced(line) {
  const found = FENCE.exec(line);
  return found && !(found[2][0] === "`" && found[3].includes("`")) ? found : null;
}

// Without its end, all that follows is code: it may come.
function code(lines, at, [, indent, fence, info]) {
  const said = [];
  let next = at + 1;
  for (; next < lines.length; next += 1) {
    const end = FENCE.exec(lines[next]);
    if (end && end[2][0] === fence[0] && end[2].length >= fence.length && !end[3].trim()) break;
    said.push(without(lines[next], indent.length));
  }
  return [{ kind: "code", name: info.trim().split(/\s/)[0].slice(0, 30), text: said.join("\n") }, next + 1];
}

function quote(lines, at, depth) {
  const said = [];
  let next = at;
  for (; next < lines.length; next += 1) {
    if (QUOTE.test(lines[next])) said.push(lines[next].replace(QUOTE, ""));
    else if (lines[next].trim() && said.at(-1)?.trim() && !begins(lines, next)) said.push(lines[next]);
    else break;
  }
  return [{ kind: "quote", blocks: blocks(said, depth + 1) }, next];
}

function list(lines, at, depth) {
  const ordered = ITEM.exec(lines[at])[3];
  const made = { kind: "list", ordered: ordered !== undefined, from: Number(ordered ?? 1), loose: false, items: [] };
  let next = at;
  while (next < lines.length) {
    const item = ITEM.exec(lines[next]);
    if (!item || (item[3] !== undefined) !== made.ordered || RULE.test(lines[next])) break;
    const [said, end, gap] = entry(lines, next, item);
    const task = /^\[([ xX])\](?:[ \t]|$)/.exec(said[0]);
    if (task) said[0] = said[0].slice(3).trimStart();
    made.items.push({ blocks: blocks(said, depth + 1), done: task ? task[1] !== " " : null });
    next = end;
    if (gap && ITEM.test(lines[next] ?? "")) made.loose = true;
  }
  made.loose ||= made.items.some((one) => one.blocks.filter((block) => block.kind === "paragraph").length > 1);
  return [made, next];
}

// The lines of one item without its indent, where the next one begins, and whether a gap lies between.
function entry(lines, at, [whole, indent, sign, , gap = " "]) {
  const base = width(indent), size = gap.length > 4 ? 1 : width(gap), offset = base + sign.length + size;
  const said = [gap.length > 4 ? lines[at].slice(indent.length + sign.length + 1) : lines[at].slice(whole.length)];
  let next = at + 1, end = next;
  for (; next < lines.length; next += 1) {
    const line = lines[next];
    if (!line.trim()) { said.push(""); continue; }
    const deep = width(/^[ \t]*/.exec(line)[0]) >= base + 2;
    if (!deep && (next > end || begins(lines, next) || ITEM.test(line))) break;
    said.push(deep ? without(line, offset) : line.trimStart());
    end = next + 1;
  }
  return [said.slice(0, end - at), next, next > end];
}

const cells = (line) => {
  const found = [""];
  for (let at = 0; at < line.length; at += 1) {
    if (line[at] === "\\" && line[at + 1] === "|") { found[found.length - 1] += "|"; at += 1; }
    else if (line[at] === "|") found.push("");
    else found[found.length - 1] += line[at];
  }
  if (!found[0].trim()) found.shift();
  if (found.length && !found.at(-1).trim()) found.pop();
  return found.map((one) => one.trim());
};

function isTable(lines, at) {
  const below = lines[at + 1];
  if (!below || !lines[at].includes("|") || !ROW.test(below) || !below.includes("-")) return false;
  const marks = cells(below);
  return marks.every((one) => /^:?-+:?$/.test(one)) && marks.length === cells(lines[at]).length;
}

function table(lines, at) {
  const sides = cells(lines[at + 1]).map((one) => (one.endsWith(":") ? (one.startsWith(":") ? "middle" : "end") : ""));
  const rows = [];
  let next = at + 2;
  while (next < lines.length && lines[next].trim() && !begins(lines, next)) rows.push(cells(lines[next++]));
  return [{ kind: "table", head: cells(lines[at]), sides, rows }, next];
}

function paragraph(lines, at) {
  let next = at + 1;
  while (next < lines.length && lines[next].trim() && !begins(lines, next)) next += 1;
  const text = lines.slice(at, next).map((line) => line.trimStart()).join("\n").trimEnd();
  return [{ kind: "paragraph", text }, next];
}

// Whether something else begins in this line, right after a paragraph. A number in the middle of a
// sentence is no list.
function begins(lines, at) {
  const line = lines[at], item = ITEM.exec(line);
  const lists = item && item[4] && (item[3] === undefined || Number(item[3]) === 1);
  return Boolean(lists || [HEADING, RULE, QUOTE].some((one) => one.test(line)) || fenced(line) || isTable(lines, at));
}

const stop = (column) => 4 - (column % 4);

// So many columns of space.
function width(space) {
  let sum = 0;
  for (const one of space) sum += one === "\t" ? stop(sum) : 1;
  return sum;
}

// The line without so many columns of space before it.
function without(line, columns) {
  let at = 0, gone = 0;
  while (gone < columns && (line[at] === " " || line[at] === "\t")) gone += line[at++] === "\t" ? stop(gone) : 1;
  return " ".repeat(Math.max(0, gone - columns)) + line.slice(at);
}

// `levels`: the headings that this one stands under, so that none is skipped below the page's own.
function show(block, levels) {
  return SHOWN[block.kind](block, levels);
}

const SHOWN = {
  paragraph: ({ text }) => h("p", {}, inline(text)),
  rule: () => h("hr"),
  quote: ({ blocks: some }, levels) => h("blockquote", {}, some.map((one) => show(one, levels))),
  heading({ level, text }, levels) {
    while (levels.at(-1) >= level) levels.pop();
    levels.push(level);
    return h(`h${Math.min(levels.length + 2, 6)}`, {}, inline(text));
  },
  code({ name, text }) {
    const button = copier(() => text);
    button.classList.add("quiet");
    return h("div", { class: "code" }, h("div", { class: "row between" }, h("span", {}, name), button),
      h("pre", { tabindex: "0", role: "group", "aria-label": name || t("Code") }, h("code", {}, text)));
  },
  list({ ordered, from, loose, items }, levels) {
    const said = (one) => (one.kind === "paragraph" && !loose ? inline(one.text) : show(one, levels));
    const box = (done) =>
      h("input", { type: "checkbox", disabled: true, checked: done, "aria-label": done ? t("done") : t("to do") });
    const made = items.map(({ blocks: some, done }) =>
      h("li", { class: done === null ? null : "task" }, done === null ? null : box(done), some.map(said)));
    return h(ordered ? "ol" : "ul", { start: ordered && from !== 1 ? from : null }, made);
  },
  table({ head, sides, rows }) {
    const cell = (tag, text, place, more) =>
      h(tag, { class: sides[place] || null, ...more }, inline(text, { breaks: true }));
    const top = head.map((text, place) => (text ? cell("th", text, place, { scope: "col" }) : cell("td", "", place)));
    let spare = MOST_ADDED;
    const full = (row) => (spare -= Math.max(0, head.length - row.length)) >= 0;
    const cut = (row) => (full(row) ? head : head.slice(0, row.length));
    const below = rows.map((row) => h("tr", {}, cut(row).map((_, place) => cell("td", row[place] ?? "", place))));
    return h("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": t("Table") },
      h("table", {}, h("thead", {}, h("tr", {}, top)), h("tbody", {}, below)));
  },
};
