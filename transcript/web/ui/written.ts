// The form in which lines are shown: as a record writes them, with numbers and
// dates in figures and marks where the engine gave none, or as they were said.
// What is stored is what was said, whichever form a clerk corrects it in.

import type { Line, Written } from "./api";
import { changes } from "./diff";

/** As a record writes it, the same with sums in both forms, and as it was said. */
export const forms = ["written", "both", "spoken"] as const;
export type Form = (typeof forms)[number];

const kept = localStorage.getItem("tj-form");
let current: Form = forms.find((f) => f === kept) ?? "written";

export function form(): Form {
  return current;
}

/** Takes the next form; elements hear "tj-form" on document. */
export function nextForm(): void {
  current = forms[(forms.indexOf(current) + 1) % forms.length] as Form;
  localStorage.setItem("tj-form", current);
  document.dispatchEvent(new Event("tj-form"));
}

/** How the server is asked for the form, with more behind it; "" where there is nothing to ask. */
export function asForm(...more: string[]): string {
  const form = { written: "form=written", both: "form=written&amounts=both", spoken: "" }[current];
  const all = [form, ...more].filter((q) => q !== "").join("&");
  return all === "" ? "" : `?${all}`;
}

/** The text of a line as it is shown. */
export function shownText(l: Line): string {
  return l.written?.text ?? l.text;
}

/** Where places of a line's text, in code points, stand in the text that is shown. */
export function shownPlace(l: Line, [from, to]: readonly [number, number]): [number, number] {
  const spans = l.written?.spans ?? [];
  // A mark before a word stands before it; of a number in figures all is meant.
  const begin = (n: number) => {
    const s = spans.filter((s) => s.spoken_from <= n).pop();
    return !s ? n : n < s.spoken_to ? s.from : s.to + n - s.spoken_to;
  };
  const end = (n: number) => {
    const s = spans.filter((s) => s.spoken_from < n).pop();
    return !s ? n : n <= s.spoken_to ? s.to : s.to + n - s.spoken_to;
  };
  return [begin(from), end(to)];
}

const mark = /^\p{P}+$/u;
const anyMark = /\p{P}/u;
const numeral = /[\d.,%‰〇零一二三四五六七八九十百千万亿两半点]/u;

/**
 * What a text says that was changed in its written form: numbers that nobody
 * touched go back to what was said, and so do the marks that stand for pauses,
 * unless the clerk has touched a mark, or all are to stay.
 */
export function asSaid(w: Written | undefined, now: string, marks = false): string {
  if (!w) return now;
  const text = Array.from(w.text);
  const made = changes(w.text, now);
  const part = ({ from, to }: { from: number; to: number }) => text.slice(from, to).join("");
  const stay = marks || made.some((c) => anyMark.test(c.text + part(c)));
  const back = w.spans.filter((s) => {
    if (s.spoken_from === s.spoken_to && mark.test(part(s))) return !stay;
    // What stands beside a number belongs to it where it is of a number too.
    return !made.some((c) => c.from <= s.to && c.to >= s.from && (c.from < s.to && c.to > s.from || numeral.test(c.text + part(c))));
  }).map((s) => ({ from: s.from, to: s.to, text: s.spoken }));
  let said = "";
  let at = 0;
  for (const c of [...made, ...back].sort((a, b) => a.from - b.from || a.to - b.to)) {
    said += text.slice(at, c.from).join("") + c.text;
    at = c.to;
  }
  return said + text.slice(at).join("");
}
