// Reading a hearing that is over: what it contains, and its sound with the text
// that follows it.

import { ask, type Hearing, hearingPath, type Line } from "./api";
import type { Lines } from "./lines";
import { hue } from "./seats";
import { clock, t, translate } from "./words";
import { form, nextForm, shownText } from "./written";

/** Sound begins a little before a line, so that its first syllable is whole. */
const lead = 250; // ms
const jump = 10_000; // ms, of the buttons back and ahead
/** Contents by time have no more entries than this. */
const entries = 14;

interface Phase {
  phase: string;
  line: string; // with which it begins
  state: "proposed" | "confirmed" | "refused";
}

interface Entry {
  line: Line;
  words: string;
  proposed: boolean;
}

/** The first line of every so many minutes, with its beginning. */
function timesOf(lines: Line[]): Entry[] {
  const last = lines[lines.length - 1];
  if (!last) return [];
  const step = [1, 2, 5, 10, 15, 30, 60, 120].find((minutes) => last.start_ms / (minutes * 60_000) < entries) ?? 240;
  const found: Entry[] = [];
  let slot = -1;
  for (const line of lines) {
    const in_ = Math.floor(line.start_ms / (step * 60_000));
    if (in_ === slot || line.text === "") continue;
    slot = in_;
    found.push({ line, words: `${line.role}：${shownText(line)}`, proposed: false });
  }
  return found;
}

const frame = `
<details class="contents" open><summary data-t="contents"></summary><p data-t="contents.how" hidden></p><ol></ol>
  <p><a class="within" data-t="reading.search"></a> <button type="button" class="form" data-t-title="help.form"></button></p></details>
<div class="player" role="group" data-t-label="player">
  <button type="button" data-do="back" data-t="player.back" data-t-label="player.back.label"></button>
  <button type="button" data-do="play" class="primary"></button>
  <button type="button" data-do="ahead" data-t="player.ahead" data-t-label="player.ahead.label"></button>
  <time></time>
  <input type="range" min="0" step="1000" value="0" data-t-label="player.at">
  <time class="length"></time>
  <label><span class="unseen" data-t="player.rate"></span><select><option value="0.75">0.75×</option><option value="1" selected>1×</option><option value="1.25">1.25×</option><option value="1.5">1.5×</option><option value="2">2×</option></select></label>
</div>`;

/** <tj-reading> stands beside the lines of a hearing that is over. */
export class Reading extends HTMLElement {
  /** Told when the sound cannot be played. */
  onTrouble: (why: string) => void = () => {};

  private lines: Lines | null = null;
  private hearing: Hearing | null = null;
  private said: Line[] = [];
  private phases: Phase[] = [];
  private asking = 0; // timer
  private audio = new Audio();
  private from = 0; // where the audio begins, ms on the hearing's clock
  private at = 0; // ms on the hearing's clock
  private loaded = false;
  private now: Element | null = null; // the line that is heard
  private relabel = () => this.draw();

  connectedCallback(): void {
    this.innerHTML = frame;
    translate(this);
    this.audio.preload = "none";
    const range = this.find<HTMLInputElement>("input");
    range.addEventListener("input", () => this.put(Number(range.value)));
    range.addEventListener("change", () => this.seek(Number(range.value)));
    const rate = this.find<HTMLSelectElement>("select");
    rate.addEventListener("change", () => (this.audio.playbackRate = Number(rate.value)));
    this.find(".player").addEventListener("click", (e) => {
      const what = (e.target as Element).closest<HTMLElement>("button")?.dataset["do"];
      if (what === "back") this.seek(this.at - jump);
      if (what === "ahead") this.seek(this.at + jump);
      if (what === "play") this.toggle();
    });
    for (const name of ["play", "pause", "ended"]) this.audio.addEventListener(name, () => this.draw());
    this.audio.addEventListener("timeupdate", () => this.put(this.from + this.audio.currentTime * 1000));
    this.audio.addEventListener("error", () => {
      if (!this.loaded) return;
      this.loaded = false;
      this.draw();
      this.onTrouble(t("audio.missing"));
    });
    this.find(".form").addEventListener("click", nextForm);
    document.addEventListener("tj-language", this.relabel);
    document.addEventListener("tj-form", this.relabel);
    // A phone has no room for contents that nobody asked for.
    if (matchMedia("(max-width: 1080px)").matches) this.find<HTMLDetailsElement>(".contents").open = false;
  }

  disconnectedCallback(): void {
    window.clearTimeout(this.asking);
    this.audio.pause();
    this.audio.removeAttribute("src");
    document.removeEventListener("tj-language", this.relabel);
    document.removeEventListener("tj-form", this.relabel);
    this.lines?.removeEventListener("click", this.pressed, true);
  }

  private find<E extends HTMLElement = HTMLElement>(selector: string): E {
    return this.querySelector(selector) as E;
  }

