// <line-chart>: curves with intervals to point at, read by keyboard, hide, read as a table and keep as SVG.
// It stands alone, for reports carry it too; --card, --text, --muted, --line, --edge and --accent are the page's.
const SVG = "http://www.w3.org/2000/svg";
const DASHES = ["", "7 4", "2 3", "9 3 2 3", "4 2", "1 4", "12 4"]; // curves differ without colour too
const WIDE = 620, LINE = 24, SIZE = 12, MARK = 11, ROW = 15, ROWS = 3;
// What a file of its own must say, where it is not what it would be anyway.
const PAINT = {
  fill: "", "fill-opacity": "1", stroke: "none", "stroke-opacity": "1", "stroke-width": "1px",
  "stroke-dasharray": "none", "stroke-linejoin": "miter", "font-size": "12px", "font-weight": "400",
};
const WORDS = {
  none: "No data yet.", table: "Table", save: "Download SVG", curves: "Curves", marks: "Events", kind: "chart",
  keys: "The left and right arrow keys read the values.",
};
const sheet = new CSSStyleSheet();
sheet.replaceSync(`
:host {
  display: block; min-width: 0; font-size: .86rem;
  --chart-1: light-dark(#0072b2, #5fb0ea); --chart-2: light-dark(#c65100, #f29447);
  --chart-3: light-dark(#00875f, #3cc79b); --chart-4: light-dark(#b5548c, #e79cc6);
  --chart-5: light-dark(#806500, #d4b446); --chart-6: light-dark(#7a5cc9, #b9a6f5);
  --chart-7: light-dark(#666666, #a9a9a9);
}
${DASHES.map((_, n) => `.c${n} { --c: var(--chart-${n + 1}) }`).join("\n")}
*, ::before, ::after { box-sizing: border-box }
[hidden] { display: none !important }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; border-radius: .25rem }
.none { display: grid; place-items: center; min-height: 12rem; margin: 0; color: var(--muted) }
.drawn { display: grid; gap: .3rem }
.drawn.wide { grid-template-columns: minmax(0, 1fr) fit-content(min(21rem, 36%)); gap: 0 }
.plot { position: relative; touch-action: pan-y; min-width: 0 }
svg { display: block; width: 100%; height: auto; font-size: ${SIZE}px }
text { fill: var(--muted); font-variant-numeric: tabular-nums }
.heading { fill: var(--text); font-size: 16px; font-weight: 620 }
.event { font-size: ${MARK}px }
.name { fill: var(--text) }
.ground { fill: var(--card) }
.rule { stroke: var(--line) }
.mark { stroke: var(--edge); stroke-dasharray: 2 3 }
.lead { fill: none; stroke: var(--edge); stroke-opacity: .6 }
.band { fill: var(--c); fill-opacity: .13 }
.bar { stroke: var(--c); stroke-opacity: .45; stroke-width: 3 }
.curve { fill: none; stroke: var(--c); stroke-width: 2; stroke-linejoin: round }
.dot { fill: var(--c) }
.cross line { stroke: var(--text); stroke-opacity: .5 }
.cross circle { fill: var(--card); stroke: var(--c); stroke-width: 2.5 }
ul { list-style: none; margin: 0; padding: 0; display: grid; align-content: start }
.wide > ul > li { grid-area: 1 / 1 }
.item {
  display: grid; grid-template-columns: auto minmax(0, 1fr) auto; gap: .6rem; align-items: center;
  justify-content: stretch; padding: .1rem .4rem; text-align: left; line-height: 1.25;
}
button { border: 0; color: inherit; border-radius: .3rem; background: none; font: inherit; cursor: pointer }
button:hover { background: var(--line) }
button.item { width: 100%; min-height: ${LINE}px; color: var(--text) }
.item[aria-pressed="false"] { color: var(--muted) }
.item[aria-pressed="false"] b { text-decoration: line-through }
.item[aria-pressed="false"] .swatch > * { visibility: hidden }
b { font-weight: 400; overflow-wrap: anywhere }
.swatch { width: 24px; height: 8px; flex: none }
.value { font-variant-numeric: tabular-nums; white-space: nowrap; text-align: right }
small { color: var(--muted); font-size: inherit; font-weight: 400 }
.where {
  display: flex; flex-wrap: wrap; justify-content: space-between; gap: 0 1rem; margin: 0; padding: 0 .4rem;
  font-weight: 600;
}
.tip {
  position: absolute; z-index: 2; width: max-content; max-width: 70%; padding: .4rem .3rem;
  pointer-events: none; border: 1px solid var(--line); border-radius: .5rem; background: var(--card);
  box-shadow: 0 .3rem 1rem #0003;
}
.under { position: relative; margin-top: .5rem }
summary { width: fit-content; line-height: 1.9rem; cursor: pointer; color: var(--muted); font-weight: 400 }
.under > button {
  position: absolute; right: 0; top: 0; min-height: 1.9rem; padding: 0 .5rem; color: var(--muted);
}
.scroll { overflow-x: auto; margin-top: .2rem }
table { border-collapse: collapse; width: 100%; font-size: .92rem }
caption { text-align: left; padding: .2rem .7rem; color: var(--muted) }
th, td {
  padding: .4rem .7rem; border-bottom: 1px solid var(--line); text-align: right; vertical-align: baseline;
  font-variant-numeric: tabular-nums; white-space: nowrap;
}
th { font-weight: 560; color: var(--muted); font-size: .86rem }
thead th { vertical-align: bottom }
tbody tr:last-child > * { border-bottom: 0 }
thead th:not(:first-child) { white-space: normal; min-width: 6.5rem }
th:first-child, .words { text-align: left }
@media print { .under { display: none } }`);

