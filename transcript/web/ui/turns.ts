// Lines cut in two, joined, and moved. A line of speech keeps its place on the
// hearing's clock, and what was heard there; what is cut off becomes a line of
// its own, with the sound that it came from.

import type { Line } from "./api";
import type { Outbox } from "./outbox";

/** Where a place of a text was spoken, ms: by its share of the line. */
function spokenAt(l: Line, text: string, at: number): number {
  const all = Array.from(text).length;
  return all === 0 ? l.start_ms : Math.round(l.start_ms + ((l.end_ms - l.start_ms) * at) / all);
}

/** Cuts a line at a place, in characters; text is what it says now. */
export function split(outbox: Outbox, l: Line, text: string, at: number, group: string): boolean {
  const letters = Array.from(text);
  // A comma where a line ends, or begins, is a full stop.
  let tail = letters.slice(at).join("").trim();
  const before = /^[，；]/.test(tail);
  if (before) tail = tail.slice(1);
  const head = letters.slice(0, at).join("").trim().replace(before ? /$/ : /[，；]$/, "。");
  if (head === "" || tail === "") return false;
  const from = Math.max(l.start_ms + 1, spokenAt(l, text, at));
  // The new line first: words are never nowhere.
  outbox.add(tail, l.role, from, { speaker: l.speaker, channel: l.channel, end_ms: Math.max(from, l.end_ms) }, group);
  outbox.revise(l, { text: head }, group);
  return true;
}

/** Joins a line to the one before it. */
export function join(outbox: Outbox, first: Line, second: Line, texts: [string, string], group: string): void {
  const mark = /[。？！；，、：…）》”’]$/.test(texts[0]) || texts[0] === "" ? "" : "，";
  outbox.revise(first, { text: texts[0] + mark + texts[1] }, group);
  outbox.revise(second, { text: "" }, group);
}

/** Moves a line by hand to the other side of its neighbour. */
export function relocate(outbox: Outbox, l: Line, text: string, beyond: Line, up: boolean, group: string): void {
  outbox.add(text, l.role, Math.max(0, beyond.start_ms + (up ? -1 : 1)), { speaker: l.speaker, channel: "", end_ms: Math.max(0, beyond.start_ms + (up ? -1 : 1)) }, group);
  outbox.revise(l, { text: "" }, group);
}

/** Moves words over the border between two lines that follow one another; cut is a place in the one that gives. */
export function shift(outbox: Outbox, from: Line, to: Line, texts: { from: string; to: string }, cut: number, group: string, way: -1 | 1): boolean {
  const letters = Array.from(texts.from);
  const up = way < 0;
  const moved = (up ? letters.slice(0, cut) : letters.slice(cut)).join("").trim();
  const rest = (up ? letters.slice(cut) : letters.slice(0, cut)).join("").trim();
  if (moved === "") return false;
  outbox.revise(to, { text: up ? texts.to + moved : moved + texts.to }, group);
  outbox.revise(from, { text: rest }, group);
  return true;
}
