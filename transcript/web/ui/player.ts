// The sound of a hearing, heard again while it goes on: one stretch at a time.

import { hearingPath } from "./api";

/** Heard around a line, so that its first and last sound are whole. */
const margin = 250; // ms
const rates = [1, 0.75, 0.5];
const gains = [1, 2, 4];

interface Stretch {
  channel: string; // "": all seats
  from: number; // ms on the hearing's clock
  to: number;
}

export class Player {
  /** Told when something begins or ends to sound. */
  onChange: (playing: boolean) => void = () => {};
  /** Told when the sound cannot be played. */
  onTrouble: () => void = () => {};

  rate = 1;
  gain = 1;
  /** Whether a line is heard from its own seat alone, or from the whole room. */
  alone = true;

  private audio = new Audio();
  private amplifier: GainNode | null = null;
  private stretch: Stretch | null = null;
  private playing = false;
  private stopped = 0; // ms on the hearing's clock

  constructor(private readonly hearing: () => string | undefined) {
    this.audio.addEventListener("ended", () => this.stop());
    this.audio.addEventListener("error", () => {
      if (!this.playing) return; // it was stopped
      this.stop();
      this.onTrouble();
    });
  }

  /** Plays what was said from one time to another at a seat. */
  play(channel: string, start: number, end: number): void {
    this.begin({ channel, from: Math.max(0, Math.floor(start - margin)), to: Math.ceil(end + margin) });
  }

  stop(): void {
    if (!this.playing) return;
    this.stopped = this.place();
    this.playing = false;
    this.audio.pause();
    this.audio.removeAttribute("src");
    this.onChange(false);
  }

  /** Goes back from where it is, or from where it stopped; false: nothing was played yet. */
  back(ms: number): boolean {
    const s = this.stretch;
    if (!s) return false;
    const place = this.playing ? this.place() : this.stopped;
    const from = Math.max(0, Math.floor(place - ms));
    if (this.playing && from >= s.from) this.audio.currentTime = (from - s.from) / 1000;
    else this.begin({ channel: s.channel, from, to: Math.max(s.to, Math.ceil(place)) });
    return true;
  }

  slower(): void {
    this.rate = rates[(rates.indexOf(this.rate) + 1) % rates.length] as number;
    this.audio.playbackRate = this.rate;
  }

  louder(): void {
    this.gain = gains[(gains.indexOf(this.gain) + 1) % gains.length] as number;
    if (!this.amplifier) {
      const context = new AudioContext();
      this.amplifier = context.createGain();
      context.createMediaElementSource(this.audio).connect(this.amplifier).connect(context.destination);
      void context.resume();
    }
    this.amplifier.gain.value = this.gain;
  }

  private place(): number {
    return (this.stretch?.from ?? 0) + this.audio.currentTime * 1000;
  }

  private begin(s: Stretch): void {
    const id = this.hearing();
    if (!id) return;
    this.stretch = s;
    const query = new URLSearchParams({ from: String(s.from), to: String(s.to) });
    if (s.channel && this.alone) query.set("channel", s.channel);
    this.playing = true;
    this.audio.src = `${hearingPath(id, "/audio")}?${query.toString()}`;
    this.audio.playbackRate = this.rate;
    // A refusal to play is reported by the error event.
    this.audio.play().catch(() => {});
    this.onChange(true);
  }
}