const known = (point) => Number.isFinite(point.value);
const spread = ({ value, low, high }) =>
  Number.isFinite(low) && Number.isFinite(high) && (low < value || high > value);
const clamp = (value, low, high) => Math.max(low, Math.min(value, high));
const last = (curve) => curve.points.findLast(known);
const at = (curve, x) => curve.points.find((one) => one.x === x && known(one));
const paint = (curve) => `c${curve.n % DASHES.length}`;
const dash = (curve) => DASHES[curve.n % DASHES.length] || null;

// How wide a text is, near enough: Korean letters are about twice as wide as Latin ones.
const wide = (text, size = SIZE) => [...text].reduce((sum, one) => sum + (one > "\u10ff" ? 1 : .58) * size, 0);
const widest = (texts) => Math.max(0, ...texts.map((one) => wide(one)));
function cut(text, most) {
  const letters = [...text];
  while (letters.length > 1 && wide(letters.join("")) > most) letters.splice(-2, 2, "…");
  return letters.join("");
}

function put(element, attributes, ...children) {
  for (const [name, value] of Object.entries(attributes)) if (value != null) element.setAttribute(name, value);
  element.append(...children.flat(Infinity).filter((one) => one != null && one !== false));
  return element;
}
const s = (tag, attributes = {}, ...children) => put(document.createElementNS(SVG, tag), attributes, children);
const e = (tag, attributes = {}, ...children) => put(document.createElement(tag), attributes, children);
const swatch = (curve) => s("svg", { class: `swatch ${paint(curve)}`, viewBox: "0 0 24 8", "aria-hidden": "true" },
  s("path", { class: "curve", d: "M0 4H24", "stroke-dasharray": dash(curve) }),
  s("circle", { class: "dot", cx: 12, cy: 4, r: 3 }));

// { title, x: {label, ticks?, at?: "Round {x}"}, y: {format: "percent"|"number", low?, high?, label?},
//   curves: [{name, points: [{x, value, low?, high?}]}], marks: [{x, name}], words? }; a value of null is a gap.
// What was given with all that may be left out; curves keep their colours though others are not measured.
function complete(given, before) {
  const points = (one) => one.points.filter(({ x }) => Number.isFinite(x)).sort((a, b) => a.x - b.x);
  const curves = given.curves.map((one, n) => ({ name: one.name, n, points: points(one) }));
  return {
    title: "", marks: [], ...given, x: { label: "", ...given.x }, y: { format: "number", ...given.y },
    curves: curves.filter(last), words: { ...WORDS, ...before?.words, ...given.words },
  };
}

