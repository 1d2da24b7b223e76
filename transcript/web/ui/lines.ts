// The transcript: lines in the order of speech, growing at their end while
// people speak.

import type { Hearing, Line, Partial, Written } from "./api";
import { type Caret, drafts, Editor, type Ending } from "./edit";
import type { Phase } from "./phases";
import { Doubts } from "./doubts";
import type { Hand, Outbox } from "./outbox";
import { reasons } from "./asides";
import { Player } from "./player";
import { hue, lanes } from "./seats";
import { clock, t, timeOfDay } from "./words";
import { asSaid, shownPlace, shownText } from "./written";

/** A partial that nobody continues or ends is taken away. */
const abandoned = 30_000; // ms
/** Rows in a chunk. What is far from the window costs the browser one box a chunk, not one a row. */
const chunk = 64;
/** Stands in a text where it is cut: a character that no text has. */
const here = "\u0000";
/** This close to the end counts as being there. */
const nearEnd = 120; // px

export interface Row {
  key: string;
  el: HTMLLIElement;
  line: Line | null;
  partial: Partial | null;
  at: number; // start, ms on the hearing's clock
  rank: string; // breaks ties
  heard: number; // performance.now() of the last partial
  beat: boolean; // changes with each partial
  waits: boolean; // a line by hand that the server does not have yet, held as a partial
}

/** What a line is made of: when, who, what. */
const blank = document.createElement("template");
blank.innerHTML = '<button type="button" class="time" tabindex="-1"></button><b></b><p></p>';

/** <tj-lines> */
export class Lines extends HTMLElement {
  /** Told when the sound of a line cannot be played. */
  onTrouble: (why: string) => void = () => {};
  /** Told when an edit ends without being kept: what was typed. */
  onLeft: (line: Line, text: string) => void = () => {};
  /** Told which line keys are about. */
  onAt: (line: Line) => void = () => {};
  /** Told when an edit ends, however. */
  onEdited: () => void = () => {};
  /** Where edits go; null: the lines are only read. */
  outbox: Outbox | null = null;
  /** Told when a line is to be cut where the caret was. */
  onCut: (line: Line, text: string, cut: NonNullable<Ending["cut"]>) => void = () => {};
  /** Whether the clerk wants to come back to a line. */
  marked: (line: string) => boolean = () => false;
  readonly player = new Player(() => this.hearing?.id);
  readonly editor = new Editor();

  private hearing: Hearing | null = null;
  private lane = new Map<string, number>();
  private shared = new Set<string>(); // roles of several persons: their names are shown, as in the record
  private rows: Row[] = []; // in order
  private byKey = new Map<string, Row>();
  private list = document.createElement("section"); // of chunks
  private none = document.createElement("p");
  private latest = document.createElement("button");
  private spoken = document.createElement("div");
  private scroller = document.createElement("div");
  private doubts = new Doubts();
  private playing: Row | null = null;
  private at: Row | null = null; // the line that keys are about
  private drafts = new Set<string>();
  private base: Written | undefined; // of the line that is edited, as it was when that began
  private left = new Map<string, { said: string; shown: string; base: Written | undefined }>(); // edits as their clerk left them, by line
  private limit: NonNullable<Hearing["screen"]> | null = null; // what is not released is not shown; null: all is
  private late = new Set<string>(); // lines that came behind the release and stand before its end
  private loading = false; // chunks are measured at the end
  private following = true;
  private unseen = 0;
  private stop: HTMLElement | null = null; // where the Tab key enters the list
  private timer = 0;
  private phased: string[] = []; // keys of the rows that head a phase
  private resized = new ResizeObserver(() => this.follow());
  private relabel = () => this.redraw();

