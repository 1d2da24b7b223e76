// One hearing on the page: who, what, how long; its seats, its alarms, its text.

import "./tools";

import { ask, askPatiently, type Component, type Hearing, type HearingNow, hearingPath, type Line, type Partial, Problem, type Status } from "./api";
import type { Banner } from "./banner";
import { bindAddress, unbound } from "./bind";
import type { Desk } from "./desk";
import { confirm, type Question } from "./dialog";
import type { Lines } from "./lines";
import type { Reading } from "./reading";
import type { Seats } from "./seats";
import { asked, seat, tell, unseated } from "./seating";
import { Stream } from "./stream";
import { clock, language, t, translate } from "./words";
import { asForm } from "./written";

/** The clerk is told when the text is further behind than a long sentence. */
const backlogLimit = 30_000; // ms

const actions: Record<string, { question: Question; from: Status[] }> = {
  open: { question: { title: "act.open", text: "ask.open", reason: "none" }, from: ["scheduled"] },
  pause: { question: { title: "act.pause", text: "ask.pause", reason: "required" }, from: ["open"] },
  resume: { question: { title: "act.resume", text: "ask.resume", reason: "none" }, from: ["paused"] },
  close: { question: { title: "act.close", text: "ask.close", reason: "optional" }, from: ["open", "paused"] },
};
const formats = ["docx", "pdf", "txt", "srt", "vtt", "json"] as const;

/** The program of this page. */
const own = document.querySelector<HTMLScriptElement>("script[src]")?.src ?? null;

const frame = `
<a class="skip" href="#transcript" data-t="skip"></a>
<header>
  <div class="court"><h1></h1><p class="room"></p></div>
  <div class="case"><p class="case-no"></p><p class="cause"></p></div>
  <div class="now"><a class="badge demo" href="/start" data-t-title="demo.title" hidden><span data-t="demo"></span><span class="engine" data-t="demo.engine"></span></a><span class="badge private" data-t="private" hidden></span>
    <span class="status"></span><time class="clock" data-t-title="clock"></time></div>
</header>
<div class="bar">
  <tj-seats></tj-seats>
  <div class="actions">
    ${Object.keys(actions).map((a) => `<button type="button" data-act="${a}" data-t="act.${a}" hidden></button>`).join("")}
    <button type="button" class="review" data-t="desk.after" hidden></button>
    <details class="download"><summary data-t="download"></summary><div>
      ${formats.map((f) => `<a data-format="${f}" data-t="download.${f}" download></a>`).join("")}
      <a class="public" data-t="download.public" download></a>
    </div></details>
    <tj-tools></tj-tools>
  </div>
</div>
<tj-banner></tj-banner>
<tj-lines></tj-lines>
<tj-desk hidden></tj-desk>`;

/** <tj-hearing hearing="id">; with the attribute read, there is nothing to correct it with. */
export class HearingView extends HTMLElement {
  /** Told when the hearing's state has changed. */
  onChange: (h: Hearing) => void = () => {};

  private hearing: Hearing | null = null;
  private stream: Stream | null = null;
  private parts = new Map<string, Component>();
  private sounds: string[] = []; // channels that there is sound of
  private ahead = 0; // the server's clock less ours, ms
  private timers: number[] = [];
  private forget = 0; // timer of the last trouble
  private relabel = () => this.refresh();
  private reform = () => void this.takeForm();