// Numbers in the language around the chart: whole to read, short on the axis, aloud for screen readers.
function speaker({ x, y }, language) {
  const shares = y.format === "percent", unit = shares ? " %" : "", digits = shares ? 1 : 0;
  const format = (how) => {
    const made = new Intl.NumberFormat(language || "en", how);
    return (value) => made.format(shares ? 100 * value : value);
  };
  const bare = format({ minimumFractionDigits: digits, maximumFractionDigits: digits || 2 });
  const short = format({ notation: shares ? "standard" : "compact", maximumFractionDigits: 1 });
  const plain = new Intl.NumberFormat(language || "en", { maximumFractionDigits: 2, useGrouping: false });
  const step = (place) => x.ticks?.[place] ?? plain.format(place);
  return {
    step,
    where: (place) => (x.ticks ? step(place) : (x.at ?? `${x.label} {x}`).replace("{x}", step(place)).trim()),
    short: (value) => short(value) + unit,
    whole: (value) => bare(value) + unit,
    interval: (one) => (spread(one) ? `[${bare(one.low)}, ${bare(one.high)}]` : ""),
    aloud: (one) => bare(one.value) + unit + (spread(one) ? `, ${bare(one.low)} – ${bare(one.high)}` : ""),
  };
}

// Round numbers that lie within low and high, about as many as asked for.
function steps(low, high, most, least = 0) {
  const rough = (high - low) / most, power = 10 ** Math.floor(Math.log10(rough));
  const step = Math.max(least, power * ([1, 2, 5].find((one) => one * power > .999 * rough) ?? 10));
  const from = Math.ceil(low / step - 1e-9), to = Math.floor(high / step + 1e-9);
  return Array.from({ length: to - from + 1 }, (_, n) => Number(((from + n) * step).toPrecision(12)));
}

// The ticks at the left; the first and the last of them hold all values between them.
function rungs(y, curves) {
  const points = curves.flatMap((one) => one.points.filter(known));
  const values = points.flatMap((one) => [one.value, one.low, one.high]).filter(Number.isFinite);
  const low = Math.min(y.low ?? 0, ...values);
  const high = Math.max(y.high ?? (y.format === "percent" ? 1 : low), ...values);
  const found = steps(low, high > low ? high : low + 1, 5), step = found[1] - found[0] || 1;
  if (found[0] > low) found.unshift(found[0] - step);
  if (found.at(-1) < high) found.push(found.at(-1) + step);
  return found;
}

// Where everything stands in a picture of a size.
function framed(data, shown, { width, height, heading = false, right = 14 }, say) {
  const ticks = rungs(data.y, shown.length ? shown : data.curves);
  const xs = [...new Set(data.curves.flatMap((one) => one.points.map(({ x }) => x)))].sort((a, b) => a - b);
  const reach = [...xs, ...data.marks.map(({ x }) => x)], least = Math.min(...reach), most = Math.max(...reach);
  const [from, to] = least < most ? [least, most] : [least - .5, most + .5];
  const left = 14 + widest(ticks.map(say.short)), edge = width - right;
  const x = (value) => left + 8 + (value - from) / (to - from) * (edge - left - 16);
  const marks = stacked(data.marks, x, left, edge);
  const rows = Math.min(ROWS, 1 + Math.max(-1, ...marks.map(({ row }) => row)));
  const top = 8 + (heading ? 34 : 0) + (data.y.label ? 18 : 0) + ROW * rows;
  const base = height - 22 - (data.x.label && !data.x.ticks ? 18 : 0);
  const y = (value) => base - (value - ticks[0]) / (ticks.at(-1) - ticks[0]) * (base - top);
  const feet = data.x.ticks ? named(data.x.ticks, xs, x, edge) : numbered(xs, [from, to], x, edge - left, say);
  return { width, height, heading, left, edge, top, base, x, y, xs, marks, ticks, feet };
}

// Marks with the row of their name: names that would lie over each other stand above each other.
function stacked(marks, x, left, edge) {
  const ends = [];
  return marks.map((one) => {
    const half = wide(one.name, MARK) / 2, centre = clamp(x(one.x), left + half, Math.max(left + half, edge - half));
    const free = ends.findIndex((end) => end + 6 < centre - half), row = free < 0 ? ends.length : free;
    if (row < ROWS) ends[row] = centre + half;
    return { ...one, row, centre };
  });
}