  connectedCallback(): void {
    this.scroller.className = "scroller";
    this.scroller.tabIndex = -1;
    this.scroller.id = "transcript";
    this.list.dataset["tLabel"] = "lines";
    this.none.className = "none";
    this.none.textContent = t("loading"); // until it is known that there is nothing
    this.latest.className = "latest";
    this.latest.type = "button";
    this.latest.hidden = true;
    this.spoken.className = "unseen";
    this.spoken.setAttribute("role", "log");
    this.spoken.setAttribute("aria-live", "polite");
    this.scroller.append(this.list, this.none);
    this.append(this.scroller, this.latest, this.spoken);

    this.scroller.addEventListener("scroll", () => this.scrolled(), { passive: true });
    this.latest.addEventListener("click", () => this.toEnd());
    this.list.addEventListener("click", (e) => this.clicked(e));
    this.list.addEventListener("keydown", (e) => this.pressed(e));
    this.list.addEventListener("dblclick", (e) => this.doubleClicked(e));
    this.list.addEventListener("focusin", (e) => {
      const row = this.rowOf(e.target);
      this.enterAt(row);
      if (row?.line) this.onAt(row.line);
    });
    this.player.onChange = (playing) => {
      if (!playing) this.silent();
    };
    this.player.onTrouble = () => this.onTrouble(t("audio.missing"));
    this.editor.onEnd = (line, was, end) => this.edited(line, was, end);
    this.resized.observe(this.list);
    this.resized.observe(this.scroller);
    this.timer = window.setInterval(() => this.sweep(), 1000);
    document.addEventListener("tj-language", this.relabel);
  }

  disconnectedCallback(): void {
    window.clearInterval(this.timer);
    this.resized.disconnect();
    this.doubts.stop();
    this.player.end();
    document.removeEventListener("tj-language", this.relabel);
  }

  atEnd(): boolean {
    return this.following;
  }

  /** Takes the state of the hearing: its seats, and the marks of its course. */
  show(h: Hearing): void {
    this.hearing = h;
    this.lane = lanes(h);
    const names = new Map<string, Set<string>>();
    for (const { role, name } of [...h.participants, ...h.seats.map((s) => ({ role: s.role, name: s.speaker ?? "" }))]) {
      if (name) names.set(role, (names.get(role) ?? new Set()).add(name));
    }
    const shared = new Set([...names].filter(([, of]) => of.size > 1).map(([role]) => role));
    const others = shared.size !== this.shared.size || [...shared].some((role) => !this.shared.has(role));
    this.shared = shared;
    if (others) for (const row of this.rows) this.draw(row);
    this.list.style.setProperty("--lanes", String(Math.max(1, this.lane.size)));
    for (const row of this.rows) this.place(row);
    this.mark("opened", h.opened_at, "mark.opened");
    for (const [i, b] of h.breaks.entries()) {
      this.mark(`paused-${i}`, b.from, "mark.paused", b.reason);
      this.mark(`resumed-${i}`, b.to, "mark.resumed");
    }
    this.mark("closed", h.closed_at, "mark.closed");
    this.describe();
  }

  /** Takes the lines that are there already. */
  load(lines: Line[]): void {
    this.drafts = drafts(lines[0]?.hearing ?? "");
    this.list.remove(); // ten thousand rows are quicker made out of sight
    this.loading = true;
    for (const l of lines) this.put(l, false);
    this.loading = false;
    for (const ol of this.list.children) this.measure(ol as HTMLElement);
    this.scroller.prepend(this.list);
    this.toEnd();
  }

  /** The lines as they stand, in order; what the clerk took out is not among them. */
  all(): Line[] {
    return this.rows.flatMap((row) => (row.line && !row.el.hidden ? [row.line] : []));
  }

  /** Takes the lines in another form. */
  reform(lines: Line[]): void {
    this.left.clear();
    for (const l of lines) {
      const row = this.byKey.get(l.id);
      if (!row?.line || row.line.change > l.change) continue;
      row.line = l;
      this.draw(row);
    }
  }

