// The clerk's desk below the transcript: one key for each thing, and a button
// that shows it. The keys work while a line is edited, where they can.

import { review } from "./after";
import { asides } from "./asides";
import { ask, type Hearing, hearingPath, type Line, Problem } from "./api";
import { decide } from "./conflict";
import { request } from "./corrections";
import { sheet } from "./dialog";
import type { Cut } from "./edit";
import { before, choose, revisions } from "./history";
import { forget, keep } from "./kept";
import type { Lines, Row } from "./lines";
import { Marks } from "./marks";
import { Outbox } from "./outbox";
import { choosePhase, type Phase, Phases } from "./phases";
import { editPhrases, expandHere } from "./phrases";
import { alike, replace } from "./replace";
import { type Guess, Offers, suggest } from "./suggest";
import { type Lesson, lesson, vocabulary } from "./teach";
import { join, relocate, shift, split } from "./turns";
import { clock, type Key, t } from "./words";
import { form, nextForm, shownText } from "./written";

const back = 3000; // ms

/** What commands are about, as they stand together on the desk. */
const groups = ["text", "sound", "turns", "notes", "course"] as const;

interface Command {
  group: (typeof groups)[number];
  keys: string[]; // the first is shown; one that types a character works outside an edit only
  word: Key;
  run: (row: Row | undefined) => unknown;
  state?: () => string; // beside the word on its button
  help?: Key; // what it does, where the word alone does not tell
  hidden?: boolean; // no button: it is told in the help alone
}

/** What an undo takes back; one that the server does not have yet as well. */
interface Step {
  line: string; // "": a line by hand without an id yet
  before: Line | null; // null: it was not there
  serial?: number; // of an edit, in the outbox
  hand?: string; // of a line by hand, its key there
  undone?: boolean; // while it was on its way
}

interface Holder {
  role: string;
  speaker: string;
}

/** The people of a hearing, in the order of the digits that stand for them. */
export function holders(h: Hearing): Holder[] {
  const all: Holder[] = [];
  const add = (role: string, speaker: string) => {
    if (!all.some((a) => a.role === role && (a.speaker === speaker || speaker === ""))) all.push({ role, speaker });
  };
  // Whoever takes a seat in mid-hearing does not move the digits of the others.
  for (const s of h.seats) if (!s.from) add(s.role, s.speaker ?? "");
  for (const p of h.participants) {
    const nameless = all.find((a) => a.role === p.role && a.speaker === "");
    if (nameless) nameless.speaker = p.name;
    else add(p.role, p.name);
  }
  for (const s of h.seats) if (s.from) add(s.role, s.speaker ?? "");
  return all.slice(0, 9);
}

/** By then the sound of what was spoken is in the archive. */
const archived = 10_000; // ms

/** <tj-desk> */
export class Desk extends HTMLElement {
  /** Told what has to be said to the clerk; it goes by itself. */
  onTrouble: (words: string) => void = () => {};
  /** The time on the hearing's clock, ms. */
  now: () => number = () => 0;

