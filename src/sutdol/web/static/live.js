// Server-sent events that come back by themselves, and say when what is shown may be old.
import { ask, url } from "./api.js";

const SILENT = 40000; // the server says something at least every 15 s
const WAITS = [500, 1000, 2000, 4000, 8000];
const FINAL = [403, 404, 409, 422]; // to ask again would not help

// follow(url, { event: (kind, body) => {}, state: "live" | "stale" | "over" => {} }) -> a function that ends it.
// Not by EventSource: it hides signs of life and what a refusal says.
export function follow(path, { event, state, after = 0 }) {
  let last = after, tries = 0, line = null, timer = null, ended = false, told = null;

  const tell = (word) => { if (word !== told) state?.((told = word)); };
  const wait = (deed, long) => { clearTimeout(timer); timer = setTimeout(deed, long); };
  const heard = () => { tries = 0; wait(cut, SILENT); tell("live"); };
  const cut = () => line?.abort();
  const now = () => { if (!ended && told === "stale") open(); };
  const end = () => { ended = true; clearTimeout(timer); cut(); removeEventListener("online", now); };

  function take(kind, number, body) {
    if (ended || (kind !== "end" && number <= last)) return; // it was told before the line broke
    last = number;
    try { event(kind, body); } catch (error) { reportError(error); } // a mistake of ours is no cut line
    if (kind === "end") { end(); tell("over"); }
  }

  async function open() {
    cut();
    const mine = (line = new AbortController());
    wait(cut, SILENT);
    try {
      const answer = await ask("GET", url(path, { after: last || null }), { signal: mine.signal });
      for await (const one of messages(answer.body, heard)) take(...one);
    } catch (error) {
      const none = { state: "forgotten", result: null, error: error.message };
      if (!ended && FINAL.includes(error.status)) take("end", last, none);
    }
    if (ended || line !== mine) return;
    tell("stale");
    wait(open, WAITS[Math.min(tries++, WAITS.length - 1)]);
  }

  addEventListener("online", now);
  open();
  return end;
}

const field = (line) => [line.split(":", 1)[0], line.slice(line.indexOf(":") + 1).trim()];

// The events of a stream as [kind, number, body]; `heard` is called for whatever comes.
async function* messages(stream, heard) {
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  heard();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    heard();
    const blocks = (rest + value).split("\n\n");
    rest = blocks.pop();
    for (const block of blocks) {
      const fields = Object.fromEntries(block.split("\n").map(field));
      if (fields.data) yield [fields.event, Number(fields.id), JSON.parse(fields.data)];
    }
  }
}