  /** Brings a line into view, or the beginning, and stays there. */
  go(id?: string): void {
    const el = id === undefined ? this.list : this.byKey.get(id)?.el;
    if (!el) return;
    this.following = false;
    const show = () => el.scrollIntoView({ block: id === undefined ? "start" : "center" });
    this.list.querySelector("[data-sought]")?.removeAttribute("data-sought");
    if (id !== undefined) el.dataset["sought"] = "";
    show();
    requestAnimationFrame(show); // what came into view by it has its true height now
    this.describe();
  }

  /** Takes a line that is new or revised; what was its partial becomes it in place. */
  put(l: Line, live = true): void {
    let row = this.byKey.get(l.id);
    // Seen: a stream that was taken up again; in another form, where that was chosen meanwhile.
    if (row?.line && (row.line.change > l.change || (row.line.change === l.change && shownText(row.line) === shownText(l)))) return;
    if (row && this.editor.has(l.id)) {
      row.line = l;
      this.editor.receive(l);
      this.draw(row);
      return; // its words are drawn when the edit ends
    }
    const news = !row?.line;
    row ??= this.add(l.id, l.start_ms, l.channel);
    row.line = l;
    row.partial = null;
    this.move(row, l.start_ms);
    this.draw(row);
    if (!live) return;
    this.supersede(l.channel, l.start_ms, row);
    if (news) {
      this.announce(l);
      if (!this.following) this.unseen++;
    }
    this.describe();
    this.follow();
  }

  /** Takes what is being heard. */
  hear(p: Partial): void {
    let row = this.byKey.get(p.id);
    if (row?.line) return; // it is final
    if (p.text === "") {
      // The engine took its words back: nothing was said.
      if (row) this.discard(row);
      return;
    }
    row ??= this.add(p.id, p.start_ms, p.channel);
    row.partial = p;
    row.heard = performance.now();
    row.beat = !row.beat;
    this.move(row, p.start_ms);
    this.draw(row);
    this.describe();
    this.follow();
  }

  /** Shows the lines by hand that wait to be saved, each in its place. */
  wait(hands: readonly Hand[]): void {
    for (const row of this.rows.filter((r) => r.waits && !hands.some((h) => h.key === r.key))) this.discard(row);
    for (const h of hands) {
      if (this.byKey.has(h.key)) continue;
      const row = this.add(h.key, h.start_ms, h.more?.channel ?? "");
      row.waits = true;
      row.partial = { id: h.key, channel: h.more?.channel ?? "", role: h.role, speaker: h.more?.speaker ?? "", text: h.text,
        stable: Infinity, start_ms: h.start_ms, end_ms: h.more?.end_ms ?? h.start_ms, engine: "" };
      this.draw(row);
    }
    this.describe();
    this.follow();
  }

  private add(key: string, at: number, rank: string): Row {
    const el = document.createElement("li");
    const row: Row = { key, el, line: null, partial: null, at, rank, heard: 0, beat: false, waits: false };
    this.byKey.set(key, row);
    this.insert(row);
    return row;
  }

  /** Puts a row where it belongs by time; late ones go before what came later. */
  private insert(row: Row): void {
    let i = this.rows.length;
    while (i > 0 && before(row, this.rows[i - 1] as Row)) i--;
    const next = this.rows[i];
    const last = this.list.lastElementChild;
    if (next) next.el.before(row.el);
    else (last && last.childElementCount < chunk ? last : this.begin(null)).append(row.el);
    this.rows.splice(i, 0, row);
    if (!this.loading) this.measure(row.el.parentElement as HTMLElement);
  }

  /** A new chunk before another, or at the end. */
  private begin(next: Element | null): HTMLElement {
    const ol = document.createElement("ol");
    this.list.insertBefore(ol, next);
    return ol;
  }

  /** Keeps a chunk from growing for ever, and tells its height while it is not drawn. */
  private measure(ol: HTMLElement): void {
    if (ol.childElementCount > 2 * chunk) {
      const rest = this.begin(ol.nextElementSibling);
      rest.append(...[...ol.children].slice(chunk));
      this.measure(rest);
    }
    ol.style.setProperty("--rows", String(ol.childElementCount));
  }

