// Keys and usage: who may ask this server, and what they asked for.
import { get, may } from "../api.js";
import { $, fill } from "../dom.js";
import { keyList } from "./list.js";
import { shownOnce } from "./made.js";
import { newKey } from "./new.js";
import { parts } from "../parts.js";
import { failed } from "../talk.js";
import { learn } from "../words.js";

const make = $("#new-key");
let people = [];

async function begin() {
  const made = await newKey(people.filter((one) => !one.disabled_at));
  if (!made) return;
  fill($("#made"), shownOnce(made, make));
  $("#made h3").focus();
  await list.load().catch(failed);
}

const list = keyList(begin);
make.onclick = begin;

async function keys() {
  const asked = may("admin") ? get("/api/v1/users") : { data: [] };
  [{ data: people }] = await Promise.all([asked, list.load()]);
  fill($("#keys"), list.element);
}

// The chart is loaded when it is wanted.
async function usage() {
  await learn("keys/usage.js");
  await (await import("./usage.js")).usage();
}

parts({ keys, usage }, (part) => { make.hidden = part !== "keys"; });