// Names below, counted from the newest, as many as fit.
function named(ticks, xs, x, edge) {
  const names = new Map(xs.filter((one) => ticks[one]).map((one) => [one, cut(String(ticks[one]), 96)]));
  const gap = xs.length > 1 ? (x(xs.at(-1)) - x(xs[0])) / (xs.at(-1) - xs[0]) : Infinity;
  const every = Math.max(1, Math.ceil((widest([...names.values()]) + 14) / gap));
  return [...names].filter(([one]) => (xs.at(-1) - one) % every === 0)
    .map(([one, name]) => [clamp(x(one), wide(name) / 2, edge + 12 - wide(name) / 2), name]);
}

function numbered(xs, [from, to], x, room, say) {
  const fit = clamp(room / (wide(say.step(Math.round(to))) + 22), 1, 12);
  return steps(from, to, fit, xs.every(Number.isInteger) ? 1 : 0).map((one) => [x(one), say.step(one)]);
}

// Heights for names as near as may be to where their curves end, none over another.
function apart(ends, top, bottom) {
  const order = [...ends].sort((a, b) => a.y - b.y);
  let edge = top;
  for (const one of order) {
    one.top = Math.max(one.y - one.size / 2, edge);
    edge = one.top + one.size;
  }
  edge = bottom;
  for (const one of order.reverse()) edge = one.top = Math.min(one.top, edge - one.size);
  return ends;
}

function axes(data, f, say) {
  const { left, edge, base, top } = f, middle = { "text-anchor": "middle" };
  return [
    f.heading && s("text", { class: "heading", x: 10, y: 26 }, data.title),
    data.y.label && s("text", { x: 4, y: (f.heading ? 34 : 0) + 14 }, data.y.label),
    f.ticks.map((one) => [
      s("line", { class: "rule", x1: left, x2: edge, y1: f.y(one), y2: f.y(one) }),
      s("text", { x: left - 6, y: f.y(one) + 4, "text-anchor": "end" }, say.short(one)),
    ]),
    f.feet.map(([x, name]) => s("text", { x, y: base + 17, ...middle }, name)),
    data.x.label && !data.x.ticks && s("text", { x: (left + edge) / 2, y: f.height - 5, ...middle }, data.x.label),
    f.marks.map((one) => [
      s("line", { class: "mark", x1: f.x(one.x), x2: f.x(one.x), y1: top, y2: base }),
      one.row < ROWS && s("text", { x: one.centre, y: top - 5 - ROW * one.row, class: "event", ...middle }, one.name),
    ]),
  ];
}

// A curve: for each run of measured points its band, line and dots; a point alone has a bar for its interval.
function drawn(curve, f) {
  const runs = [[]];
  for (const one of curve.points) known(one) ? runs.at(-1).push(one) : runs.push([]);
  const path = (run, value) => run.map((one) => `${f.x(one.x).toFixed(1)} ${f.y(value(one)).toFixed(1)}`).join("L");
  const middle = (run) => `M${path(run, (one) => one.value)}`;
  const line = (run) => s("path", { class: "curve", d: middle(run), "stroke-dasharray": dash(curve) });
  const high = (one) => one.high ?? one.value, low = (one) => one.low ?? one.value;
  const band = (run) => s("path", { class: "band", d: `M${path(run, high)}L${path(run.toReversed(), low)}Z` });
  const bar = (one) => s("line", { class: "bar", x1: f.x(one.x), x2: f.x(one.x), y1: f.y(one.low), y2: f.y(one.high) });
  const dots = (run) => run.map((one) => s("circle", { class: "dot", cx: f.x(one.x), cy: f.y(one.value), r: 3 }));
  const dense = (run) => run.length > 1 && f.x(run.at(-1).x) - f.x(run[0].x) < 9 * run.length;
  return s("g", { class: paint(curve) }, runs.filter((run) => run.length).map((run) => [
    run.length > 1 ? run.some(spread) && band(run) : spread(run[0]) && bar(run[0]),
    run.length > 1 && line(run),
    !dense(run) && dots(run),
  ]));
}

const picture = (data, shown, f, say, ...more) =>
  s("svg", { viewBox: `0 0 ${f.width} ${f.height}`, width: f.width, height: f.height },
    axes(data, f, say), shown.map((one) => drawn(one, f)), more);