  private move(row: Row, at: number): void {
    if (row.at === at) return;
    row.at = at;
    const i = this.rows.indexOf(row);
    const up = this.rows[i - 1];
    const down = this.rows[i + 1];
    if ((up && before(row, up)) || (down && before(down, row))) {
      this.rows.splice(i, 1);
      this.insert(row);
    }
  }

  private discard(row: Row): void {
    row.el.remove();
    this.rows.splice(this.rows.indexOf(row), 1);
    this.byKey.delete(row.key);
  }

  /** A partial of a seat that has a later final came to nothing: it held no words. */
  private supersede(channel: string, at: number, but: Row): void {
    for (const row of this.rows.slice(-50)) {
      if (row !== but && row.partial && !row.waits && row.partial.channel === channel && row.at <= at) this.discard(row);
    }
  }

  private sweep(): void {
    const now = performance.now();
    for (const row of this.rows.slice(-50)) {
      if (row.partial && !row.waits && now - row.heard > abandoned) this.discard(row);
    }
  }

  private place(row: Row): void {
    const said = row.line ?? row.partial;
    if (said) row.el.style.setProperty("--lane", String(this.lane.get(said.channel) ?? 0));
  }

  private draw(row: Row): void {
    const { el, line, partial } = row;
    const said = line ?? partial;
    if (!said) return;
    if (!el.firstChild) el.append(blank.content.cloneNode(true));
    const [time, role, words] = el.children as unknown as [HTMLButtonElement, HTMLElement, HTMLElement];
    const seated = said.channel !== "" && this.lane.has(said.channel);
    const playing = this.playing === row;
    const editing = this.editor.has(said.id);
    const waiting = line ? this.outbox?.get(line.id) : undefined;
    const text = waiting?.edit.text ?? said.text;
    const as = waiting?.edit.role ?? said.role;
    el.id = `line-${said.id}`;
    el.className = `line ${hue(as)}${line || row.waits ? "" : ` partial${row.beat ? " beat" : ""}`}${(line?.origin === "hand" || row.waits) && said.channel === "" ? " hand" : ""}${seated ? "" : " offstage"}${playing ? " playing" : ""}${editing ? " editing" : ""}${editing && this.editor.outdated ? " outdated" : ""}${line && this.marked(line.id) ? " marked" : ""}`;
    el.hidden = line !== null && text === "" && !line.rejected && !editing; // the clerk took it out
    this.place(row);
    if (this.withheld(line)) { // its words are nowhere on the page
      el.hidden = true;
      words.textContent = "";
      return;
    }
    time.textContent = clock(said.start_ms);
    time.setAttribute("aria-label", playing ? t("playing") : t("play", { time: clock(said.start_ms), role: said.role }));
    const who = waiting?.edit.speaker ?? said.speaker;
    role.textContent = who && this.shared.has(as) ? `${as}（${who}）` : as;
    if (who || role.title) role.title = who;
    if (editing) return; // the words are the clerk's
    words.classList.toggle("rejected", !!line?.rejected);
    if (line) {
      words.textContent = line.rejected && !text ? t("rejected") : this.shownOf(line);
      // Whoever only reads along cannot put it right.
      this.doubts.draw(el, words, this.outbox && waiting?.edit.text === undefined && !waiting?.edit.confirm ? this.doubtsOf(line) : []);
      const why = line.rejected ? because(line.rejected) : "";
      words.title = why;
      if (why && !text && this.outbox) words.append(note(why, "why"));
      if (waiting?.theirs) words.append(note(t("edit.conflict"), "conflict"));
      else if (waiting?.refused !== undefined) words.append(note(t("edit.refused", { why: waiting.refused }), "conflict"));
      else if (waiting) words.append(note(t("edit.waiting"), "waiting"));
      else if (line.origin === "speech" && line.revision > 1 && !/^(绑定案件|席位变更)·/.test(line.author)) words.append(note(t("corrected")));
      if (line.origin === "hand") words.append(note(t(line.channel === "" ? "hand" : "cut")));
      if (this.drafts.has(line.id)) words.append(note(t("edit.draft"), "waiting"));
    } else if (partial) {
      const letters = Array.from(partial.text);
      const rest = document.createElement("span");
      rest.textContent = letters.slice(partial.stable).join("");
      words.replaceChildren(letters.slice(0, partial.stable).join(""), rest);
      if (row.waits) words.append(note(t("edit.waiting"), "waiting"));
    }
  }

