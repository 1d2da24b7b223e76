// The clerk's desk below the transcript: one key for each thing, and a button
// that shows it. The keys work while a line is edited, where they can.

import type { Hearing, Line } from "./api";
import { decide } from "./conflict";
import { sheet } from "./dialog";
import { before, choose, revisions } from "./history";
import type { Lines, Row } from "./lines";
import { Outbox } from "./outbox";
import { alike, replace } from "./replace";
import { type Lesson, lesson, vocabulary } from "./teach";
import { clock, type Key, t } from "./words";

const back = 3000; // ms

interface Command {
  keys: string[]; // the first is shown; one that types a character works outside an edit only
  word: Key;
  run: (row: Row | undefined) => unknown;
  state?: () => string; // beside the word on its button
  hidden?: boolean; // no button: it is told in the help alone
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
  for (const s of h.seats) add(s.role, s.speaker ?? "");
  for (const p of h.participants) {
    const nameless = all.find((a) => a.role === p.role && a.speaker === "");
    if (nameless) nameless.speaker = p.name;
    else add(p.role, p.name);
  }
  return all.slice(0, 9);
}

/** <tj-desk> */
export class Desk extends HTMLElement {
  /** Told what has to be said to the clerk; it goes by itself. */
  onTrouble: (words: string) => void = () => {};
  /** The time on the hearing's clock, ms. */
  now: () => number = () => 0;

  private lines!: Lines;
  private outbox!: Outbox;
  private hearing: Hearing | null = null;
  private done: { line: string; before: Line }[][] = []; // what an undo takes back, the last at the end
  private groups = new Map<string, { line: string; before: Line }[]>();
  private left: { line: Line; text: string } | null = null;
  private lesson: Lesson | null = null;
  private readonly commands: Command[] = [
    { keys: ["F2", "Enter"], word: "desk.edit", run: (row) => this.lines.edit(row) },
    { keys: ["F4", " "], word: "desk.play", run: (row) => row && this.lines.toggle(row) },
    { keys: ["F6"], word: "desk.back", run: (row) => this.back(row) },
    { keys: ["F7"], word: "desk.slower", run: () => this.lines.player.slower(), state: () => `${this.lines.player.rate}×` },
    { keys: ["F8"], word: "desk.louder", run: () => this.lines.player.louder(), state: () => `${this.lines.player.gain}×` },
    { keys: ["F9"], word: "desk.alone", run: () => this.alone(), state: () => t(this.lines.player.alone ? "desk.alone.seat" : "desk.alone.room") },
    { keys: ["F3"], word: "desk.doubt", run: () => this.doubt() },
    { keys: ["Ctrl+Enter"], word: "desk.hand", run: (row) => this.write(row) },
    { keys: ["Ctrl+h"], word: "desk.replace", run: () => this.replace("") },
    { keys: ["Ctrl+z"], word: "desk.undo", run: (row) => void this.undo(row) },
    { keys: ["Ctrl+y"], word: "desk.history", run: (row) => void this.history(row) },
    { keys: ["Ctrl+d"], word: "desk.decide", run: () => void this.decide(), hidden: true },
    { keys: ["Ctrl+b"], word: "desk.teach", run: () => this.learn(), hidden: true },
    { keys: ["F1", "?", "？"], word: "desk.help", run: () => this.help() },
  ];

  /** Takes its place at a transcript. */
  attend(lines: Lines, hearing: string): Outbox {
    this.lines = lines;
    this.outbox = new Outbox(hearing);
    this.outbox.onChange = (id) => {
      lines.refresh(id);
      this.count();
    };
    this.outbox.onSaved = (line, was, group) => this.saved(line, was, group);
    this.outbox.onAdded = (line) => lines.put(line);
    this.outbox.onFull = () => this.onTrouble(t("edit.full"));
    lines.outbox = this.outbox;
    lines.editor.onTrouble = (words) => this.onTrouble(words);
    lines.onLeft = (line, text) => {
      this.left = { line, text };
      this.onTrouble(t("edit.left"));
    };
    return this.outbox;
  }

  show(h: Hearing): void {
    this.hearing = h;
    this.hidden = h.status === "scheduled" || h.status === "signed";
    const digits = holders(h);
    for (const chip of document.querySelectorAll<HTMLElement>(".seat[data-channel]")) {
      const seat = h.seats.filter((s) => s.channel === chip.dataset["channel"]).pop();
      const n = digits.findIndex((d) => d.role === seat?.role && d.speaker === (seat?.speaker || d.speaker));
      chip.style.setProperty("--digit", n < 0 ? "" : `"${n + 1}"`);
    }
    this.count();
  }