  private lines!: Lines;
  private outbox!: Outbox;
  private phases!: Phases;
  private marks!: Marks;
  private hearing: Hearing | null = null;
  private done: Step[][] = []; // what an undo takes back, the last at the end
  private unsaved: Step[] = []; // what the server does not have yet, taken back or not
  private groups = new Map<string, Step[]>();
  private left: { line: Line; text: string } | null = null;
  private lesson: Lesson | null = null;
  private readonly commands: Command[] = [
    { group: "text", keys: ["F2", "Enter"], word: "desk.edit", run: (row) => this.lines.edit(row) },
    { group: "text", keys: ["F3"], word: "desk.doubt", run: () => this.doubt() },
    { group: "text", keys: ["Ctrl+i"], word: "desk.take", run: () => void this.take(), hidden: true },
    { group: "text", keys: ["Ctrl+h"], word: "desk.replace", help: "help.replace", run: () => this.replace("") },
    { group: "text", keys: ["Ctrl+z"], word: "desk.undo", run: (row) => void this.undo(row) },
    { group: "text", keys: ["Ctrl+y"], word: "desk.history", run: (row) => void this.history(row) },
    { group: "text", keys: ["Ctrl+u"], word: "desk.asides", help: "help.asides", run: (row) => void this.asides(row) },
    { group: "text", keys: ["F10"], word: "desk.form", help: "help.form", run: nextForm, state: () => t(`form.${form()}`) },
    { group: "sound", keys: ["F4", " "], word: "desk.play", run: (row) => row && this.lines.toggle(row) },
    { group: "sound", keys: ["F6"], word: "desk.back", run: (row) => this.back(row) },
    { group: "sound", keys: ["F7"], word: "desk.slower", help: "help.slower", run: () => this.lines.player.slower(), state: () => `${this.lines.player.rate}×` },
    { group: "sound", keys: ["F8"], word: "desk.louder", help: "help.louder", run: () => this.lines.player.louder(), state: () => `${this.lines.player.gain}×` },
    { group: "sound", keys: ["F9"], word: "desk.alone", help: "help.alone", run: () => this.alone(), state: () => t(this.lines.player.alone ? "desk.alone.seat" : "desk.alone.room") },
    { group: "turns", keys: ["Shift+Enter"], word: "desk.split", help: "help.split", run: () => this.cut("split") },
    { group: "turns", keys: ["Ctrl+j"], word: "desk.join", run: (row) => this.join(row) },
    { group: "turns", keys: ["Alt+ArrowUp"], word: "desk.up", help: "help.up", run: (row) => this.move(row, -1) },
    { group: "turns", keys: ["Alt+ArrowDown"], word: "desk.down", help: "help.down", run: (row) => this.move(row, 1) },
    { group: "notes", keys: ["Ctrl+Enter"], word: "desk.hand", help: "help.hand", run: (row) => this.write(row) },
    { group: "notes", keys: ["Ctrl+k"], word: "desk.phrases", help: "help.phrases", run: (row) => void this.phrases(row) },
    { group: "notes", keys: ["Ctrl+m"], word: "desk.mark", help: "help.mark", run: (row) => this.mark(row) },
    { group: "notes", keys: ["Ctrl+g"], word: "desk.phase", help: "help.phase", run: (row) => void this.phase(row) },
    { group: "course", keys: ["Ctrl+l"], word: "desk.release", help: "help.release", run: (row) => void this.release(row), state: () => t(this.hearing?.screen ? "screen.released" : "screen.live") },
    { group: "course", keys: ["Alt+l"], word: "desk.live", run: () => void this.release(undefined), hidden: true },
    { group: "course", keys: ["Ctrl+e"], word: "desk.correct", help: "help.correct", run: (row) => void this.correct(row) },
    { group: "course", keys: ["Ctrl+s"], word: "desk.after", help: "help.after", run: () => void this.review() },
    { group: "course", keys: ["Ctrl+d"], word: "desk.decide", run: () => void this.decide(), hidden: true },
    { group: "course", keys: ["Ctrl+b"], word: "desk.teach", help: "help.teach", run: () => this.learn(), hidden: true },
    { group: "course", keys: ["F1", "?", "？"], word: "desk.help", run: () => this.help() },
  ];

  /** Takes its place at a transcript. */
  attend(lines: Lines, hearing: string): Outbox {
    this.lines = lines;
    this.outbox = new Outbox(hearing);
    this.outbox.onChange = (id) => {
      if (id === "") lines.wait(this.outbox.written);
      else lines.refresh(id);
      this.count();
    };
    this.outbox.onRevised = (before, serial, group) => this.step({ line: before.id, before, serial }, group);
    this.outbox.onSaved = (line, was, serial, group) => this.saved(line, was, serial, group);
    this.outbox.onStuck = (line) => this.unstep(line);
    this.outbox.onWritten = (key, group) => this.step({ line: "", before: null, hand: key }, group);
    this.outbox.onAdded = (line, key, group) => this.added(line, key, group);
    this.outbox.onFull = () => this.onTrouble(t("edit.full"));
    lines.outbox = this.outbox;
    this.phases = new Phases(hearing);
    this.phases.onChange = (list) => {
      lines.phases(list);
      this.propose();
    };
    this.marks = new Marks(hearing);
    lines.marked = (id) => this.marks.has(id);
    lines.onCut = (line, text, cut) => this.onCut(line, text, cut.way, cut.at);
    lines.editor.onTrouble = (words) => this.onTrouble(words);
    lines.onEdited = () => this.offers.hide();
    // Sound that was only now spoken may not be in the archive yet: it is asked for when it is to be heard.
    lines.onAt = (l) => {
      if (this.now() - l.end_ms > archived) lines.player.prepare(l.channel, l.start_ms, l.end_ms);
    };
    lines.onLeft = (line, text) => {
      this.left = { line, text };
      this.onTrouble(t("edit.left"));
    };
    return this.outbox;
  }