  /** Draws a line again, whose pending edit has changed. */
  refresh(id: string): void {
    const row = this.byKey.get(id);
    if (row) this.draw(row);
  }

  private redraw(): void {
    for (const row of this.rows) this.draw(row);
    if (this.hearing) this.show(this.hearing);
  }

  /** A mark is a rule across the transcript where the hearing changed its state. */
  private mark(key: string, at: string | undefined, word: "mark.opened" | "mark.paused" | "mark.resumed" | "mark.closed", why = ""): void {
    const opened = this.hearing?.opened_at;
    if (!at || !opened) return;
    const ms = Date.parse(at) - Date.parse(opened);
    const row = this.byKey.get(`mark ${key}`) ?? this.add(`mark ${key}`, ms, key === "opened" ? "" : "\uffff");
    row.el.className = "mark";
    row.el.textContent = `${t(word)}${why ? `（${why}）` : ""}  ${timeOfDay(at)}`;
  }

  /** Heads the lines with which a phase of the hearing begins. */
  phases(list: Phase[]): void {
    const kept: string[] = [];
    for (const p of list) {
      const line = this.byKey.get(p.line);
      if (p.state === "refused" || !line) continue;
      const key = `mark phase ${p.line}`;
      const row = this.byKey.get(key) ?? this.add(key, p.start_ms, "");
      this.move(row, p.start_ms);
      row.el.className = `mark phase ${p.state}`;
      const words = p.state === "proposed" ? t("phase.proposed", { phase: p.phase }) : p.phase;
      if (row.el.textContent !== words) row.el.textContent = words;
      kept.push(key);
    }
    for (const key of this.phased) {
      const row = kept.includes(key) ? undefined : this.byKey.get(key);
      if (row) this.discard(row);
    }
    this.phased = kept;
    this.follow();
  }

  /** Shows what the clerk has released, or all. */
  limitTo(limit: NonNullable<Hearing["screen"]> | null): void {
    if (limit?.up_to_ms === this.limit?.up_to_ms && limit?.change === this.limit?.change) return;
    this.limit = limit;
    this.late.clear();
    this.redraw();
    this.follow();
  }

  /** Whether a line is not released: it was spoken later, or recognised later than the clerk looked. */
  private withheld(l: Line | null): boolean {
    const { limit } = this;
    if (!limit) return false;
    if (!l || l.start_ms > limit.up_to_ms) return true;
    if (l.origin === "speech" && l.revision === 1 && limit.change > 0 && l.change > limit.change) this.late.add(l.id);
    return this.late.has(l.id);
  }

  private announce(l: Line): void {
    if (this.withheld(l)) return;
    const said = document.createElement("p");
    said.textContent = `${l.role}：${l.rejected ? t("rejected") : shownText(l)}`;
    this.spoken.append(said);
    while (this.spoken.childElementCount > 3) this.spoken.firstElementChild?.remove();
  }

  private describe(): void {
    const empty = !this.rows.some((r) => r.line ?? r.partial);
    this.none.hidden = !empty;
    if (empty) this.none.textContent = t(this.hearing?.status === "scheduled" ? "lines.scheduled" : "lines.none");
    this.latest.hidden = this.following;
    this.latest.textContent = this.unseen > 0 ? t("latest.n", { n: this.unseen }) : t("latest");
    if (!this.list.contains(document.activeElement)) {
      let i = this.rows.length - 1;
      while (i > 0 && !this.rows[i]?.line && !this.rows[i]?.partial) i--;
      this.enterAt(this.rows[i]);
    }
  }

