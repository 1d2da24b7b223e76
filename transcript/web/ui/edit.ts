// One line of the transcript under the clerk's hands. What arrives for it from
// the server waits until the edit ends: nothing but the clerk changes the text
// between two of his keys, and an input method composes undisturbed.

import type { Line } from "./api";
import { expandHere } from "./phrases";
import { t } from "./words";

/** The server takes no longer line. */
const longest = 10_000; // characters

const draftOf = (l: Line) => `tj-draft ${l.hearing} ${l.id}`;

/** Where an edit begins: at code points, at a place of the window, or above or below one. */
export type Caret = "end" | { from: number; to: number } | { x: number; y: number } | { x: number; up: boolean };

export interface Ending {
  save: boolean;
  confirm: boolean; // the clerk has said that the line is right as it is now
  text: string;
  move: -1 | 0 | 1; // to the line before or after
  x: number; // of the caret, where it moves
  cut: { way: Cut; at: number } | null; // the line is to be cut at a place, in characters
}

/** Split in two, or words to the line before or after. */
export type Cut = "split" | -1 | 1;

// What cannot be seen has no place in a record, and a line is one line.
const broken = /[\u0000-\u001f\u007f-\u00a0\u2028\u2029]+/g;
const unseen = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/g;

/** A text as a line of the record can hold it. */
export function plain(text: string): string {
  return text.replace(broken, " ").replace(unseen, "");
}

/** What was typed into a line and not saved: the page was closed. */
export function draft(l: Line): string | null {
  return localStorage.getItem(draftOf(l));
}

/** The lines of a hearing that have such a draft. */
export function drafts(hearing: string): Set<string> {
  const prefix = `tj-draft ${hearing} `;
  return new Set(Object.keys(localStorage).filter((k) => k.startsWith(prefix)).map((k) => k.slice(prefix.length)));
}

export class Editor {
  /** Told when an edit ends; text is what the clerk left. */
  onEnd: (line: Line, was: string, end: Ending) => void = () => {};
  onTrouble: (words: string) => void = () => {};

  line: Line | null = null; // as it was when the edit began
  private held: Line | null = null;
  private el: HTMLElement | null = null;
  private was = "";
  private composing = false;
  private timer = 0;

  /** Whether this line is being edited. */
  has(id: string): boolean {
    return this.line?.id === id;
  }

  /** Begins to edit a line in its paragraph; text is what the page shows of it. */
  begin(el: HTMLElement, line: Line, text: string, caret: Caret): void {
    this.end(true);
    this.line = line;
    this.el = el;
    this.was = text;
    el.textContent = draft(line) ?? text;
    try {
      el.contentEditable = "plaintext-only";
    } catch {
      el.contentEditable = "true"; // older browsers: see paste and beforeinput
    }
    el.setAttribute("role", "textbox");
    el.setAttribute("aria-label", t("edit.label", { role: line.role }));
    el.spellcheck = false;
    el.addEventListener("keydown", this.pressed);
    el.addEventListener("beforeinput", this.before);
    el.addEventListener("input", this.typed);
    el.addEventListener("paste", this.pasted);
    el.addEventListener("compositionstart", this.composes);
    el.addEventListener("compositionend", this.composed);
    el.addEventListener("blur", this.left);
    el.focus({ preventScroll: true });
    el.scrollIntoView({ block: "nearest" });
    this.put(caret);
  }

  /** Selects characters of the line, counted as it was when the edit began. */
  select(from: number, to: number): void {
    if (this.el) this.put({ from, to });
  }

  /** Puts a text in the place of what the line says. */
  type(text: string): void {
    if (!this.el) return;
    getSelection()?.selectAllChildren(this.el);
    document.execCommand("insertText", false, text);
  }

  /** Takes a newer state of the line from the server. */
  receive(l: Line): void {
    if (l.change > (this.held ?? this.line)!.change) this.held = l;
    this.adopt();
  }

  /** Whether somebody else has changed the words meanwhile. */
  get outdated(): boolean {
    return this.held !== null;
  }

  /** Ends the edit, if there is one. */
  end(save: boolean, move: -1 | 0 | 1 = 0, confirm = false, way: Cut | null = null): void {
    const { el, line, was } = this;
    if (!el || !line) return;
    const x = move === 0 ? 0 : caretRect(el).left;
    const cut = way === null ? null : { way, at: Array.from(plain(textBefore(el)).trimStart()).length };
    const text = plain(el.textContent ?? "").trim();
    this.el = null; // the blur that follows is ours
    this.line = null;
    window.clearTimeout(this.timer);
    localStorage.removeItem(draftOf(line));
    el.removeAttribute("contenteditable");
    el.removeAttribute("role");
    el.removeAttribute("aria-label");
    el.removeEventListener("keydown", this.pressed);
    el.removeEventListener("beforeinput", this.before);
    el.removeEventListener("input", this.typed);
    el.removeEventListener("paste", this.pasted);
    el.removeEventListener("compositionstart", this.composes);
    el.removeEventListener("compositionend", this.composed);
    el.removeEventListener("blur", this.left);
    this.composing = false;
    const newer = this.held;
    this.held = null;
    this.onEnd(newer && text === was ? newer : line, was, { save, confirm, text, move, x, cut });
  }