  connectedCallback(): void {
    this.innerHTML = frame;
    translate(this);
    this.find(".actions").addEventListener("click", (e) => void this.act(e));
    this.find(".review").addEventListener("click", () => void this.desk.review());
    this.lines.onTrouble = (why) => this.trouble(t("audio.failed", { why }));
    if (!this.hasAttribute("read")) {
      this.desk.attend(this.lines, this.getAttribute("hearing") ?? "");
      this.find<Seats>("tj-seats").onSeat = (channel) => void this.seat(channel);
      this.banner.addEventListener("click", (e) => {
        const channel = asked(e);
        if (channel !== null) void this.seat(channel);
      });
      this.desk.onTrouble = (words) => this.trouble(words);
      this.desk.now = () => Date.now() + this.ahead - Date.parse(this.hearing?.opened_at ?? "");
    }
    document.addEventListener("tj-language", this.relabel);
    document.addEventListener("tj-form", this.reform);
    document.addEventListener("click", this.shut);
    this.timers.push(window.setInterval(() => this.tick(), 250), window.setInterval(() => void this.progress(), 5000));
    void this.begin();
  }

  disconnectedCallback(): void {
    this.stream?.stop();
    for (const timer of this.timers) window.clearInterval(timer);
    document.removeEventListener("tj-language", this.relabel);
    document.removeEventListener("tj-form", this.reform);
    document.removeEventListener("click", this.shut);
  }

  get banner(): Banner {
    return this.find<Banner>("tj-banner");
  }

  get lines(): Lines {
    return this.find<Lines>("tj-lines");
  }

  private get desk(): Desk {
    return this.find<Desk>("tj-desk");
  }

  private find<E extends HTMLElement = HTMLElement>(selector: string): E {
    return this.querySelector(selector) as E;
  }

  private get path(): string {
    return hearingPath(this.getAttribute("hearing") ?? "");
  }

  private async begin(): Promise<void> {
    const lost = () => this.lost(true);
    try {
      // The lines first: the state that follows is then not older than they are.
      const { lines, last_event_id: last } = await this.askLines(lost);
      const h = await askPatiently<HearingNow>(this.path, lost);
      if (!this.isConnected) return;
      this.lost(false);
      this.setNow(h.now);
      this.take(h);
      this.lines.load(lines);
      this.read();
      this.turnTo();
      this.listen(last);
      this.desk.resend();
      void this.progress();
    } catch (e) {
      this.dispatchEvent(new CustomEvent("tj-gone", { detail: e, bubbles: true }));
    }
  }

  private askLines(lost: () => void): Promise<{ lines: Line[]; last_event_id: number }> {
    return askPatiently(`${this.path}/lines${asForm("words=false")}`, lost);
  }

  private listen(after: number): void {
    this.stream?.stop();
    this.stream = new Stream(`${this.path}/events${asForm()}`, after, (name, data) => this.receive(name, data), (l) => this.lost(l));
    this.stream.start();
  }

  /** Shows the lines in the form that the reader has chosen now. */
  private async takeForm(): Promise<void> {
    this.refresh();
    if (!this.stream) return; // they are asked for in it anyway
    const asked = asForm();
    try {
      const { lines, last_event_id: last } = await this.askLines(() => this.lost(true));
      if (!this.isConnected || asked !== asForm()) return; // another one was chosen meanwhile
      this.lost(false);
      this.lines.reform(lines);
      this.listen(last);
    } catch (e) {
      this.trouble(t("failed", { why: (e as Error).message }));
    }
  }

  private receive(name: string, data: unknown): void {
    switch (name) {
      case "open":
        this.parts.clear(); // what is gone by now is told by nobody
        break;
      case "tick":
        this.setNow((data as { now: string }).now);
        this.renewed((data as { page?: string }).page);
        break;
      case "hearing":
        this.take(data as Hearing);
        break;
      case "line":
        this.lines.put(data as Line);
        if (this.lines.outbox) this.desk.heard(data as Line);
        this.read();
        break;
      case "partial":
        this.lines.hear(data as Partial);
        break;
      case "health":
        this.health(data as Component);
        break;
    }
  }

  private take(h: Hearing): void {
    if (this.hearing && h.version < this.hearing.version) return;
    this.hearing = h;
    this.refresh();
    this.find<Seats>("tj-seats").show(h);
    this.lines.show(h);
    if (!this.lines.outbox) this.lines.limitTo(h.screen ?? null);
    this.read();
    if (this.lines.outbox) this.desk.show(h);
    this.onChange(h);
  }