  show(h: Hearing): void {
    if (!this.hearing) keep(this.find<HTMLInputElement>(".hand input"), `${h.id} hand`);
    this.hearing = h;
    this.hidden = h.status === "scheduled" || h.status === "signed";
    const digits = holders(h);
    for (const chip of document.querySelectorAll<HTMLElement>(".seat[data-channel]")) {
      const seat = h.seats.filter((s) => s.channel === chip.dataset["channel"]).pop();
      const n = digits.findIndex((d) => d.role === seat?.role && d.speaker === (seat?.speaker || d.speaker));
      chip.style.setProperty("--digit", n < 0 ? "" : `"${n + 1}"`);
    }
    this.label();
    this.heard();
  }

  /** Lines or decisions have come that may change what is shown beside the text. */
  heard(line?: Line): void {
    // Phases are proposed from what the bench says alone, and end its breaks by what others say.
    if (!line || line.origin === "speech") this.phases.stale();
  }

  connectedCallback(): void {
    this.innerHTML = `<div class="lesson proposal" role="status" hidden><span></span><button type="button" class="yes"></button><button type="button" class="no"></button></div><div class="lesson teach" role="status" hidden><span></span><button type="button" class="look"></button><button type="button" class="shut">✕</button></div>
      <form class="hand" hidden><label><span></span><input maxlength="2000" autocomplete="off"></label></form>
      <div class="keys" role="toolbar" data-t-label="desk"></div>`;
    const keys = this.find(".keys");
    for (const group of groups) {
      const el = document.createElement("div");
      el.setAttribute("role", "group");
      el.dataset["group"] = group;
      keys.append(el);
    }
    for (const [i, c] of this.commands.entries()) {
      if (c.hidden) continue;
      const b = document.createElement("button");
      b.type = "button";
      b.dataset["command"] = String(i);
      b.innerHTML = "<span></span> <i></i> <kbd></kbd>";
      (b.lastElementChild as HTMLElement).textContent = shown(c.keys[0] as string);
      this.find(`[data-group="${c.group}"]`).append(b);
    }
    const waiting = document.createElement("button");
    waiting.type = "button";
    waiting.className = "waits";
    waiting.hidden = true;
    waiting.addEventListener("click", () => void this.decide());
    keys.append(waiting);
    // A button takes no focus from the line that it is about.
    keys.addEventListener("mousedown", (e) => e.preventDefault());
    keys.addEventListener("click", (e) => {
      const c = this.commands[Number((e.target as Element).closest<HTMLElement>("[data-command]")?.dataset["command"] ?? NaN)];
      if (c) this.run(c);
    });
    this.find(".yes").addEventListener("click", () => void this.confirm());
    this.find(".no").addEventListener("click", () => void this.refuse());
    this.find(".look").addEventListener("click", () => this.learn());
    this.find(".shut").addEventListener("click", () => this.offer(null));
    this.find<HTMLFormElement>(".hand").addEventListener("submit", (e) => {
      e.preventDefault();
      this.written();
    });
    this.find(".hand input").addEventListener("keydown", (e) => {
      const k = e as KeyboardEvent;
      if (k.key === "Tab" && !k.shiftKey && !k.isComposing && expandHere(this.find(".hand input"))) k.preventDefault();
      if (k.key === "Escape" && !k.isComposing) this.hand(false);
    });
    this.offers.onTake = (n) => void this.take(n);
    this.offers.attach(this);
    document.addEventListener("keydown", this.pressed);
    document.addEventListener("tj-language", this.label);
    window.addEventListener("online", this.resend);
    this.label();
  }

  disconnectedCallback(): void {
    this.offers.detach();
    document.removeEventListener("keydown", this.pressed);
    document.removeEventListener("tj-language", this.label);
    window.removeEventListener("online", this.resend);
    this.outbox?.stop();
    this.phases?.stop();
  }

  /** The server can be reached again, or may be. */
  resend = () => void this.outbox?.flush();

  private find<E extends HTMLElement = HTMLElement>(selector: string): E {
    return this.querySelector(selector) as E;
  }