  /** A newer state with the same words, of another role, is no conflict: the edit goes on from it. */
  private adopt(): void {
    const { held } = this;
    if (!held || held.text !== this.line?.text) return;
    this.line = held;
    this.held = null;
  }

  private pressed = (e: KeyboardEvent) => {
    if (e.isComposing || e.keyCode === 229 || e.altKey || e.ctrlKey || e.metaKey) return;
    if (e.shiftKey && e.key === "Enter") return; // the desk splits the line
    if (e.key === "Enter") this.end(true, 0, true);
    else if (e.key === "Tab" && !e.shiftKey && this.el && expandHere(this.el)) this.typed();
    else if (e.key === "Escape") this.end(false);
    else if (e.key === "ArrowUp" && this.atEdge(-1)) this.end(true, -1);
    else if (e.key === "ArrowDown" && this.atEdge(1)) this.end(true, 1);
    else return;
    e.preventDefault();
    e.stopPropagation();
  };

  private before = (e: InputEvent) => {
    if (/^(insertParagraph|insertLineBreak|format)/.test(e.inputType)) e.preventDefault();
  };

  private typed = () => {
    window.clearTimeout(this.timer);
    this.timer = window.setTimeout(() => this.keepDraft(), 200);
  };

  private keepDraft(): void {
    if (!this.el || !this.line || this.composing) return;
    try {
      localStorage.setItem(draftOf(this.line), this.el.textContent ?? "");
    } catch {
      // The text is still on the page; saving it will say what is wrong.
    }
  }

  private pasted = (e: ClipboardEvent) => {
    e.preventDefault();
    const text = plain(e.clipboardData?.getData("text/plain") ?? "");
    if (Array.from(text).length + Array.from(this.el?.textContent ?? "").length > longest) {
      this.onTrouble(t("edit.long", { n: longest }));
      return;
    }
    document.execCommand("insertText", false, text); // as one step of the browser's undo
  };

  private composes = () => {
    this.composing = true;
  };

  private composed = () => {
    this.composing = false;
    this.typed();
  };

  private left = () => {
    // Another window is no other place on the page.
    window.setTimeout(() => {
      if (this.el && document.activeElement !== this.el) this.end(true);
    });
  };

  /** Whether the caret is on the first (-1) or last (1) row of a line that wraps. */
  private atEdge(way: -1 | 1): boolean {
    const el = this.el as HTMLElement;
    const caret = caretRect(el);
    const box = el.getBoundingClientRect();
    return way < 0 ? caret.top - box.top < caret.height : box.bottom - caret.bottom < caret.height;
  }

  private put(caret: Caret): void {
    const el = this.el as HTMLElement;
    const text = el.firstChild;
    const selection = getSelection();
    if (!selection) return;
    if (!text || caret === "end") {
      selection.selectAllChildren(el);
      selection.collapseToEnd();
    } else if ("from" in caret) {
      const units = (n: number) => Array.from(text.textContent ?? "").slice(0, n).join("").length;
      selection.setBaseAndExtent(text, units(caret.from), text, units(caret.to));
    } else {
      const box = el.getBoundingClientRect();
      const y = "y" in caret ? caret.y : caret.up ? box.bottom - 8 : box.top + 8;
      const place = document.caretRangeFromPoint?.(caret.x, y);
      if (place && el.contains(place.startContainer)) selection.collapse(place.startContainer, place.startOffset);
      else selection.collapse(text, text.textContent?.length ?? 0);
    }
  }
}

/** What stands before the caret. */
function textBefore(el: HTMLElement): string {
  const selection = getSelection();
  if (!selection || selection.rangeCount === 0) return "";
  const to = selection.getRangeAt(0);
  if (!el.contains(to.startContainer)) return "";
  const range = document.createRange();
  range.selectNodeContents(el);
  range.setEnd(to.startContainer, to.startOffset);
  return range.toString();
}

function caretRect(el: HTMLElement): DOMRect {
  const selection = getSelection();
  const range = selection && selection.rangeCount > 0 ? selection.getRangeAt(0).cloneRange() : null;
  const rects = range?.getClientRects();
  return rects?.[rects.length - 1] ?? el.getBoundingClientRect();
}