  /** A hearing that is over is read: its contents, and its sound with the text. */
  private read(): void {
    const h = this.hearing;
    if (!h || (h.status !== "closed" && h.status !== "signed")) return;
    let reading = this.querySelector<Reading>("tj-reading");
    if (!reading) {
      reading = document.createElement("tj-reading") as Reading;
      reading.onTrouble = (why) => this.trouble(t("audio.failed", { why }));
      this.lines.before(reading);
    }
    reading.show(h, this.lines);
  }

  /** Opens the transcript where the address says, or at the beginning of what is over; a screen on the wall shows its end. */
  private turnTo(): void {
    const line = /^#line-(.+)$/.exec(location.hash)?.[1];
    if (line !== undefined) this.lines.go(decodeURIComponent(line));
    else if (this.querySelector("tj-reading") && location.pathname !== "/") this.lines.go();
  }

  private refresh(): void {
    const h = this.hearing;
    if (!h) return;
    this.dataset["status"] = h.status;
    this.find("h1").textContent = h.court;
    this.find(".room").textContent = h.courtroom_name;
    this.find(".case-no").textContent = unbound(h) ? t("unbound") : h.case_no;
    if (unbound(h) && this.lines.outbox) this.banner.set("unbound", "note", t("unbound.note"), { href: bindAddress(h), words: t("bind") });
    else this.banner.clear("unbound");
    const became = h.taken_over_by;
    if (became) this.banner.set("taken", "note", t("taken.note"), { href: `/hearings/${encodeURIComponent(became)}`, words: t("taken.go") });
    this.find(".cause").textContent = h.cause;
    this.find(".status").textContent = t(`status.${h.status}`);
    this.find(".demo").hidden = !h.demo;
    if (h.demo && !this.hasAttribute("read")) this.banner.set("demo", "note", t("demo.note"), { href: "/start", words: t("demo.go") });
    this.find(".private").hidden = h.public;
    for (const [name, a] of Object.entries(actions)) {
      this.find(`[data-act="${name}"]`).hidden = !a.from.includes(h.status);
    }
    this.find(".download").hidden = h.status === "scheduled";
    this.find(".review").hidden = !this.lines.outbox || h.status === "scheduled";
    this.find<HTMLAnchorElement>(".public").href = `${this.path}/record.docx${asForm("copy=publication")}`;
    for (const f of formats) this.find<HTMLAnchorElement>(`[data-format="${f}"]`).href = `${this.path}/record.${f}${f === "json" ? "" : asForm()}`;
    document.title = `${h.case_no || h.courtroom_name} · ${t("app")}`;
    this.alarms();
    this.unseated();
    this.tick();
  }

  /** The server hands out another page than this one: it has been renewed. */
  private renewed(page: string | undefined): void {
    if (!page || own === null || own.endsWith(`/${page}`)) return;
    // Nobody is at the parties' screen to press anything; nothing is typed there.
    if (this.closest("tj-screen")) location.reload();
    else this.banner.set("renewed", "note", t("renewed"), { href: location.pathname, words: t("renewed.go") });
  }

  private setNow(iso: string): void {
    this.ahead = Date.parse(iso) - Date.now();
  }

  private tick(): void {
    const h = this.hearing;
    // The light of the recording: on and dim, a second each.
    this.find(".status").classList.toggle("dim", !this.hasAttribute("lost") && performance.now() % 2000 > 1000);
    const el = this.find(".clock");
    if (!h?.opened_at) {
      el.textContent = "";
      return;
    }
    const end = h.closed_at ? Date.parse(h.closed_at) : Date.now() + this.ahead;
    const now = clock(end - Date.parse(h.opened_at));
    if (el.textContent !== now) el.textContent = now;
  }

