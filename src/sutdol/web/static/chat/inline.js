// The text within a block of Markdown as nodes, in time that grows with its length, whatever it is.
import { h } from "../dom.js";

const DEEPEST = 16; // elements within each other; what lies deeper is shown without its form
const ALL_PLAIN = /^[^\\`*_~[\]!<\n:]*$/;
const PLAIN = /[^\\`*_~[\]!<\n:]+/y;
const PLACE = /[^\s<>()]{0,2000}(?:\([^\s<>()]{0,2000}\)[^\s<>()]{0,2000})*/.source;
const TITLE = /(?:\s{1,9}(?:"[^"]{0,500}"|'[^']{0,500}'))?/.source;
const TARGET = new RegExp(`\\(\\s{0,9}<?((?:https?://|mailto:)${PLACE})>?${TITLE}\\s{0,9}\\)`, "iy");
const BETWEEN = /<((?:https?:\/\/|mailto:)[^\s<>]{1,2000})>/iy;
const BARE = /:\/\/(?:[!-;=?-Z^-z~]|(?<=[/=_#&-])[^\x00-\x7f\s]{1,500}){1,2000}/y; // Korean only after a sign
const ENDS = ".,:;!?'\"*_~`]"; // signs after an address that are of the sentence
const ALLOWED = ["http:", "https:", "mailto:"];
const SPACE = /\s/, SIGN = /[\p{P}\p{S}]/u;
const EAST = /[\u1100-\u11ff\u2e80-\u30ff\u3130-\u318f\u3400-\u9fff\ua960-\ua97f\uac00-\ud7ff\uff00-\uffef]/;

// `breaks` lets <br> end a line, as models write it in the cells of tables.
export function inline(text, { breaks = false } = {}) {
  return ALL_PLAIN.test(text) ? text : build(new Reading(text, breaks).parts());
}

// The address, if it is one that a click may lead to.
function address(raw) {
  try {
    const found = new URL(raw);
    return ALLOWED.includes(found.protocol) ? found.href : null;
  } catch {
    return null;
  }
}

class Reading {
  constructor(text, breaks) {
    Object.assign(this, { text, breaks, at: 0, found: [], runs: [], brackets: [], ticks: null });
  }

  parts() {
    const { text } = this;
    while (this.at < text.length) this.take(text[this.at]);
    pair(this.runs, 0);
    return this.found;
  }

  take(sign) {
    if (sign === "\\") this.escape();
    else if (sign === "`") this.code();
    else if (sign === "*" || sign === "_" || sign === "~") this.run(sign);
    else if (sign === "[") this.bracket(1);
    else if (sign === "!" && this.text[this.at + 1] === "[") this.bracket(2);
    else if (sign === "]") this.close();
    else if (sign === "<") this.angle();
    else if (sign === "\n") this.line();
    else if (sign === ":" && this.text.startsWith("://", this.at)) this.bare();
    else this.plain();
  }

  say(text) {
    const last = this.found.at(-1);
    if (last?.text !== undefined) last.text += text;
    else this.found.push({ text });
  }

  match(pattern) {
    pattern.lastIndex = this.at;
    return pattern.exec(this.text);
  }

  plain() {
    const some = this.match(PLAIN)?.[0] ?? this.text[this.at];
    this.say(some);
    this.at += some.length;
  }

  escape() {
    const next = this.text[this.at + 1] ?? "";
    this.at += 2;
    if (next === "\n") this.found.push({ node: h("br") });
    else this.say(/^[!-/:-@[-`{-~]$/.test(next) ? next : `\\${next}`);
  }

  line() {
    const last = this.found.at(-1);
    if (last?.text !== undefined) last.text = last.text.trimEnd();
    this.found.push({ node: h("br") });
    this.at += 1;
  }

  // Where runs of backticks of each length stand: looked up once for the whole text.
  code() {
    if (!this.ticks) {
      this.ticks = new Map();
      for (const one of this.text.matchAll(/`+/g)) {
        const size = one[0].length;
        if (!this.ticks.has(size)) this.ticks.set(size, { places: [], next: 0 });
        this.ticks.get(size).places.push(one.index);
      }
    }
    let size = 1;
    while (this.text[this.at + size] === "`") size += 1;
    const known = this.ticks.get(size), start = this.at + size;
    while (known && known.places[known.next] < start) known.next += 1;
    const end = known?.places[known.next];
    this.at = start;
    if (end === undefined) return this.say("`".repeat(size));
    const said = this.text.slice(start, end).replaceAll("\n", " ");
    const padded = said.startsWith(" ") && said.endsWith(" ") && said.trim();
    this.found.push({ node: h("code", {}, padded ? said.slice(1, -1) : said) });
    this.at = end + size;
  }

  run(sign) {
    let size = 1;
    while (this.text[this.at + size] === sign) size += 1;
    const before = [...this.text.slice(Math.max(0, this.at - 2), this.at)].at(-1) ?? " ";
    this.at += size;
    const after = this.at < this.text.length ? String.fromCodePoint(this.text.codePointAt(this.at)) : " ";
    if (sign === "~" && size !== 2) return this.say("~".repeat(size));
    const one = { sign, size, left: size, opens: [], closes: [], at: this.runs.length, ...flanks(sign, before, after) };
    this.found.push(one);
    this.runs.push(one);
  }

  bracket(size) {
    const one = { text: this.text.slice(this.at, this.at + size) };
    this.brackets.push({ place: this.found.length, runs: this.runs.length });
    this.found.push(one, { text: "" }); // so that what follows is not put into it
    this.at += size;
  }

  close() {
    const opened = this.brackets.pop();
    this.at += 1;
    const target = opened && this.match(TARGET);
    const href = target && address(target[1]);
    if (!href) return this.say("]");
    pair(this.runs, opened.runs);
    for (let place = opened.place + 1; place < this.found.length; place += 1) {
      if (this.found[place].link) this.found[place] = { text: this.found[place].link };
    }
    this.found[opened.place] = { begins: href };
    this.found.push({ text: this.text[this.at - 2] === "[" ? target[1] : "" }, { ends: true });
    this.brackets.length = 0; // a link has no link around it
    this.at += target[0].length;
  }

  angle() {
    const line = this.breaks && this.match(/<br\s{0,9}\/?>/iy), found = line ? null : this.match(BETWEEN);
    const href = found && address(found[1]);
    if (!line && !href) return this.plain();
    this.found.push(line ? { node: h("br") } : { link: found[1], href });
    this.at += (line || found)[0].length;
  }

  // An address that stands in the text as it is; the sign that ends a sentence is not of it.
  bare() {
    const scheme = /(?:^|[^a-z0-9])(https?)$/i.exec(this.text.slice(Math.max(0, this.at - 6), this.at))?.[1];
    const rest = scheme && this.match(BARE)?.[0];
    if (!rest) return this.plain();
    const raw = trimmed(scheme + rest), href = raw.length < 2000 && address(raw), last = this.found.at(-1);
    this.at += href ? raw.length - scheme.length : rest.length;
    if (!href) return this.say(rest);
    last.text = last.text.slice(0, -scheme.length);
    this.found.push({ link: raw, href });
  }
}

function trimmed(raw) {
  let end = raw.length, opened = 0, closed = 0;
  for (const sign of raw) opened += sign === "(", closed += sign === ")";
  for (; end; end -= 1) {
    const sign = raw[end - 1];
    if (sign === ")" && closed > opened) closed -= 1;
    else if (!ENDS.includes(sign)) break;
  }
  return raw.slice(0, end);
}

// Whether a run may begin or end something. A Korean particle right after it is no part of a word.
function flanks(sign, before, after) {
  const seen = (one) => ({ space: SPACE.test(one), sign: SIGN.test(one), east: EAST.test(one) });
  const b = seen(before), a = seen(after);
  const east = sign !== "_";
  const left = !a.space && (!a.sign || b.space || b.sign || (east && b.east));
  const right = !b.space && (!b.sign || a.space || a.sign || (east && a.east));
  if (sign !== "_") return { open: left, close: right };
  return { open: left && (!right || b.sign), close: right && (!left || a.sign) };
}

// Finds what ends what, from the run number `floor` on. As CommonMark does it, and as fast: where no
// run could be ended once, none is looked for again.
function pair(runs, floor) {
  const some = runs.splice(floor), bottoms = new Map();
  some.forEach((one, place) => Object.assign(one, { at: place, before: some[place - 1], after: some[place + 1] }));
  let closer = some[0];
  while (closer) {
    const next = closer.after;
    if (!closer.close) { closer = next; continue; }
    const key = `${closer.sign}${closer.open}${closer.size % 3}`, bottom = bottoms.get(key) ?? 0;
    let opener = closer.before;
    while (opener && opener.at >= bottom && !fits(opener, closer)) opener = opener.before;
    if (!opener || opener.at < bottom) {
      bottoms.set(key, closer.at);
      if (!closer.open) unlink(closer);
      closer = next;
      continue;
    }
    const strong = closer.left > 1 && opener.left > 1;
    const tag = closer.sign === "~" ? "del" : strong ? "strong" : "em";
    opener.opens.push(tag);
    closer.closes.push(tag);
    for (const one of [opener, closer]) one.left -= strong ? 2 : 1;
    Object.assign(opener, { after: closer });
    Object.assign(closer, { before: opener });
    if (!opener.left) unlink(opener);
    if (!closer.left) { unlink(closer); closer = next; }
  }
}

function fits(opener, closer) {
  if (!opener.open || opener.sign !== closer.sign) return false;
  const both = opener.close || closer.open, sum = opener.size + closer.size;
  return !both || sum % 3 !== 0 || (opener.size % 3 === 0 && closer.size % 3 === 0);
}

function unlink(one) {
  if (one.before) one.before.after = one.after;
  if (one.after) one.after.before = one.before;
}

function build(parts) {
  const root = document.createDocumentFragment(), path = [root];
  let text = "";
  const flush = () => { if (text) path.at(-1).append(text); text = ""; };
  const put = (node) => { flush(); path.at(-1).append(node); };
  const open = (made) => {
    flush();
    if (path.length > DEEPEST) return path.push(path.at(-1));
    path.at(-1).append(made);
    return path.push(made);
  };
  const close = () => { flush(); path.pop(); };
  for (const one of parts) {
    if (one.text !== undefined) text += one.text;
    else if (one.node) put(one.node);
    else if (one.link) put(leading(one.href, one.link));
    else if (one.begins) open(leading(one.begins));
    else if (one.ends) close();
    else {
      one.closes.forEach(close);
      text += one.sign.repeat(one.left);
      one.opens.reverse().forEach((tag) => open(h(tag)));
    }
  }
  flush();
  return root;
}

const leading = (href, ...text) =>
  h("a", { href, title: href, target: "_blank", rel: "noopener noreferrer nofollow" }, text);