  connectedCallback(): void {
    this.innerHTML = `<div class="lesson" role="status" hidden><span></span><button type="button" class="look"></button><button type="button" class="shut">✕</button></div>
      <form class="hand" hidden><label><span></span><input maxlength="2000" autocomplete="off"></label></form>
      <div class="keys" role="toolbar" data-t-label="desk"></div>`;
    const keys = this.find(".keys");
    for (const [i, c] of this.commands.entries()) {
      if (c.hidden) continue;
      const b = document.createElement("button");
      b.type = "button";
      b.dataset["command"] = String(i);
      b.innerHTML = "<span></span> <i></i> <kbd></kbd>";
      (b.lastElementChild as HTMLElement).textContent = shown(c.keys[0] as string);
      keys.append(b);
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
    this.find(".look").addEventListener("click", () => this.learn());
    this.find(".shut").addEventListener("click", () => this.offer(null));
    this.find<HTMLFormElement>(".hand").addEventListener("submit", (e) => {
      e.preventDefault();
      this.written();
    });
    this.find(".hand input").addEventListener("keydown", (e) => {
      const k = e as KeyboardEvent;
      if (k.key === "Escape" && !k.isComposing) this.hand(false);
    });
    document.addEventListener("keydown", this.pressed);
    document.addEventListener("tj-language", this.label);
    window.addEventListener("online", this.resend);
    this.label();
  }

  disconnectedCallback(): void {
    document.removeEventListener("keydown", this.pressed);
    document.removeEventListener("tj-language", this.label);
    window.removeEventListener("online", this.resend);
    this.outbox?.stop();
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
      (b.children[1] as HTMLElement).textContent = this.lines ? (c.state?.() ?? "") : "";
    }
    this.find(".keys").setAttribute("aria-label", t("desk"));
    this.find(".shut").setAttribute("aria-label", t("act.shut"));
    this.count();
    this.offer(this.lesson);
  };

  private pressed = (e: KeyboardEvent) => {
    if (e.defaultPrevented || e.isComposing || e.keyCode === 229 || this.hidden || document.querySelector("dialog[open]")) return;
    const at = e.target as HTMLElement;
    const typing = at.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(at.tagName);
    const elsewhere = typing && !at.isContentEditable;
    const key = combination(e);
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
      if (!row?.line?.doubts || this.outbox.get(row.line.id)?.edit.text !== undefined) continue;
      const word = row.line.doubts.find(([from]) => i > 0 || from > caret);
      if (!word) continue;
      if (row === here && editing) {
        // The text may have been changed: what was typed in it stays.
        this.lines.editor.select(word[0], word[1]);
      } else {
        this.lines.edit(row, { from: word[0], to: word[1] });
      }
      return;
    }
    this.onTrouble(t("desk.doubt.none"));
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
    this.hand(false);
  }

  // Going back.

  private saved(line: Line, was: Line, group?: string): void {
    this.lines.put(line);
    if (group?.startsWith("undo")) return;
    const step = { line: line.id, before: was };
    const together = group ? this.groups.get(group) : undefined;
    if (together) {
      together.push(step);
      return;
    }
    const steps = [step];
    if (group) this.groups.set(group, steps);
    this.done.push(steps);
    if (!group && line.text !== was.text) void this.learned(was.text, line.text);
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
      for (const s of steps) {
        const line = this.lines.row(s.line)?.line;
        if (line) this.outbox.revise(line, { text: s.before.text, role: s.before.role, speaker: s.before.speaker }, `undo ${Date.now()}`);
      }
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
    const el = this.find(".lesson");
    el.hidden = !l;
    if (!l) return;
    this.find(".lesson span").textContent = t(l.alike.places.length > 0 ? "teach.places" : "teach.word",
      { wrong: l.wrong, right: l.right, n: l.alike.places.length });
    this.find(".look").textContent = `${t("desk.teach")} ${shown("Ctrl+b")}`;
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
    const table = document.createElement("table");
    const row = (keys: string[], words: string) => {
      const tr = table.insertRow();
      const th = document.createElement("th");
      for (const k of keys) {
        const kbd = document.createElement("kbd");
        kbd.textContent = k;
        th.append(kbd, " ");
      }
      tr.append(th);
      tr.insertCell().textContent = words;
    };
    row(["↑", "↓"], t("help.move"));
    for (const c of this.commands) row(c.keys.filter((k) => k !== "？").map(shown), t(c.word));
    row(["Enter"], t("help.save"));
    row(["Esc"], t("help.leave"));
    for (const [i, who] of (this.hearing ? holders(this.hearing) : []).entries()) {
      row([String(i + 1), `Alt+${i + 1}`], t("help.role", { role: `${who.role}${who.speaker ? `（${who.speaker}）` : ""}` }));
    }
    body.append(table);
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