  // Scrolling: the page follows the speech while its reader is at the end.

  private scrolled(): void {
    const { scrollHeight, scrollTop, clientHeight } = this.scroller;
    const end = scrollHeight - scrollTop - clientHeight < nearEnd;
    if (end === this.following) return;
    this.following = end;
    if (end) this.unseen = 0;
    this.describe();
  }

  private follow(): void {
    if (this.following && !this.editor.line) this.scroller.scrollTop = this.scroller.scrollHeight;
  }

  private toEnd(): void {
    this.following = true;
    this.unseen = 0;
    this.follow();
    this.describe();
  }

  // Playing: one line at a time.

  private rowOf(target: EventTarget | null): Row | undefined {
    const li = (target as Element | null)?.closest<HTMLLIElement>("li.line");
    return li ? this.byKey.get(li.id.slice("line-".length)) : undefined;
  }

  private clicked(e: Event): void {
    if (!(e.target as Element).closest("button.time")) return;
    const row = this.rowOf(e.target);
    if (!row) return;
    this.toggle(row);
  }

  /** Plays a line, or stops it. */
  toggle(row: Row): void {
    const again = this.playing === row;
    this.player.stop();
    if (!again) this.play(row);
  }

  private play(row: Row): void {
    const said = row.line ?? row.partial;
    if (!said) return;
    this.playing = row;
    this.player.play(said.channel, said.start_ms, said.end_ms);
    this.draw(row);
  }

  private silent(): void {
    const row = this.playing;
    this.playing = null;
    if (!row) return;
    this.draw(row);
    if (row.line && row === this.at) this.onAt(row.line); // it is often heard again
  }

  // Editing: one line at a time, in its place.

  /** The line that keys are about: the focused one, the one before, or the last. */
  current(): Row | undefined {
    const shown = this.shown();
    return this.at && shown.includes(this.at) ? this.at : shown[shown.length - 1];
  }

  /** The lines that can be seen, in order. */
  shown(): Row[] {
    return this.rows.filter((r) => (r.line ?? r.partial) && !r.el.hidden);
  }

  row(id: string): Row | undefined {
    return this.byKey.get(id);
  }

  /** The text of a line, with what waits to be saved. */
  textOf(l: Line): string {
    return this.outbox?.get(l.id)?.edit.text ?? l.text;
  }

  /** The text of a line as the page shows it, with what waits to be saved. */
  shownOf(l: Line): string {
    const text = this.outbox?.get(l.id)?.edit.text;
    const left = this.left.get(l.id);
    return text === undefined || text === l.text ? shownText(l) : left?.said === text ? left.shown : text;
  }

  /** The text of a line with the marks that the page shows, to be put together with another. */
  joinable(l: Line): string {
    return this.outbox?.get(l.id)?.edit.text ?? asSaid(l.written, shownText(l), true);
  }

  /** Where the doubtful words of a line stand in the text that the page shows. */
  doubtsOf(l: Line): [number, number][] {
    return (l.doubts ?? []).map((place) => shownPlace(l, place));
  }

  edit(row: Row | undefined, caret: Caret = "end"): void {
    if (!row?.line || !this.outbox || this.hearing?.status === "signed") return;
    this.editor.end(true);
    const words = row.el.querySelector("p") as HTMLElement;
    this.drafts.delete(row.line.id);
    this.doubts.forget(row.el);
    words.classList.remove("rejected");
    row.el.classList.add("editing"); // the caret is placed in the line as it will be laid out
    const waiting = this.outbox.get(row.line.id)?.edit.text;
    const left = this.left.get(row.line.id);
    this.base = waiting === undefined ? row.line.written : waiting === left?.said ? left.base : undefined;
    this.editor.begin(words, row.line, this.shownOf(row.line), caret);
    this.at = row;
  }

