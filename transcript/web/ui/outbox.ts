// What the clerk has written and the server does not have yet. It waits in the
// browser's storage, so that neither a lost server nor a closed page loses it.

import { ask, hearingPath, type Line, Problem } from "./api";
import { asForm } from "./written";

/** Between two tries at a server that does not answer. */
const again = 1000; // ms

/** Part of a line that a person changes. */
export interface Edit {
  text?: string;
  role?: string;
  speaker?: string;
  confirm?: boolean;
}

/** An edit of a line on its way to the server. */
export interface Pending {
  line: string;
  base: Line; // what the edit was made on
  edit: Edit;
  serial: number; // rises when the edit changes while it is sent
  group?: string; // of edits that were made, and are undone, together
  theirs?: Line; // the server has this newer revision: the clerk decides
  refused?: string; // why the server does not take it
}

/** A line by hand on its way to the server. */
export interface Hand {
  key: string; // in the storage
  text: string;
  role: string;
  start_ms: number;
  more?: Place; // where its words were spoken, when they were
  group?: string; // of changes that were made, and are undone, together
  refused?: string;
  tried?: boolean; // it may have arrived
}

/** The seat and the stretch that a line by hand was cut from. */
export interface Place {
  speaker: string;
  channel: string;
  end_ms: number;
}

export class Outbox {
  /** Told when an edit of a line begins to wait, ends waiting, or is refused. */
  onChange: (line: string) => void = () => {};
  /** Told of an edit when it is made, with the line as the clerk saw it before. */
  onRevised: (before: Line, serial: number, group?: string) => void = () => {};
  /** Told when the server has taken the edits of a line up to a serial, and what the line was before. */
  onSaved: (line: Line, before: Line, serial: number, group?: string) => void = () => {};
  /** Told when the server does not take an edit of a line: the clerk decides. */
  onStuck: (line: string) => void = () => {};
  /** Told of a line by hand when it is written, with the key that names it until it is there. */
  onWritten: (key: string, group?: string) => void = () => {};
  /** Told when the server has taken a line by hand. */
  onAdded: (line: Line, key: string, group?: string) => void = () => {};
  /** Told when the storage of the browser refuses to keep something. */
  onFull: () => void = () => {};

  private edits = new Map<string, Pending>();
  private hands: Hand[] = [];
  private sending = false;
  private timer = 0;
  private readonly prefix: string;

  constructor(private readonly hearing: string) {
    this.prefix = `tj-edit ${hearing} `;
    for (const key of Object.keys(localStorage).sort()) {
      if (!key.startsWith(this.prefix)) continue;
      const kept = JSON.parse(localStorage.getItem(key) ?? "null") as Pending | Hand | null;
      if (!kept) continue;
      if ("line" in kept) this.edits.set(kept.line, kept);
      else this.hands.push(kept);
    }
  }

  get(line: string): Pending | undefined {
    return this.edits.get(line);
  }

  /** The lines by hand that the server does not have. */
  get written(): readonly Hand[] {
    return this.hands;
  }

  /** How many changes the server does not have. */
  get size(): number {
    return this.edits.size + this.hands.length;
  }

  /** Edits that wait for a decision of the clerk. */
  conflicts(): Pending[] {
    return [...this.edits.values()].filter((p) => p.theirs);
  }

  /** An edit that the server does not take as it is. */
  refused(): Pending | undefined {
    return [...this.edits.values()].find((p) => p.refused !== undefined);
  }

  /** Gives back a line by hand that the server does not take; it waits here no longer. */
  takeRefused(): Hand | undefined {
    const h = this.hands.find((e) => e.refused !== undefined);
    if (!h) return undefined;
    this.hands = this.hands.filter((other) => other !== h);
    localStorage.removeItem(h.key);
    return h;
  }

  /** How many edits wait for a decision of the clerk. */
  get decisions(): number {
    return [...this.edits.values()].filter((p) => p.theirs || p.refused !== undefined).length + this.hands.filter((h) => h.refused !== undefined).length;
  }

  /** Takes an edit of a line as the clerk saw it. */
  revise(base: Line, edit: Edit, group?: string): void {
    const was = this.edits.get(base.id);
    const p: Pending = { line: base.id, base: was?.base ?? base, edit: { ...was?.edit, ...edit }, serial: (was?.serial ?? 0) + 1 };
    if (was?.theirs) p.theirs = was.theirs;
    if (group !== undefined) p.group = group;
    this.keep(p);
    this.onRevised({ ...base, ...was?.edit }, p.serial, group);
    void this.flush();
  }

  /** Decides a conflict: the edit is made on the newer revision. */
  decide(p: Pending, edit: Edit): void {
    if (!p.theirs) return;
    this.keep({ line: p.line, base: p.theirs, edit, serial: p.serial + 1 });
    void this.flush();
  }