  private label = () => {
    for (const b of this.querySelectorAll<HTMLElement>("[data-command]")) {
      const c = this.commands[Number(b.dataset["command"])] as Command;
      (b.children[0] as HTMLElement).textContent = t(c.word);
      if (c.help) b.title = t(c.help);
      (b.children[1] as HTMLElement).textContent = this.outbox ? (c.state?.() ?? "") : "";
    }
    this.find(".keys").setAttribute("aria-label", t("desk"));
    for (const group of groups) this.find(`[data-group="${group}"]`).setAttribute("aria-label", t(`desk.group.${group}`));
    this.find(".shut").setAttribute("aria-label", t("act.shut"));
    this.count();
    this.offer(this.lesson);
  };

  private pressed = (e: KeyboardEvent) => {
    if (e.defaultPrevented || e.isComposing || e.keyCode === 229 || !this.outbox) return;
    const at = e.target as HTMLElement;
    // No dialog is open over a line that is being typed in, and to look for one among 10,000 lines takes a millisecond.
    if (!at.isContentEditable && document.querySelector("dialog[open]")) return;
    if (this.hidden) {
      // What is signed is not changed; its end can be looked at, and its text in the other form.
      const key = combination(e);
      if (this.hearing?.status !== "signed" || (key !== "Ctrl+s" && key !== "F10")) return;
      e.preventDefault();
      if (key === "F10") nextForm();
      else void this.review();
      return;
    }
    const typing = at.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(at.tagName);
    const elsewhere = typing && !at.isContentEditable;
    const key = combination(e);
    if (!elsewhere && /^[1-9]$/.test(key) && this.offers.takes(Number(key))) {
      e.preventDefault();
      void this.take(Number(key) - 1);
      return;
    }
    const seat = e.shiftKey && !elsewhere && (e.altKey || !typing) && !e.ctrlKey && /^Digit([1-9])$/.exec(e.code);
    if (seat) {
      e.preventDefault();
      void this.seat(Number(seat[1]));
      return;
    }
    const digit = /^(Alt\+)?([1-9])$/.exec(e.altKey && /^Digit[1-9]$/.test(e.code) ? `Alt+${e.code.slice(-1)}` : key);
    if (digit && !elsewhere && (digit[1] || !typing)) {
      e.preventDefault();
      this.give(Number(digit[2]));
      return;
    }
    const c = this.commands.find((c) => c.keys.includes(key));
    if (!c) return;
    const types = [...key].length === 1 || key === "Enter";
    if (types && (typing || at.closest("button, a, summary"))) return;
    // Within a field its own undo is meant.
    if (typing && (elsewhere || key === "Ctrl+z" || key === "Ctrl+y" || key === "F2")) return;
    e.preventDefault();
    this.run(c);
  };

  private run(c: Command): void {
    c.run(this.lines.current());
    this.label();
  }

  private back(row: Row | undefined): void {
    const said = row?.line ?? row?.partial;
    if (!this.lines.player.back(back) && said) this.lines.player.play(said.channel, Math.max(said.start_ms, said.end_ms - back), said.end_ms);
  }

  private alone(): void {
    this.lines.player.alone = !this.lines.player.alone;
  }

  /** Gives the line to the person of a digit. */
  /** From this line on somebody else speaks at its seat: lines that were heard and those to come. */
  private async seat(n: number): Promise<void> {
    const h = this.hearing;
    const who = h ? holders(h)[n - 1] : undefined;
    const line = this.lines.current()?.line;
    if (!h || !who || !line?.channel) return; // a note has no seat
    await this.attempt(() => ask<Hearing>(hearingPath(h.id, "/seats"), "POST", { channel: line.channel, role: who.role, speaker: who.speaker, from_ms: line.start_ms }));
  }

  private give(n: number): void {
    const who = this.hearing ? holders(this.hearing)[n - 1] : undefined;
    const line = this.lines.current()?.line;
    if (!who || !line || (line.role === who.role && line.speaker === who.speaker)) return;
    this.outbox.revise(line, { role: who.role, speaker: who.speaker });
  }