  private async act(e: Event): Promise<void> {
    const name = (e.target as HTMLElement).dataset["act"];
    const action = name ? actions[name] : undefined;
    if (!name || !action) return;
    const reason = await confirm(action.question);
    if (reason === null) return;
    try {
      this.take(await ask<Hearing>(`${this.path}/${name}`, "POST", { reason }));
      this.banner.clear("trouble");
      // What was pressed may be gone now: the keyboard goes on at what can be done next.
      const at = document.activeElement;
      if (at === document.body || (at instanceof HTMLElement && at.hidden)) this.querySelector<HTMLElement>(".actions button:not([hidden])")?.focus();
    } catch (problem) {
      this.trouble(t("failed", { why: (problem as Error).message }));
    }
  }

  /** What went wrong for this reader alone; it goes by itself. */
  private trouble(words: string): void {
    this.banner.set("trouble", "alarm", words);
    window.clearTimeout(this.forget);
    this.forget = window.setTimeout(() => this.banner.clear("trouble"), 10_000);
  }

  private shut = (e: Event) => {
    const menu = this.find<HTMLDetailsElement>(".download");
    if (!menu.contains(e.target as Node) || (e.target as Element).closest("a")) menu.open = false;
  };

  private lost(lost: boolean): void {
    this.toggleAttribute("lost", lost);
    if (lost) this.banner.set("lost", "lost", t("lost"));
    else this.banner.clear("lost");
    if (!lost) this.desk.resend();
  }

  private health(part: Component): void {
    const h = this.hearing;
    if (!h || (part.courtroom && part.courtroom !== h.courtroom)) return;
    this.find<Seats>("tj-seats").hear(part);
    const key = `${part.component} ${part.instance}`;
    if (part.stopped && part.alarms.length === 0) this.parts.delete(key);
    else this.parts.set(key, part);
    this.alarms();
    this.unseated();
  }

  /** Tells the clerk of seats that are recorded and that the hearing does not have. */
  private unseated(): void {
    if (this.hearing && this.lines.outbox) tell(this.banner, unseated(this.hearing, this.parts.values(), this.sounds));
  }

  private async seat(channel: string): Promise<void> {
    const h = this.hearing;
    if (!h || (h.status !== "open" && h.status !== "paused" && h.status !== "closed")) return;
    const now = await seat(h, channel, unseated(h, this.parts.values(), this.sounds).get(channel) ?? channel);
    if (now) this.take(now);
  }

  private alarms(): void {
    const kept = new Set<string>();
    for (const [name, part] of this.parts) {
      for (const a of part.alarms) {
        if (a.hearing && a.hearing !== this.hearing?.id) continue;
        const key = `alarm ${name} ${a.code} ${a.channel ?? ""}`;
        kept.add(key);
        this.banner.set(key, "alarm", language() === "zh" ? a.text : a.text_en || a.text);
      }
    }
    this.banner.keepOnly("alarm ", kept);
  }

  /** Says when the text lags behind the speech. */
  private async progress(): Promise<void> {
    const h = this.hearing;
    if (!h?.opened_at || this.hasAttribute("lost")) return;
    let p;
    try {
      p = (await ask<HearingNow>(this.path)).progress;
    } catch (e) {
      if (e instanceof Problem) return; // the stream says when the server is lost
      throw e;
    }
    this.sounds = p.channels.filter((c) => c.stored_ms > 0).map((c) => c.channel);
    this.unseated();
    const behind = Math.max(0, ...p.channels.map((c) => c.stored_ms - c.recognised_ms));
    const ended = h.status === "closed" || h.status === "signed";
    if (ended && !p.complete) this.banner.set("backlog", "note", t("finishing"));
    else if (!ended && behind > backlogLimit) this.banner.set("backlog", "note", t("backlog", { n: Math.round(behind / 1000) }));
    else this.banner.clear("backlog");
  }
}
customElements.define("tj-hearing", HearingView);