  /** Gives an edit up. */
  drop(line: string): void {
    this.edits.delete(line);
    localStorage.removeItem(this.prefix + line);
    this.onChange(line);
  }

  add(text: string, role: string, startMS: number, more?: Place, group?: string): void {
    const hand: Hand = { key: `${this.prefix}+${Date.now()}-${this.hands.length}`, text, role, start_ms: startMS };
    if (more) hand.more = more;
    if (group !== undefined) hand.group = group;
    this.hands.push(hand);
    this.store(hand.key, hand);
    this.onWritten(hand.key, group);
    this.onChange("");
    void this.flush();
  }

  /** Takes back a line by hand; false: it is on its way, or there. */
  takeBack(key: string): boolean {
    const h = this.hands.find((e) => e.key === key && !e.tried);
    if (!h) return false;
    this.hands = this.hands.filter((other) => other !== h);
    localStorage.removeItem(key);
    this.onChange("");
    return true;
  }

  /** Sends what waits, in order, one at a time. */
  async flush(): Promise<void> {
    if (this.sending) return;
    window.clearTimeout(this.timer);
    this.sending = true;
    try {
      for (;;) {
        const p = [...this.edits.values()].find((e) => !e.theirs && e.refused === undefined);
        const h = this.hands.find((e) => e.refused === undefined);
        if (p) await this.send(p);
        else if (h) await this.write(h);
        else break;
      }
    } catch (e) {
      if (!(e instanceof Problem)) throw e;
      this.timer = window.setTimeout(() => void this.flush(), again); // the server is gone
    } finally {
      this.sending = false;
    }
  }

  /** Waits until nothing is on its way any more; the answer is how much still waits. */
  async settle(): Promise<number> {
    await this.flush();
    while (this.sending) await new Promise((go) => setTimeout(go, 50));
    return this.size;
  }

  stop(): void {
    window.clearTimeout(this.timer);
  }

  private async send(p: Pending): Promise<void> {
    let line: Line;
    try {
      line = await ask<Line>(hearingPath(this.hearing, `/lines/${encodeURIComponent(p.line)}${asForm()}`), "PUT", p.edit, null, { "If-Match": `"${p.base.revision}"` });
    } catch (e) {
      if (!(e instanceof Problem) || !final(e)) throw e;
      const now = this.edits.get(p.line) ?? p;
      const current = e.refusal.current;
      if (current) {
        // An answer that was lost, or another window of this browser: it is there already.
        if (sameAs(current, p)) this.saved(p, current);
        else this.stuck({ ...now, theirs: current });
      } else {
        this.stuck({ ...now, refused: e.message });
      }
      return;
    }
    this.saved(p, line);
  }

  private stuck(p: Pending): void {
    this.keep(p);
    this.onStuck(p.line);
  }

  private saved(p: Pending, line: Line): void {
    const now = this.edits.get(p.line);
    if (now && now.serial !== p.serial) this.keep({ ...now, base: line }); // written on meanwhile
    else this.drop(p.line);
    this.onSaved(line, p.base, p.serial, p.group);
  }

  private async write(h: Hand): Promise<void> {
    try {
      // An answer may have been lost: the line is not written twice.
      let line = h.tried ? await this.arrived(h) : undefined;
      if (!line) {
        h.tried = true;
        this.store(h.key, h);
        line = await ask<Line>(hearingPath(this.hearing, `/lines${asForm()}`), "POST", { text: h.text, role: h.role, start_ms: h.start_ms, ...h.more });
      }
      this.hands = this.hands.filter((other) => other !== h);
      localStorage.removeItem(h.key);
      this.onAdded(line, h.key, h.group);
    } catch (e) {
      if (!(e instanceof Problem) || !final(e)) throw e;
      h.refused = e.message;
      this.store(h.key, h);
    }
    this.onChange("");
  }

  private async arrived(h: Hand): Promise<Line | undefined> {
    const { lines } = await ask<{ lines: Line[] }>(hearingPath(this.hearing, `/lines${asForm("words=false")}`));
    return lines.find((l) => l.origin === "hand" && l.start_ms === h.start_ms && l.text === h.text);
  }

  private keep(p: Pending): void {
    this.edits.set(p.line, p);
    this.store(this.prefix + p.line, p);
    this.onChange(p.line);
  }

  private store(key: string, value: unknown): void {
    try {
      localStorage.setItem(key, JSON.stringify(value));
    } catch {
      this.onFull();
    }
  }
}

/** Whether asking again would give the same answer. */
function final(e: Problem): boolean {
  return e.status >= 400 && e.status < 500 && e.status !== 408 && e.status !== 429;
}

function sameAs(l: Line, p: Pending): boolean {
  const { text, role, speaker } = p.edit;
  return (text === undefined || l.text === text) && (role === undefined || l.role === role) && (speaker === undefined || l.speaker === speaker);
}
