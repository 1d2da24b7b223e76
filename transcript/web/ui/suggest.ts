// What a doubtful word may have been, as the server thinks by its sound: a list
// below the word, of which one is taken by its digit, as an input method has it.

import { ask, hearingPath, type Line } from "./api";
import { t } from "./words";

export interface Guess {
  line: string; // id
  shown: string; // the word as the page shows it
  words: string[]; // the likeliest first; none: nothing sounds like it
}

/** Asks for a place of a line, in characters; shown is how the page shows what stands there. */
export async function suggest(line: Line, [from, to]: [number, number], shown: string): Promise<Guess> {
  const letters = Array.from(line.text);
  const heard = letters.slice(from, to).join("");
  const near = 10; // characters around it that may tell
  const found = await ask<{ words: string[] }>(hearingPath(line.hearing, "/suggest"), "POST", {
    heard, before: letters.slice(Math.max(0, from - near), from).join(""), after: letters.slice(to, to + near).join(""),
  });
  return { line: line.id, shown, words: found.words };
}

/** Whether a word still stands selected as it was found. */
function stands(g: Guess): boolean {
  return getSelection()?.toString() === g.shown;
}

/** Offers is the list. It goes when the word is no longer selected. */
export class Offers {
  /** Told which one was clicked. */
  onTake: (n: number) => void = () => {};

  private readonly el = document.createElement("div");
  private guess: Guess | null = null;

  constructor() {
    this.el.className = "offers";
    this.el.hidden = true;
    this.el.setAttribute("role", "status");
    this.el.addEventListener("mousedown", (e) => e.preventDefault()); // the word stays selected
    this.el.addEventListener("click", (e) => {
      const n = (e.target as Element).closest<HTMLElement>("button")?.dataset["n"];
      if (n) this.onTake(Number(n));
    });
  }

  attach(to: HTMLElement): void {
    to.append(this.el);
    document.addEventListener("selectionchange", this.moved);
    document.addEventListener("scroll", this.place, { capture: true, passive: true });
    window.addEventListener("resize", this.place);
  }

  detach(): void {
    document.removeEventListener("selectionchange", this.moved);
    document.removeEventListener("scroll", this.place, { capture: true });
    window.removeEventListener("resize", this.place);
  }

  /** Shows what a word may have been, where it is still selected. */
  show(g: Guess): void {
    if (!stands(g)) return;
    this.guess = g;
    this.el.replaceChildren(...g.words.map((word, i) => {
      const b = document.createElement("button");
      const digit = document.createElement("kbd");
      b.type = "button";
      b.tabIndex = -1; // its digit is its key
      b.dataset["n"] = String(i);
      digit.textContent = String(i + 1);
      b.append(digit, ` ${word}`);
      return b;
    }));
    if (g.words.length === 0) this.el.textContent = t("desk.take.none");
    this.el.hidden = false;
    this.place();
  }

  hide(): void {
    this.guess = null;
    this.el.hidden = true;
  }

  /** Whether a digit takes one of the list now. */
  takes(digit: number): boolean {
    return this.guess !== null && digit <= this.guess.words.length && stands(this.guess);
  }

  private moved = () => {
    if (this.guess && !stands(this.guess)) this.hide();
  };

  private place = () => {
    const selection = getSelection();
    if (!this.guess || !selection?.rangeCount) return;
    const rects = selection.getRangeAt(0).getClientRects();
    const word = rects[rects.length - 1];
    if (!word) return;
    const { width, height } = this.el.getBoundingClientRect();
    const below = word.bottom + 6;
    this.el.style.left = `${Math.max(4, Math.min(word.left - 10, innerWidth - width - 4))}px`;
    this.el.style.top = `${below + height < innerHeight - 4 ? below : word.top - height - 6}px`;
  };
}