  /** Goes to the next doubtful word after the caret, from the first again after the last. */
  private doubt(): void {
    const shown = this.lines.shown();
    const here = this.lines.current();
    const editing = here?.line && this.lines.editor.has(here.line.id);
    const caret = editing ? caretIn(here.el.querySelector("p") as HTMLElement) : -1;
    const start = here ? shown.indexOf(here) : 0;
    for (let i = 0; i <= shown.length; i++) {
      const row = shown[(start + i) % shown.length];
      if (!row?.line) continue;
      // A line that was put right or confirmed a moment ago is no longer in doubt,
      // though the server has not said so yet.
      const waiting = this.outbox.get(row.line.id)?.edit;
      const doubts = waiting?.text !== undefined || waiting?.confirm ? [] : this.lines.doubtsOf(row.line);
      const now = row === here && editing ? Array.from(row.el.querySelector("p")?.textContent ?? "") : null;
      const was = Array.from(shownText(row.line));
      // In the line that is being edited, what was typed over is no longer in
      // doubt, and what stands behind it has moved.
      const moved = now ? now.length - was.length : 0;
      const found = doubts.findIndex(([from, to]) => (i > 0 || from + moved > caret) &&
        (!now || now.slice(from + moved, to + moved).join("") === was.slice(from, to).join("")));
      const word = doubts[found];
      if (!word) {
        if (!this.marks.has(row.line.id) || (row === here && i === 0)) continue;
        this.lines.edit(row); // a line that the clerk has marked
        return;
      }
      if (row === here && editing) {
        // The text may have been changed: what was typed in it stays.
        this.lines.editor.select(word[0] + moved, word[1] + moved);
      } else {
        this.lines.edit(row, { from: word[0], to: word[1] });
      }
      this.think(row.line, row.line.doubts?.[found] ?? word, was.slice(...word).join(""));
      return;
    }
    this.guess = null;
    this.offers.hide();
    this.onTrouble(t("desk.doubt.none"));
  }

  private guess: Promise<Guess> | null = null; // of the word that F3 has found
  private readonly offers = new Offers();

  private think(line: Line, place: [number, number], shown: string): void {
    this.guess = suggest(line, place, shown);
    this.guess.then((g) => {
      if (this.lines.editor.has(g.line)) this.offers.show(g);
    }, () => {}); // an offer that does not come is none
  }

  /** Takes one of what the doubtful word may have been, and goes on to the next. */
  private async take(n = 0): Promise<void> {
    let g: Guess | null = null;
    try {
      g = await this.guess;
    } catch {
      // There is nothing to take then: it was an offer.
    }
    // Only where it still stands selected as it was found.
    if (!g || !this.lines.editor.has(g.line) || getSelection()?.toString() !== g.shown) return;
    const word = g.words[n];
    if (word === undefined) {
      this.onTrouble(t("desk.take.none"));
      return;
    }
    this.offers.hide();
    document.execCommand("insertText", false, word);
    this.doubt();
  }

  // Lines by hand.

  private behind: Row | null = null; // null: now

  private write(row: Row | undefined): void {
    this.lines.editor.end(true);
    const shown = this.lines.shown();
    this.behind = row?.line && row !== shown[shown.length - 1] ? row : null;
    this.hand(true);
  }

  private hand(open: boolean): void {
    const form = this.find(".hand");
    const input = this.find<HTMLInputElement>(".hand input");
    const at = this.behind?.line;
    form.hidden = !open;
    if (!open) {
      const row = this.lines.current();
      if (row) this.lines.focusOn(row);
      return;
    }
    this.find(".hand span").textContent = at ? t("desk.hand.after", { time: clock(at.start_ms) }) : t("desk.hand.now");
    input.value ||= "（）";
    input.focus();
    input.setSelectionRange(1, input.value.length - 1);
  }

  private written(): void {
    const input = this.find<HTMLInputElement>(".hand input");
    const text = input.value.trim();
    if (text === "" || text === "（）") return;
    const at = this.behind?.line;
    this.outbox.add(text, "", at ? at.start_ms + 1 : Math.max(0, Math.round(this.now())));
    input.value = "";
    forget(`${this.hearing?.id} hand`);
    this.hand(false);
  }

  // Going back.

  private saved(line: Line, was: Line, serial: number, group?: string): void {
    this.lines.put(line);
    this.heard(line);
    const waiting = this.unsaved.length;
    this.unsaved = this.unsaved.filter((s) => s.line !== line.id || (s.serial ?? 0) > serial);
    if (this.unsaved.length === waiting) this.step({ line: line.id, before: was }, group); // made on an earlier page
    if (!group && line.text !== was.text) void this.learned(was.text, line.text);
  }

  private added(line: Line, key: string, group?: string): void {
    this.lines.put(line);
    const step = this.unsaved.find((s) => s.hand === key);
    this.unsaved = this.unsaved.filter((s) => s !== step);
    if (!step) {
      this.step({ line: line.id, before: null }, group);
      return;
    }
    step.line = line.id;
    if (step.undone) this.takeBack(step);
  }