  private edited(line: Line, was: string, end: Ending): void {
    this.onEdited();
    const row = this.byKey.get(line.id);
    if (!row) return;
    if (end.cut) this.cut(line, end.text, end.cut);
    else if (end.save && end.text !== was) this.revise(line, end.text);
    else if (end.confirm && line.doubts) this.outbox?.revise(line, { confirm: true });
    else if (!end.save && end.text !== was) this.onLeft(line, end.text);
    this.draw(row);
    this.scrolled();
    if (document.activeElement === document.body || row.el.contains(document.activeElement)) this.focusOn(row);
    if (end.move !== 0) {
      const next = this.neighbour(row, end.move);
      if (next?.line) this.edit(next, { x: end.x, up: end.move < 0 });
    }
  }

  private revise(line: Line, shown: string): void {
    const said = asSaid(this.base, shown);
    if (said === this.textOf(line)) {
      this.editor.onTrouble(t("edit.form")); // only a number was written in its other form
      return;
    }
    this.left.set(line.id, { said, shown, base: this.base });
    this.outbox?.revise(line, { text: said });
  }

  /** Cuts a text where it was shown to be cut; both parts keep the marks that they were seen with. */
  private cut(line: Line, shown: string, { way, at }: NonNullable<Ending["cut"]>): void {
    const letters = Array.from(shown);
    const [head = "", tail = ""] = asSaid(this.base, [...letters.slice(0, at), here, ...letters.slice(at)].join(""), true).split(here);
    this.onCut(line, head + tail, { way, at: Array.from(head).length });
  }

  /** Puts the focus on the text of a line, where keys act on it. */
  focusOn(row: Row): void {
    const words = row.el.querySelector("p");
    if (!words || row.el.hidden) return;
    words.tabIndex = -1;
    words.focus({ preventScroll: true });
    row.el.scrollIntoView({ block: "nearest" });
  }

  neighbour(row: Row, way: -1 | 1): Row | undefined {
    const shown = this.shown();
    return shown[shown.indexOf(row) + way];
  }

  private doubleClicked(e: MouseEvent): void {
    const row = this.rowOf(e.target);
    if (!row || this.editor.line === row.line || !(e.target as Element).closest("p")) return;
    this.edit(row, { x: e.clientX, y: e.clientY });
  }

  private enterAt(row: Row | undefined): void {
    const button = row?.el.querySelector("button");
    if (!row || !button) return;
    if (this.list.contains(document.activeElement)) this.at = row;
    if (this.stop) this.stop.tabIndex = -1;
    this.stop = button;
    button.tabIndex = 0;
  }

  /** The times of all lines are one stop of the Tab key; arrows go between them. */
  private pressed(e: KeyboardEvent): void {
    const row = this.rowOf(e.target);
    if (!row || e.altKey || e.ctrlKey || e.metaKey || (e.target as HTMLElement).isContentEditable) return; // within a line they move the caret
    const lines = this.shown();
    const i = lines.indexOf(row);
    const next = { ArrowUp: i - 1, ArrowDown: i + 1, Home: 0, End: lines.length - 1 }[e.key];
    if (next === undefined) return;
    e.preventDefault();
    const to = lines[next];
    if (!to) return;
    if ((e.target as Element).closest("p")) {
      this.focusOn(to);
      return;
    }
    const button = to.el.querySelector("button");
    button?.focus();
    button?.scrollIntoView({ block: "nearest" });
  }
}
customElements.define("tj-lines", Lines);

/** Why a text was kept out, in the reader's words; what an engine itself says is given as it is. */
function because(rejected: string): string {
  const found = /^doubtful \(([a-z-]+)\): (.*)$/s.exec(rejected);
  const reason = found && reasons[found[1] ?? ""];
  return reason ? `${t(reason)}：${found[2] ?? ""}` : rejected;
}

function before(a: Row, b: Row): boolean {
  return a.at !== b.at ? a.at < b.at : a.rank < b.rank;
}

function note(words: string, kind = ""): HTMLElement {
  const n = document.createElement("small");
  n.className = kind;
  n.textContent = words;
  return n;
}