// The same as a file: with heading, ground, names at the right, and every colour as it is here and now.
function file(host, data, shown, say) {
  const texts = shown.map((one) => cut(`${one.name} ${say.whole(last(one).value)}`, 280));
  const size = { width: 900, height: 420, heading: true, right: 56 + widest(texts) };
  const f = framed(data, shown, size, say);
  const ends = apart(shown.map((curve) => ({ y: f.y(last(curve).value), size: 18 })), f.top - 9, f.height);
  const names = shown.map((curve, n) => s("g", { class: paint(curve) },
    s("path", { class: "lead", d: `M${f.edge} ${ends[n].y}L${f.edge + 10} ${ends[n].top + 9}` }),
    s("path", { class: "curve", d: `M${f.edge + 12} ${ends[n].top + 9}h20`, "stroke-dasharray": dash(curve) }),
    s("text", { class: "name", x: f.edge + 38, y: ends[n].top + 13 }, texts[n])));
  const made = picture(data, shown, f, say, names);
  made.prepend(s("title", {}, data.title), s("rect", { class: "ground", width: f.width, height: f.height }));
  host.shadowRoot.append(made);
  for (const one of made.querySelectorAll("text, line, path, circle, rect")) {
    const style = getComputedStyle(one);
    for (const [name, usual] of Object.entries(PAINT)) {
      const value = style.getPropertyValue(name);
      if (value !== usual) one.setAttribute(name, value);
    }
  }
  put(made, { "font-family": getComputedStyle(host).fontFamily, "font-size": SIZE });
  made.remove();
  for (const one of made.querySelectorAll("[class]")) one.removeAttribute("class");
  return new XMLSerializer().serializeToString(made).replace(/[^\t\n\r\u0020-\ufffd]/g, "");
}

class LineChart extends HTMLElement {
  #data = null; // as completed
  #hidden = new Set(); // names of curves
  #at = null; // the x that is pointed at
  #width = 0; // of the last drawing
  #frame = null;
  #say = null;
  #parts = null;
  #names = null;
  #watch = new ResizeObserver(() => this.clientWidth !== this.#width && this.#draw());