  private step(step: Step, group?: string): void {
    if (group?.startsWith("undo")) return;
    if (step.serial !== undefined || step.hand !== undefined) this.unsaved.push(step);
    const together = group ? this.groups.get(group) : undefined;
    if (together) {
      together.push(step);
      return;
    }
    const steps = [step];
    if (group) this.groups.set(group, steps);
    this.done.push(steps);
  }

  /** What the server did not take is no step to go back from: what the clerk decides of it is one. */
  private unstep(line: string): void {
    const gone = this.unsaved.filter((s) => s.line === line);
    this.unsaved = this.unsaved.filter((s) => s.line !== line);
    for (const steps of this.done) steps.splice(0, steps.length, ...steps.filter((s) => !gone.includes(s)));
    this.done = this.done.filter((steps) => steps.length > 0);
  }

  private takeBack(s: Step): void {
    const line = this.lines.row(s.line)?.line;
    if (!line) s.undone = !this.outbox.takeBack(s.hand ?? ""); // on its way: when it is there
    else this.outbox.revise(line, s.before ? { text: s.before.text, role: s.before.role, speaker: s.before.speaker } : { text: "" }, `undo ${Date.now()}`);
  }

  // Lines cut, joined, moved, and marked.

  private cut(way: Cut): void {
    if (this.lines.editor.line) this.lines.editor.end(true, 0, false, way);
    else this.onTrouble(t("desk.cut.where"));
  }

  private onCut(line: Line, text: string, way: Cut, at: number): void {
    const group = `cut ${Date.now()}`;
    if (way === "split") {
      if (split(this.outbox, line, text, at, group)) return;
    } else {
      const row = this.lines.row(line.id);
      const to = row && this.lines.neighbour(row, way)?.line;
      if (to && shift(this.outbox, line, to, { from: text, to: this.lines.joinable(to) }, at, group, way)) return;
    }
    if (text !== this.lines.joinable(line)) this.outbox.revise(line, { text });
    this.onTrouble(t("desk.cut.none"));
  }

  private join(row: Row | undefined): void {
    this.lines.editor.end(true);
    const first = row && this.lines.neighbour(row, -1);
    if (!first?.line || !row?.line) {
      this.onTrouble(t("desk.join.none"));
      return;
    }
    join(this.outbox, first.line, row.line, [this.lines.joinable(first.line), this.lines.joinable(row.line)], `join ${Date.now()}`);
    this.lines.focusOn(first);
  }

  private move(row: Row | undefined, way: -1 | 1): void {
    if (this.lines.editor.line) {
      this.cut(way);
      return;
    }
    const line = row?.line;
    const beyond = row && this.lines.neighbour(row, way)?.line;
    if (!line || !beyond || line.origin !== "hand" || line.channel !== "") {
      this.onTrouble(t("desk.move.none"));
      return;
    }
    relocate(this.outbox, line, this.lines.textOf(line), beyond, way < 0, `move ${Date.now()}`);
  }

  private mark(row: Row | undefined): void {
    if (!row?.line) return;
    this.marks.toggle(row.line.id);
    this.lines.refresh(row.line.id);
  }

  // Phases.

  private propose(): void {
    const p = this.phases.proposal;
    const el = this.find(".proposal");
    el.hidden = !p || this.hidden;
    if (!p) return;
    this.find(".proposal span").textContent = t("phase.ask", { phase: p.phase, time: clock(p.start_ms) });
    this.find(".proposal .yes").textContent = `${t("phase.yes")} ${shown("Ctrl+g")}`;
    this.find(".proposal .no").textContent = t("phase.no");
  }

  /** Confirms what is proposed; with nothing proposed, or a line under the clerk's hands, he says which phase begins with it. */
  private async phase(row: Row | undefined): Promise<void> {
    if (this.phases.proposal && !this.lines.editor.line) {
      await this.confirm();
      return;
    }
    this.lines.editor.end(true);
    if (!row?.line) return;
    const phase = await choosePhase(this.phases, row.line);
    this.lines.focusOn(row);
    if (phase !== null) await this.decidePhase(row.line.id, phase);
  }

  private async confirm(): Promise<void> {
    const p = this.phases.proposal;
    if (p) await this.decidePhase(p.line, p.phase);
  }

