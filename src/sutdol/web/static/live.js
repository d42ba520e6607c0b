// Server-sent events that come back by themselves, and say when what is shown may be old.
const SILENT = 40000; // the server says something at least every 15 s
const WAITS = [500, 1000, 2000, 4000, 8000];

// follow(url, { event: (kind, body) => {}, state: "live" | "stale" | "over" => {} }) -> a function that ends it.
export function follow(path, { event, state, after = 0 }) {
  let last = after, tries = 0, source = null, timer = null, ended = false, told = null;

  const tell = (word) => { if (word !== told) state?.((told = word)); };
  const heard = () => { clearTimeout(timer); timer = setTimeout(again, SILENT); tries = 0; tell("live"); };
  const end = () => { ended = true; clearTimeout(timer); source?.close(); removeEventListener("online", now); };
  const now = () => { if (!ended && told === "stale") { clearTimeout(timer); open(); } };

  function take(kind, message) {
    heard();
    const number = Number(message.lastEventId);
    if (kind !== "end" && number <= last) return; // it was told before the line broke
    last = number;
    event(kind, JSON.parse(message.data));
    if (kind === "end") { end(); tell("over"); }
  }

  function open() {
    source?.close();
    source = new EventSource(last ? `${path}?after=${last}` : path);
    source.onopen = heard;
    source.onerror = again;
    for (const kind of ["stage", "round", "told", "end"]) source.addEventListener(kind, (message) => take(kind, message));
    clearTimeout(timer);
    timer = setTimeout(again, SILENT);
  }

  function again() {
    if (ended) return;
    source?.close();
    tell("stale");
    clearTimeout(timer);
    timer = setTimeout(open, WAITS[Math.min(tries++, WAITS.length - 1)]);
  }

  addEventListener("online", now);
  open();
  return end;
}
