// Texts, numbers and times in the language of the page. English is what stands in the code.
export const language = document.documentElement.lang;
const { words } = document.documentElement.dataset; // where the Korean of this page stands
const korean = words ? (await import(words)).default : {};
const plain = new Intl.NumberFormat(language);
const moments = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" });
const days = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeZone: "UTC" });
const monthDays = new Intl.DateTimeFormat(language, { month: "short", day: "numeric", timeZone: "UTC" });
const ago = new Intl.RelativeTimeFormat(language, { numeric: "auto" });

// The Korean of a module that a page imports later: to be awaited before the module is imported.
export async function learn(module) {
  if (words) Object.assign(korean, (await import(`./ko/${module}`)).default);
}

// Before a | stands the form for one: "{n} round|{n} rounds" with { n: 3 }. Korean has one form.
export function t(english, values = {}) {
  const text = korean[english] ?? english;
  const forms = values.n === undefined ? [text] : text.split("|");
  const said = forms.length > 1 && values.n !== 1 ? forms[1] : forms[0];
  return said.replace(/\{(\w+)\}/g, (whole, name) => {
    const value = values[name];
    return value === undefined ? whole : typeof value === "number" ? plain.format(value) : String(value);
  });
}

export const number = (value, digits) =>
  value == null ? "–" : digits === undefined ? plain.format(value)
    : value.toLocaleString(language, { minimumFractionDigits: digits, maximumFractionDigits: digits });

// A share between 0 and 1 as "81.4 %".
export const percent = (share, digits = 1) => (share == null ? "–" : `${number(100 * share, digits)} %`);

// A difference of two shares in points: "+2.1".
export const points = (share, digits = 1) =>
  share == null ? "–" : `${share > 0 ? "+" : share < 0 ? "−" : "±"}${number(Math.abs(100 * share), digits)}`;

// A figure with its interval, {value, low, high, n}: "81.4 % [79.0, 83.6]".
export const interval = (figure, digits = 1) =>
  figure?.value == null ? t("not measured")
    : `${percent(figure.value, digits)} [${number(100 * figure.low, digits)}, ${number(100 * figure.high, digits)}]`;

export const moment = (iso) => (iso ? moments.format(new Date(iso)) : "–");
export const day = (iso) => days.format(new Date(iso));
export const monthDay = (iso) => monthDays.format(new Date(iso));

const SPANS = [["year", 31536000], ["month", 2592000], ["week", 604800], ["day", 86400], ["hour", 3600], ["minute", 60]];
export function since(iso, now = Date.now()) {
  const seconds = (new Date(iso) - now) / 1000;
  for (const [unit, size] of SPANS) if (Math.abs(seconds) >= size) return ago.format(Math.round(seconds / size), unit);
  return t("just now");
}