  private async refuse(): Promise<void> {
    const p = this.phases.proposal;
    if (p) await this.decidePhase(p.line, "");
  }

  private async decidePhase(line: string, phase: Phase["phase"]): Promise<void> {
    await this.attempt(() => this.phases.decide(line, phase));
  }

  /** Runs a change of the hearing; the clerk is told why it was not made. */
  private async attempt(run: () => Promise<unknown>): Promise<void> {
    try {
      await run();
    } catch (e) {
      if (!(e instanceof Problem)) throw e;
      this.onTrouble(t("failed", { why: e.message }));
    }
  }

  // The parties' screen, and the end of the hearing.

  /** Lets the parties' screen show the lines up to this one; none: everything, as it is spoken. */
  private async release(row: Row | undefined): Promise<void> {
    const h = this.hearing;
    if (!h || (row && !row.line)) return;
    await this.attempt(() => ask<Hearing>(hearingPath(h.id, "/screen"), "POST", row?.line ? { line: row.line.id } : {}));
  }

  private async phrases(row: Row | undefined): Promise<void> {
    this.lines.editor.end(true);
    await editPhrases();
    if (row) this.lines.focusOn(row);
  }

  private async correct(row: Row | undefined): Promise<void> {
    this.lines.editor.end(true);
    const h = this.hearing;
    if (!h || !row?.line) return;
    const made = await request(h, this.lines, row.line);
    this.lines.focusOn(row);
    if (made) this.onTrouble(t("correct.taken", { n: made.id, key: shown("Ctrl+s") }));
  }

  /** Opens what is done when the hearing is over. */
  async review(): Promise<void> {
    this.lines.editor.end(true);
    const h = this.hearing;
    if (!h) return;
    await review(h, this.lines, (id) => this.lines.edit(this.lines.row(id)));
    this.phases.stale();
  }

  private async undo(row: Row | undefined): Promise<void> {
    if (this.left) {
      const { line, text } = this.left;
      this.left = null;
      const to = this.lines.row(line.id);
      if (to) {
        this.lines.edit(to);
        this.lines.editor.type(text);
      }
      return;
    }
    const steps = this.done.pop();
    if (steps) {
      for (const s of steps) this.takeBack(s);
      const first = this.lines.row(steps[0]?.line ?? "");
      if (first) this.lines.focusOn(first);
      return;
    }
    // Nothing of this page: what the line said before, as far back as it goes.
    const line = row?.line;
    if (!line) return;
    try {
      const r = before(await revisions(line));
      if (r) this.outbox.revise(line, { text: r.text, role: r.role, speaker: r.speaker }, `undo ${Date.now()}`);
      else this.onTrouble(t("desk.undo.none"));
    } catch (e) {
      this.onTrouble(t("failed", { why: (e as Error).message }));
    }
  }

  private async history(row: Row | undefined): Promise<void> {
    const line = row?.line;
    if (!row || !line) return;
    try {
      const r = await choose(line);
      const now = row.line;
      if (r && now) this.outbox.revise(now, { text: r.text, role: r.role, speaker: r.speaker });
    } catch (e) {
      this.onTrouble(t("failed", { why: (e as Error).message }));
    }
    this.lines.focusOn(row);
  }

  private async asides(row: Row | undefined): Promise<void> {
    const h = this.hearing;
    if (!h) return;
    this.lines.editor.end(true);
    try {
      await asides(h, this.lines, (line) => this.done.push([{ line: line.id, before: { ...line, text: "" } }]));
    } catch (e) {
      this.onTrouble(t("failed", { why: (e as Error).message }));
    }
    if (row) this.lines.focusOn(row);
  }

  private async decide(): Promise<void> {
    this.lines.editor.end(true);
    for (const p of this.outbox.conflicts()) await decide(this.outbox, p);
    // What was refused comes back under the clerk's hands, with his words.
    const refused = this.outbox.refused();
    if (refused) this.lines.edit(this.lines.row(refused.line));
    const hand = refused ? undefined : this.outbox.takeRefused();
    if (!hand) return;
    this.onTrouble(t("edit.refused", { why: hand.refused ?? "" }));
    this.find<HTMLInputElement>(".hand input").value = hand.text;
    this.hand(true);
  }

  // A correction teaches.

