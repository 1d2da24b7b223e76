// How two texts of a line differ, character by character.

export interface Change {
  from: number; // in the old text, code points
  to: number;
  text: string; // what stands there in the new one
}

/** Texts longer than this are told apart by their two ends alone. */
const longest = 1500;

/** The changes that lead from one text to the other, in order. */
export function changes(old: string, now: string): Change[] {
  const a = Array.from(old);
  const b = Array.from(now);
  let head = 0;
  while (head < a.length && head < b.length && a[head] === b[head]) head++;
  let tail = 0;
  while (tail < a.length - head && tail < b.length - head && a[a.length - 1 - tail] === b[b.length - 1 - tail]) tail++;
  const x = a.slice(head, a.length - tail);
  const y = b.slice(head, b.length - tail);
  if (x.length === 0 && y.length === 0) return [];
  if (x.length === 0 || y.length === 0 || x.length > longest || y.length > longest) {
    return [{ from: head, to: head + x.length, text: y.join("") }];
  }
  // Longest common subsequence, from the end, so that it is read forwards.
  const width = y.length + 1;
  const common = new Uint16Array((x.length + 1) * width);
  const at = (i: number, j: number) => common[i * width + j] as number;
  for (let i = x.length - 1; i >= 0; i--) {
    for (let j = y.length - 1; j >= 0; j--) {
      common[i * width + j] = x[i] === y[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
    }
  }
  const found: Change[] = [];
  let i = 0;
  let j = 0;
  while (i < x.length || j < y.length) {
    if (i < x.length && j < y.length && x[i] === y[j]) {
      i++;
      j++;
      continue;
    }
    const c: Change = { from: head + i, to: head + i, text: "" };
    while ((i < x.length || j < y.length) && (i === x.length || j === y.length || x[i] !== y[j])) {
      if (j === y.length || (i < x.length && at(i + 1, j) >= at(i, j + 1))) c.to = head + ++i;
      else c.text += y[j++];
    }
    found.push(c);
  }
  return found;
}

/** Both changes of one text, where they do not touch each other; null where they do. */
export function merge(base: string, mine: string, theirs: string): string | null {
  const all = [...changes(base, mine), ...changes(base, theirs)].sort((a, b) => a.from - b.from || a.to - b.to);
  const text = Array.from(base);
  let out = "";
  let at = 0;
  let last: Change | null = null;
  for (const c of all) {
    if (last && c.from === last.from && c.to === last.to && c.text === last.text) continue; // both made it
    if (last && c.from <= last.to) return null;
    out += text.slice(at, c.from).join("") + c.text;
    at = c.to;
    last = c;
  }
  return out + text.slice(at).join("");
}

/** A text in which what another one does not have is marked with an element of this name. */
export function marked(text: string, other: string, name: "ins" | "del"): DocumentFragment {
  const shown = document.createDocumentFragment();
  const letters = Array.from(text);
  let at = 0;
  for (const c of changes(text, other)) {
    shown.append(letters.slice(at, c.from).join(""));
    if (c.to > c.from) {
      const part = document.createElement(name);
      part.textContent = letters.slice(c.from, c.to).join("");
      shown.append(part);
    }
    at = c.to;
  }
  shown.append(letters.slice(at).join(""));
  return shown;
}
