// Decisions that can be taken back for a while: sent when their time is over, or when one leaves.
import { post } from "../api.js";

export const WAIT = 5000;
const AT_ONCE = 4; // requests for one decision on many

// ended(verb, ones, failures) hears what the server said, failures being [{ one, error }];
// over() when nothing can be taken back any more.
export function deciding({ ended, over }) {
  const waiting = [], under = new Set();

  function decide(ones, verb) {
    const given = { ones, verb, timer: setTimeout(() => send(given), WAIT) };
    waiting.push(given);
  }

  function send(given) {
    clearTimeout(given.timer);
    waiting.splice(waiting.indexOf(given), 1);
    if (!waiting.length) over();
    const job = { left: [...given.ones], failures: [] };
    job.tell = () => tell(job, given.verb);
    job.end = Promise.all(Array.from({ length: AT_ONCE }, job.tell)).then(async () => {
      await ended(given.verb, given.ones, job.failures);
      under.delete(job);
      if (!waiting.length && !under.size) dispatchEvent(new Event("feedback"));
    });
    under.add(job);
  }

  // One after the other, until none is left; what is under way goes on when the page is left.
  async function tell(job, verb) {
    const path = (one) => `/api/v1/feedback/${encodeURIComponent(one.id)}/${verb}`;
    for (let one = job.left.shift(); one; one = job.left.shift()) {
      try {
        Object.assign(one, await post(path(one), {}, { keepalive: true }));
      } catch (error) {
        job.failures.push({ one, error });
      }
    }
  }

  // Takes the last one back, which is returned; null where all are sent.
  function undo() {
    const last = waiting.pop() ?? null;
    if (last) clearTimeout(last.timer);
    if (!waiting.length) over();
    return last;
  }

  // Sends all that waits; the promise ends when the server has heard of everything.
  function flush() {
    for (const given of [...waiting]) send(given);
    return Promise.all([...under].map((job) => job.end));
  }

  function leave() {
    flush();
    for (const job of under) for (let n = job.left.length; n; n--) job.tell();
  }

  addEventListener("pagehide", leave);
  document.addEventListener("visibilitychange", () => document.hidden && flush());
  return { decide, undo, flush };
}
