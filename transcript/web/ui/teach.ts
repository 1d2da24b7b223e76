// A correction teaches: what was corrected in one line was perhaps misheard in
// others too, and will be again.

import type { Alike, Hearing } from "./api";
import { changes } from "./diff";

const han = /^\p{Script=Han}+$/u;
/** A word that is put right is not longer. */
const longest = 10; // characters
/** Characters that names and terms seldom hold: a word ends at them. */
const loose = "的了是在和与及对向把被由我你他她它们这那有不也就都很说去来到给让请又还";

export interface Lesson {
  wrong: string;
  right: string;
  alike: Alike;
}

/**
 * The word that a correction has put right, with what stood there before; null
 * where more than one word was changed. A single character is read with those
 * before it: what is put right is most often a name. known are the names and
 * terms of the hearing.
 */
export function lesson(before: string, after: string, known: string[]): { wrong: string; right: string } | null {
  const found = changes(before, after);
  const c = found[0];
  if (!c || found.length > 2) return null;
  const old = Array.from(before);
  const now = Array.from(after);
  const last = found[found.length - 1] as typeof c;
  if (last.from - c.to > 2) return null; // two words
  let from = c.from;
  let to = last.to; // of before
  let end = now.length - (old.length - last.to); // of after
  if (to === from || end === from) return null; // only added, or only taken out
  const name = known.filter((k) => Array.from(k).length > 1).map((k) => {
    const text = Array.from(k);
    for (let i = Math.max(0, end - text.length); i <= from; i++) {
      if (now.slice(i, i + text.length).join("") === k) return [i, i + text.length] as const;
    }
    return null;
  }).find((place) => place !== null);
  if (name) {
    to += name[1] - end;
    [from, end] = name;
  } else {
    for (let more = end - from === 1 ? 2 : end - from === 2 ? 1 : 0; more > 0 && from > 0; more--) {
      const letter = now[from - 1] as string;
      if (!han.test(letter) || loose.includes(letter)) break;
      from--;
    }
  }
  const wrong = old.slice(from, to).join("");
  const right = now.slice(from, end).join("");
  if (!han.test(wrong) || !han.test(right) || wrong === right || Array.from(right).length > longest) return null;
  return { wrong, right };
}

/** The names and terms that the hearing knows. */
export function vocabulary(h: Hearing): string[] {
  return [...h.participants.map((p) => p.name), ...h.seats.map((s) => s.speaker ?? ""), ...h.hotwords].filter((w) => w !== "");
}
