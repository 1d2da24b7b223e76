// The sound of a hearing, heard again while it goes on: one stretch at a time.

import { hearingPath } from "./api";

/** How long the clerk is at a line before its sound is fetched: keys that run through the list pass by. */
const settled = 100; // ms
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
  private next = new Audio(); // has the sound of the line that the clerk is at, before he asks for it
  private expected = ""; // address of that sound
  private settling = 0;
  private amplifier: GainNode | null = null;
  private stretch: Stretch | null = null;
  private playing = false;
  private stopped = 0; // ms on the hearing's clock

  constructor(private readonly hearing: () => string | undefined) {
    for (const a of [this.audio, this.next]) {
      a.preload = "auto";
      a.addEventListener("ended", () => {
        if (a === this.audio) this.stop();
      });
      a.addEventListener("error", () => {
        if (a !== this.audio) this.expected = ""; // it is asked for again, and said, when it is to be heard
        else if (this.playing) {
          this.stop();
          this.onTrouble();
        }
      });
    }
  }

  /** Fetches what was said from one time to another at a seat; it is then heard at once. */
  prepare(channel: string, start: number, end: number): void {
    window.clearTimeout(this.settling);
    this.settling = window.setTimeout(() => {
      const address = this.address(around(channel, start, end));
      if (!address || address === this.expected) return;
      this.expected = address;
      this.next.src = address;
    }, settled);
  }

  /** Lets go of everything. */
  end(): void {
    window.clearTimeout(this.settling);
    this.stop();
    this.expected = "";
    this.next.removeAttribute("src");
  }

  /** Plays what was said from one time to another at a seat. */
  play(channel: string, start: number, end: number): void {
    this.begin(around(channel, start, end));
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
      this.amplifier.connect(context.destination);
      for (const a of [this.audio, this.next]) context.createMediaElementSource(a).connect(this.amplifier);
      void context.resume();
    }
    this.amplifier.gain.value = this.gain;
  }

  private place(): number {
    return (this.stretch?.from ?? 0) + this.audio.currentTime * 1000;
  }

  private begin(s: Stretch): void {
    const address = this.address(s);
    if (!address) return;
    this.stretch = s;
    this.playing = true;
    if (address === this.expected) {
      [this.audio, this.next] = [this.next, this.audio];
      this.expected = "";
      this.next.pause();
      this.next.removeAttribute("src");
    } else {
      this.audio.src = address;
    }
    this.audio.playbackRate = this.rate;
    // A refusal to play is reported by the error event.
    this.audio.play().catch(() => {});
    this.onChange(true);
  }

  private address(s: Stretch): string {
    const id = this.hearing();
    if (!id) return "";
    const query = new URLSearchParams({ from: String(s.from), to: String(s.to) });
    if (s.channel && this.alone) query.set("channel", s.channel);
    return `${hearingPath(id, "/audio")}?${query.toString()}`;
  }
}

function around(channel: string, start: number, end: number): Stretch {
  return { channel, from: Math.max(0, Math.floor(start - margin)), to: Math.ceil(end + margin) };
}
