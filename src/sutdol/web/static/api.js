// The REST API, as pages ask it: one function, one kind of error, words for people.
import { $ } from "./dom.js";
import { t } from "./words.js";

const SAFE = ["GET", "HEAD"];
const token = unmasked($('meta[name="csrf"]')?.content ?? "");
const WHOLE = ["away", "sign_in_failed", "password_wrong"]; // the server's sentence says no more
const LEVELS = ["user", "reviewer", "operator", "admin"];
export const me = { user: $('meta[name="user"]')?.content, role: $('meta[name="role"]')?.content };
export const may = (role) => LEVELS.indexOf(me.role) >= LEVELS.indexOf(role);

// The page holds a mask and the token under it, each half of the text, in hex.
function unmasked(text) {
  const bytes = text.match(/../g)?.map((one) => parseInt(one, 16)) ?? [], half = bytes.length / 2;
  return bytes.slice(half).map((one, index) => (one ^ bytes[index]).toString(16).padStart(2, "0")).join("");
}

export class Failed extends Error {
  constructor(status, error) {
    super(error.message);
    this.status = status;
    this.code = error.code;
    this.param = error.param;
  }
}

// What went wrong in the reader's words; the server's own sentence says the rest.
export function explained(error) {
  const known = {
    sign_in_failed: t("The name or the password is wrong."),
    password_wrong: t("The current password is wrong."),
    rate_limit_exceeded: t("A limit is reached: try again later."),
    no_upstream: t("No model server answers."),
    content_filter: t("The guard blocked this."),
    settled: t("Somebody has decided this already."),
    refused: t("You may not do this."),
    busy: t("Something else is under way: try again in a moment."),
    unavailable: t("The server cannot do this now: try again in a moment."),
    away: t("The server cannot be reached."),
    not_ready: t("Something must happen first."),
    too_large: t("This is too large."),
  };
  const kinds = {
    400: t("This cannot be done like that."),
    404: t("It is not here, or not any more."),
    422: t("A value is not right."),
    429: known.rate_limit_exceeded,
    500: t("Something went wrong in the server."),
    502: t("The model server did not answer as it should."),
    503: known.unavailable,
  };
  const said = known[error.code] ?? kinds[error.status];
  if (!said || document.documentElement.lang === "en") return error.message;
  return WHOLE.includes(error.code) ? said : `${said} (${error.message})`;
}

// The raw answer, for streams; `Failed` when it is no success.
export async function ask(method, path, { body, signal, headers = {}, keepalive = false } = {}) {
  const sent = { ...headers };
  if (body !== undefined) sent["content-type"] = "application/json";
  if (token && !SAFE.includes(method)) sent["x-csrf-token"] = token;
  let answer;
  try {
    answer = await fetch(path, { method, headers: sent, body: body === undefined ? undefined : JSON.stringify(body), signal, keepalive });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Failed(0, { code: "away", message: t("The server cannot be reached.") });
  }
  if (answer.ok) return answer;
  const told = await answer.json().catch(() => ({}));
  if (answer.status === 401 && me.role) location.assign(`/sign-in?next=${encodeURIComponent(location.pathname + location.search + location.hash)}`);
  throw new Failed(answer.status, told.error ?? { message: `HTTP ${answer.status}` });
}

async function json(method, path, how) {
  const answer = await ask(method, path, how);
  return answer.status === 204 ? null : answer.json();
}

export const get = (path, how) => json("GET", path, how);
export const post = (path, body = {}, how = {}) => json("POST", path, { ...how, body });
export const patch = (path, body, how = {}) => json("PATCH", path, { ...how, body });
export const remove = (path, how) => json("DELETE", path, how);

// "/api/v1/battles", { limit: 5, cursor: null } -> "/api/v1/battles?limit=5"
export function url(path, values) {
  const given = Object.entries(values).filter(([, value]) => value != null && value !== "");
  return given.length ? `${path}${path.includes("?") ? "&" : "?"}${new URLSearchParams(given)}` : path;
}