  get data() { return this.#data; }
  set data(given) {
    this.#data = complete(given, this.#data);
    if (this.isConnected) this.#draw();
  }

  connectedCallback() {
    const given = this.querySelector(':scope > script[type="application/json"]');
    if (given && !this.#data) this.#data = complete(JSON.parse(given.textContent));
    this.#parts ??= this.#build();
    this.#watch.observe(this);
    this.#draw();
  }

  disconnectedCallback() { this.#watch.disconnect(); }

  #build() {
    const plot = e("div", { class: "plot", role: "slider", tabindex: "0", "aria-valuemin": "0" });
    const tip = e("div", { class: "tip", hidden: "" }), where = e("p", { class: "where" }), legend = e("ul");
    const none = e("p", { class: "none", hidden: "" }), body = e("div", { class: "drawn" }, plot, where, legend);
    const summary = e("summary"), details = e("details", {}, summary), save = e("button", { type: "button" });
    const under = e("div", { class: "under" }, details, save);
    plot.onkeydown = (event) => this.#press(event);
    plot.onfocus = () => plot.matches(":focus-visible") && this.#point(this.#at ?? this.#frame.xs.at(-1));
    plot.onblur = () => this.#point(null);
    plot.onpointermove = plot.onpointerdown = (event) => this.#near(event.clientX);
    plot.onpointerleave = (event) => event.pointerType === "mouse" && this.#point(null);
    details.ontoggle = () => this.#table();
    save.onclick = () => this.#save();
    const root = this.attachShadow({ mode: "open" }); // so that its classes and those of pages do not meet
    root.adoptedStyleSheets = [sheet];
    root.append(none, body, under);
    return { none, tip, plot, where, legend, body, details, summary, save, under };
  }

  // A curve alone has no button to hide it, nor one to bring it back.
  get #shown() {
    const { curves } = this.#data;
    return curves.length < 2 ? curves : curves.filter((one) => !this.#hidden.has(one.name));
  }

  #draw() {
    const { none, plot, body, summary, save, under, where, legend } = this.#parts, data = this.#data;
    this.#width = this.clientWidth;
    if (!data || !this.#width) return;
    const { curves, words } = data, roomy = this.#width >= WIDE;
    body.hidden = under.hidden = !curves.length;
    none.hidden = !body.hidden;
    [none.textContent, summary.textContent, save.textContent] = [words.none, words.table, words.save];
    if (!curves.length) return;
    this.#say = speaker(data, this.closest("[lang]")?.lang);
    body.classList.toggle("wide", roomy);
    where.hidden = roomy;
    legend.hidden = roomy && curves.length < 2; // a heading says what it is
    this.#legend();
    this.#picture(roomy ? 320 : 240);
    put(plot, { "aria-label": data.title || words.kind, "aria-valuemax": this.#frame.xs.length - 1 });
    put(plot, { "aria-roledescription": words.kind, "aria-description": words.keys });
    this.#point(this.#frame.xs.includes(this.#at) ? this.#at : null);
    this.#table();
  }

  // Beside a wide chart the names stand where their curves end.
  #picture(least) {
    const { plot, legend, where, tip } = this.#parts, data = this.#data, shown = this.#shown;
    const beside = where.hidden && !legend.hidden, items = beside ? [...legend.children] : [];
    const sizes = items.map((one) => one.firstChild.offsetHeight), sum = sizes.reduce((a, b) => a + b, 0);
    const size = { width: plot.clientWidth, height: Math.max(least, sum + 16), right: beside ? 18 : 14 };
    const f = this.#frame = framed(data, shown, size, this.#say);
    const height = (n) => clamp(f.y(last(data.curves[n]).value), f.top, f.base);
    const ends = apart(sizes.map((one, n) => ({ y: height(n), size: one })), 0, size.height);
    [...legend.children].forEach((one, n) => one.style.setProperty("margin-top", `${ends[n]?.top ?? 0}px`));
    const leads = data.curves.map((curve, n) => ends[n] && shown.includes(curve) &&
      s("path", { class: "lead", d: `M${f.edge} ${ends[n].y}L${f.width} ${ends[n].top + ends[n].size / 2}` }));
    const made = picture(data, shown, f, this.#say, leads, s("g", { class: "cross" }));
    plot.replaceChildren(put(made, { "aria-hidden": "true" }), tip);
  }

  // Its buttons stay while the names do, so that whoever stands on one stays there.
  #legend() {
    const { legend } = this.#parts, { curves, words } = this.#data;
    const names = JSON.stringify(curves.map(({ name, n }) => [name, n]));
    legend.setAttribute("aria-label", words.curves);
    if (names !== this.#names) legend.replaceChildren(...curves.map((one) => e("li", {}, this.#button(one))));
    this.#names = names;
    this.#values();
  }

  #button({ name, n }) {
    const made = e("button", { type: "button", class: "item", "aria-pressed": String(!this.#hidden.has(name)) },
      swatch({ n }), e("b", {}, name), e("span", { class: "value" }));
    made.onclick = () => {
      const shows = this.#hidden.delete(name);
      if (!shows) this.#hidden.add(name);
      made.setAttribute("aria-pressed", String(shows));
      this.#draw();
    };
    return made;
  }

  #figure(one) {
    const interval = this.#say.interval(one);
    return [this.#say.whole(one.value), interval && [" ", e("small", {}, interval)]];
  }

  // Beside a wide chart stand the last values, below a narrow one those of the place that is pointed at.
  #values() {
    const { legend, where } = this.#parts, { curves } = this.#data, x = this.#at ?? this.#frame?.xs.at(-1);
    curves.forEach((curve, n) => {
      const one = where.hidden ? last(curve) : at(curve, x), value = legend.children[n].querySelector(".value");
      value.replaceChildren();
      put(value, {}, !one ? "–" : where.hidden ? this.#say.whole(one.value) : this.#figure(one));
    });
    if (this.#frame) where.replaceChildren(this.#say.where(x), e("small", {}, this.#marks(x).join(", ")));
  }

  // The names of marks from x on to what comes after it.
  #marks(x) {
    const { xs } = this.#frame, n = xs.indexOf(x), from = n > 0 ? x : -Infinity, to = xs[n + 1] ?? Infinity;
    return this.#data.marks.filter((one) => from <= one.x && one.x < to).map((one) => one.name);
  }

  #near(clientX) {
    const { xs, x } = this.#frame, here = clientX - this.#parts.plot.getBoundingClientRect().left;
    this.#point(xs.reduce((best, one) => (Math.abs(x(one) - here) < Math.abs(x(best) - here) ? one : best)));
  }

  #press(event) {
    const { xs } = this.#frame, now = xs.indexOf(this.#at ?? xs.at(-1));
    const next = { ArrowLeft: now - 1, ArrowRight: now + 1, Home: 0, End: xs.length - 1 }[event.key];
    if (event.key === "Escape") this.#point(null);
    if (next === undefined || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    this.#point(xs[clamp(next, 0, xs.length - 1)]);
  }

  // Shows the values at x, or no longer; screen readers say the text of a slider whenever it is new.
  #point(x) {
    const { plot, tip, where } = this.#parts, f = this.#frame, say = this.#say, here = x ?? f.xs.at(-1);
    this.#at = x;
    const found = this.#shown.map((curve) => ({ curve, one: at(curve, here) })).filter(({ one }) => one);
    const read = [...found.map(({ curve, one }) => `${curve.name} ${say.aloud(one)}`), ...this.#marks(here)];
    put(plot, { "aria-valuenow": f.xs.indexOf(here), "aria-valuetext": `${say.where(here)}: ${read.join("; ")}` });
    plot.querySelector(".cross").replaceChildren(...(x === null ? [] : [
      s("line", { x1: f.x(x), x2: f.x(x), y1: f.top, y2: f.base }),
      ...found.map(({ curve, one }) => s("circle", { class: paint(curve), cx: f.x(x), cy: f.y(one.value), r: 4.5 })),
    ]));
    tip.hidden = x === null || !where.hidden;
    if (!where.hidden) this.#values();
    else if (!tip.hidden) this.#tip(x, found);
  }

  // Beside x, where the curves leave the most room.
  #tip(x, found) {
    const { tip } = this.#parts, { width, height, top, base, x: place, y } = this.#frame, right = place(x) < width / 2;
    tip.replaceChildren(
      e("p", { class: "where" }, this.#say.where(x), e("small", {}, this.#marks(x).join(", "))),
      e("ul", {}, found.map(({ curve, one }) => e("li", { class: "item" },
        swatch(curve), e("b", {}, curve.name), e("span", { class: "value" }, this.#figure(one))))));
    const edges = [top, ...found.map(({ one }) => y(one.value)).sort((a, b) => a - b), base];
    const gaps = edges.slice(1).map((one, n) => ({ size: one - edges[n], middle: (one + edges[n]) / 2 }));
    const best = gaps.reduce((a, b) => (b.size > a.size ? b : a)), tall = tip.offsetHeight;
    tip.style.setProperty("top", `${clamp(best.middle - tall / 2, 0, Math.max(0, height - tall))}px`);
    tip.style.setProperty("left", right ? `${place(x) + 14}px` : "auto");
    tip.style.setProperty("right", right ? "auto" : `${width - place(x) + 14}px`);
  }

  // Made when it is opened: nobody else needs hundreds of cells.
  #table() {
    const { details } = this.#parts, { title, x, curves, marks, words } = this.#data;
    if (!details.open || !curves.length) return;
    const events = marks.length > 0, column = { scope: "col" };
    const cell = (one) => e("td", {}, one ? this.#figure(one) : "–");
    const rows = this.#frame.xs.map((here) => e("tr", {},
      e("th", { scope: "row" }, this.#say.step(here)), curves.map((curve) => cell(at(curve, here))),
      events && e("td", { class: "words" }, this.#marks(here).join(", "))));
    const corner = x.label ? e("th", { scope: "col" }, x.label) : e("td");
    const head = e("tr", {}, corner, curves.map((one) => e("th", column, one.name)),
      events && e("th", { scope: "col", class: "words" }, words.marks));
    const place = details.querySelector(".scroll") ?? e("div", { class: "scroll", tabindex: "0", role: "region" });
    put(place, { "aria-label": `${title}: ${words.table}` });
    place.replaceChildren(e("table", {}, e("caption", {}, title), e("thead", {}, head), e("tbody", {}, rows)));
    if (!place.parentNode) details.append(place);
  }

  #save() {
    const made = new Blob([file(this, this.#data, this.#shown, this.#say)], { type: "image/svg+xml" });
    const address = URL.createObjectURL(made), name = this.#data.title.replace(/[^\p{L}\p{N}]+/gu, "-");
    e("a", { href: address, download: `${name || "chart"}.svg` }).click();
    setTimeout(() => URL.revokeObjectURL(address), 10000);
  }
}

customElements.define("line-chart", LineChart);