  private async learned(was: string, now: string): Promise<void> {
    const h = this.hearing;
    const pair = h && lesson(was, now, vocabulary(h));
    if (!h || !pair) return;
    let found;
    try {
      found = await alike(h.id, pair.wrong, pair.right);
    } catch {
      return; // it was an offer
    }
    if (found.sound !== "same" && found.sound !== "similar") return;
    if (found.places.length === 0 && vocabulary(h).includes(pair.right)) return; // known, and nowhere else
    this.offer({ ...pair, alike: found });
  }

  private offer(l: Lesson | null): void {
    this.lesson = l;
    const el = this.find(".teach");
    el.hidden = !l;
    if (!l) return;
    const elsewhere = l.alike.places.length > 0;
    this.find(".teach span").textContent = t(elsewhere ? "teach.places" : "teach.word", { wrong: l.wrong, right: l.right, n: l.alike.places.length });
    this.find(".look").textContent = `${t(elsewhere ? "desk.teach" : "replace.teach")} ${shown("Ctrl+b")}`;
  }

  private learn(): void {
    const l = this.lesson;
    if (!l) return;
    this.offer(null);
    this.replace(l.wrong, l.right, true);
  }

  private replace(wrong: string, right = "", learn = false): void {
    const h = this.hearing;
    if (!h) return;
    this.lines.editor.end(true);
    const row = this.lines.current();
    void replace(h.id, this.lines, this.outbox, { wrong, right, learn }, this.onTrouble).then(() => row && this.lines.focusOn(row));
  }

  private count(): void {
    if (!this.outbox) return;
    const el = this.find<HTMLButtonElement>(".waits");
    const decisions = this.outbox.decisions;
    el.hidden = this.outbox.size === 0;
    el.disabled = decisions === 0;
    el.textContent = decisions > 0 ? `${t("desk.decisions", { n: decisions })} ${shown("Ctrl+d")}` : t("desk.waiting", { n: this.outbox.size });
  }

  private help(): void {
    this.lines.editor.end(true);
    const { body } = sheet(t("help"), "help");
    const table = (title: string) => {
      const section = document.createElement("section");
      const h = document.createElement("h3");
      h.textContent = title;
      const rows = document.createElement("table");
      section.append(h, rows);
      body.append(section);
      return (keys: string[], words: string) => {
        const tr = rows.insertRow();
        const th = document.createElement("th");
        for (const k of keys) {
          const kbd = document.createElement("kbd");
          kbd.textContent = k;
          th.append(kbd, " ");
        }
        tr.append(th);
        tr.insertCell().textContent = words;
      };
    };
    for (const group of groups) {
      const row = table(t(`desk.group.${group}`));
      if (group === "text") row(["↑", "↓"], t("help.move"));
      for (const c of this.commands) {
        if (c.group === group) row(c.keys.filter((k) => k !== "？").map(shown), t(c.help ?? c.word));
      }
      if (group !== "text") continue;
      row(["1", "…", "5"], t("help.offers"));
      row(["Enter"], t("help.save"));
      row(["Esc"], t("help.leave"));
    }
    const row = table(t("help.roles"));
    for (const [i, who] of (this.hearing ? holders(this.hearing) : []).entries()) {
      row([String(i + 1), `Alt+${i + 1}`], t("help.role", { role: `${who.role}${who.speaker ? `（${who.speaker}）` : ""}` }));
    }
    row(["Shift+1", "Alt+Shift+1"], t("help.seat"));
    const more = document.createElement("p");
    more.textContent = t("help.more");
    body.append(more);
  }
}
customElements.define("tj-desk", Desk);

function combination(e: KeyboardEvent): string {
  const key = e.key.length === 1 ? e.key.toLowerCase() : e.key;
  return `${e.ctrlKey || e.metaKey ? "Ctrl+" : ""}${e.altKey ? "Alt+" : ""}${e.shiftKey && e.key.length > 1 ? "Shift+" : ""}${key}`;
}

function shown(key: string): string {
  if (key === " ") return t("key.space");
  key = key.replace("ArrowUp", "↑").replace("ArrowDown", "↓");
  return key.replace(/\+(.)$/, (_, letter: string) => `+${letter.toUpperCase()}`);
}

/** Where the selection begins in an element, in code points. */
function caretIn(el: HTMLElement): number {
  const selection = getSelection();
  if (!selection || selection.rangeCount === 0) return -1;
  const to = selection.getRangeAt(0);
  const range = document.createRange();
  range.selectNodeContents(el);
  range.setEnd(to.startContainer, to.startOffset);
  return Array.from(range.toString()).length;
}