  /** Takes the hearing and the view of its lines, and takes them again when they have changed. */
  show(h: Hearing, lines: Lines): void {
    this.hearing = h;
    if (!this.lines) {
      lines.addEventListener("click", this.pressed, true);
      const told = lines.player.onChange;
      lines.player.onChange = (playing) => {
        if (playing) this.audio.pause(); // one sound at a time
        told(playing);
      };
    }
    this.lines = lines;
    this.said = lines.all();
    this.find<HTMLInputElement>("input").max = String(this.length());
    this.draw();
    // Many lines at once change the phases once.
    window.clearTimeout(this.asking);
    this.asking = window.setTimeout(() => void this.askPhases(), 200);
  }

  private async askPhases(): Promise<void> {
    if (!this.hearing) return;
    try {
      this.phases = (await ask<{ phases: Phase[] }>(hearingPath(this.hearing.id, "/phases"))).phases;
    } catch {
      return; // the contents by time remain; the stream says when the server is lost
    }
    this.draw();
  }

  private length(): number {
    const { opened_at: opened, closed_at: closed } = this.hearing ?? {};
    return opened && closed ? Date.parse(closed) - Date.parse(opened) : 0;
  }

  private draw(): void {
    const h = this.hearing;
    if (!h) return;
    const byId = new Map(this.said.map((l) => [l.id, l]));
    const phases = this.phases.flatMap((p): Entry[] => {
      const line = byId.get(p.line);
      return line && p.state !== "refused" ? [{ line, words: p.phase, proposed: p.state === "proposed" }] : [];
    });
    const list = phases.length > 1 ? phases : timesOf(this.said);
    this.find(".contents [data-t='contents.how']").hidden = !list.some((e) => e.proposed);
    this.find(".contents ol").replaceChildren(...list.map(({ line, words, proposed }) => {
      const li = document.createElement("li");
      const a = document.createElement("a");
      a.href = `#line-${encodeURIComponent(line.id)}`;
      a.className = hue(line.role);
      const time = document.createElement("time");
      time.textContent = clock(line.start_ms);
      const text = document.createElement("span");
      text.textContent = proposed ? `${words}*` : words;
      a.append(time, text);
      li.append(a);
      return li;
    }));
    this.find<HTMLAnchorElement>(".within").href = `/search?q=${encodeURIComponent(`庭审:${h.id} `)}`;
    this.find(".form").textContent = `${t("desk.form")}：${t(`form.${form()}`)}`;
    const playing = !this.audio.paused && this.loaded;
    const button = this.find('[data-do="play"]');
    button.textContent = playing ? "⏸" : "▶";
    button.setAttribute("aria-label", t(playing ? "player.pause" : "player.play"));
    this.find(".length").textContent = clock(this.length());
    this.put(this.at);
  }

  /** The time of a line plays on from that line, with all microphones. */
  private pressed = (e: Event) => {
    const li = (e.target as Element).closest("button.time")?.closest("li");
    const line = this.said.find((l) => `line-${l.id}` === li?.id);
    if (!line) return;
    e.stopPropagation();
    if (this.now === li && !this.audio.paused) this.audio.pause();
    else this.play(line.start_ms - lead);
  };

  private toggle(): void {
    if (!this.loaded) this.play(this.at);
    else if (this.audio.paused) void this.audio.play().catch(() => {});
    else this.audio.pause();
  }

  private seek(at: number): void {
    const was = this.loaded && !this.audio.paused;
    this.audio.pause();
    this.loaded = false;
    this.put(at);
    if (was) this.play(this.at);
  }

  private play(at: number): void {
    const h = this.hearing;
    if (!h) return;
    this.lines?.player.stop();
    this.from = Math.max(0, Math.min(Math.floor(at), this.length() - 1));
    this.loaded = true;
    this.audio.src = `${hearingPath(h.id, "/audio")}?from=${this.from}`;
    this.audio.playbackRate = Number(this.find<HTMLSelectElement>("select").value);
    // A refusal to play is reported by the error event.
    void this.audio.play().catch(() => {});
    this.put(this.from);
  }

  /** Shows a place of the sound: on the slider, and in the text. */
  private put(at: number): void {
    this.at = Math.max(0, Math.min(at, this.length()));
    this.find(".player time").textContent = clock(this.at);
    const range = this.find<HTMLInputElement>("input");
    if (document.activeElement !== range || !this.audio.paused) range.value = String(this.at);
    range.setAttribute("aria-valuetext", clock(this.at));
    this.mark(this.loaded ? this.lineAt(this.at + lead) : undefined);
  }

  /** The line that is being spoken, or was last. */
  private lineAt(at: number): Line | undefined {
    let low = 0;
    let high = this.said.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.said[middle] as Line).start_ms <= at) low = middle + 1;
      else high = middle;
    }
    return this.said[low - 1];
  }

  private mark(line: Line | undefined): void {
    const el = line ? document.getElementById(`line-${line.id}`) : null;
    if (el === this.now) return;
    this.now?.removeAttribute("aria-current");
    el?.setAttribute("aria-current", "true");
    this.now = el;
    // The text follows the sound, but is not pulled away from who corrects a line.
    if (!el || this.audio.paused || this.lines?.editor.line) return;
    el.scrollIntoView({ block: "center", behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" });
  }
}
customElements.define("tj-reading", Reading);
