// A live event stream that notices its own silence.

import { silence } from "./api";

const again = 1000; // ms between two tries
const unseen = 60_000; // ms that a page may be hidden before its stream rests

/** Told of each event by its name; "open": the stream begins anew, and tells how every part is. */
export type Handler = (name: string, data: unknown) => void;

const names = ["hearing", "line", "partial", "health", "tick"];

/**
 * Stream keeps an EventSource open and takes it up again, from the last event
 * it has seen, when it breaks or falls silent. It does not leave the reconnect
 * to the browser, which gives up on some errors and cannot see a stream that is
 * open and dead. A browser has six connections for a server without encryption:
 * a page that has been left, which it keeps for "back", or that nobody sees lets
 * go of its own, and takes it up from there when it is seen again.
 */
export class Stream {
  private source: EventSource | null = null;
  private heard = performance.now();
  private tried = 0;
  private failures = 0;
  private watch = 0; // 0: it rests
  private resting = 0;
  private lost = false;

  /** after: the last event id that is known; null for a stream without ids. */
  constructor(
    private readonly path: string,
    private after: number | null,
    private readonly handle: Handler,
    private readonly onLost: (lost: boolean) => void,
  ) {}

  start(): void {
    window.addEventListener("pagehide", this.rest);
    window.addEventListener("pageshow", this.wake);
    document.addEventListener("visibilitychange", this.seen);
    this.wake();
  }

  stop(): void {
    window.removeEventListener("pagehide", this.rest);
    window.removeEventListener("pageshow", this.wake);
    document.removeEventListener("visibilitychange", this.seen);
    window.clearTimeout(this.resting);
    this.rest();
  }

  private readonly wake = (): void => {
    if (this.watch !== 0) return;
    this.heard = performance.now();
    this.connect();
    this.watch = window.setInterval(() => this.look(), 200);
  };

  private readonly rest = (): void => {
    window.clearInterval(this.watch);
    this.watch = 0;
    this.source?.close();
    this.source = null;
  };

  private readonly seen = (): void => {
    window.clearTimeout(this.resting);
    if (document.visibilityState === "visible") this.wake();
    else this.resting = window.setTimeout(this.rest, unseen);
  };

  private connect(): void {
    this.source?.close();
    this.tried = performance.now();
    const source = new EventSource(this.after === null ? this.path : `${this.path}${this.path.includes("?") ? "&" : "?"}after=${this.after}`);
    this.source = source;
    for (const name of names) {
      source.addEventListener(name, (e) => this.receive(source, name, e as MessageEvent<string>));
    }
    source.onopen = () => {
      if (source === this.source) this.handle("open", null);
    };
    source.onerror = () => {
      if (source !== this.source) return;
      source.close();
      this.source = null;
      this.failures++;
      if (this.failures === 1) this.connect(); // the server may have ended this stream alone
    };
  }

  private receive(source: EventSource, name: string, e: MessageEvent<string>): void {
    if (source !== this.source) return;
    this.heard = performance.now();
    this.failures = 0;
    if (this.after !== null && e.lastEventId !== "") this.after = Number(e.lastEventId);
    if (this.lost) this.report(false);
    this.handle(name, JSON.parse(e.data));
  }

  private look(): void {
    const now = performance.now();
    if (now - this.heard > silence || this.failures > 1) this.report(true);
    const stuck = this.source !== null && now - Math.max(this.heard, this.tried) > silence;
    if ((this.source === null || stuck) && now - this.tried > again) this.connect();
  }

  private report(lost: boolean): void {
    if (lost === this.lost) return;
    this.lost = lost;
    this.onLost(lost);
  }
}
