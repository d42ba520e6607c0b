// What was changed from one text to another, word by word: what stayed, what went, what came.
const MOST = 4000000; // pairs of words that are compared; beyond that, lines are

// changes("a b", "a x") -> [{ kind: "same", text: "a " }, { kind: "gone", text: "b" }, { kind: "new", text: "x" }]
export function changes(before, after) {
  const a = words(before), b = words(after);
  const [from, to] = a.length * b.length > MOST ? [lines(before), lines(after)] : [a, b];
  return joined(compared(from, to));
}

// Words keep the space behind them, and are the same whatever that is.
const words = (text) => text.normalize("NFC").match(/\S+\s*|^\s+/g) ?? [];
const lines = (text) => text.normalize("NFC").match(/[^\n]*\n|[^\n]+$/g) ?? [];
const same = (one, other) => one.trim() === other.trim();

function compared(a, b) {
  let head = 0, tail = 0;
  while (head < a.length && head < b.length && same(a[head], b[head])) head++;
  while (tail < a.length - head && tail < b.length - head && same(a.at(-1 - tail), b.at(-1 - tail))) tail++;
  const kept = (parts) => parts.map((text) => ({ kind: "same", text }));
  return [
    ...kept(b.slice(0, head)),
    ...between(a.slice(head, a.length - tail), b.slice(head, b.length - tail)),
    ...kept(b.slice(b.length - tail)),
  ];
}

// The longest common subsequence; `best[i][j]` is its length from there on.
function between(a, b) {
  if (a.length * b.length > MOST) return [...a.map(gone), ...b.map(come)];
  const best = Array.from({ length: a.length + 1 }, () => new Uint16Array(b.length + 1));
  for (let i = a.length - 1; i >= 0; i--)
    for (let j = b.length - 1; j >= 0; j--)
      best[i][j] = same(a[i], b[j]) ? best[i + 1][j + 1] + 1 : Math.max(best[i + 1][j], best[i][j + 1]);
  const found = [];
  let i = 0, j = 0;
  while (i < a.length && j < b.length) {
    if (same(a[i], b[j])) found.push({ kind: "same", text: b[j] }), i++, j++;
    else if (best[i + 1][j] >= best[i][j + 1]) found.push(gone(a[i++]));
    else found.push(come(b[j++]));
  }
  return [...found, ...a.slice(i).map(gone), ...b.slice(j).map(come)];
}

const gone = (text) => ({ kind: "gone", text });
const come = (text) => ({ kind: "new", text });

// Neighbours of a kind are one; of what was replaced, the old comes first.
function joined(parts) {
  const found = [];
  let old = "", fresh = "";
  const end = () => {
    if (old) found.push(gone(old));
    if (fresh) found.push(come(fresh));
    old = fresh = "";
  };
  for (const { kind, text } of parts) {
    if (kind === "gone") old += text;
    else if (kind === "new") fresh += text;
    else {
      end();
      if (found.at(-1)?.kind === "same") found.at(-1).text += text;
      else found.push({ kind, text });
    }
  }
  end();
  return found;
}
