// The screen that the parties read from: the hearing of one courtroom in large
// type. Nobody touches it; it stays through the night and comes back by itself.

import { ask, type Hearing, Problem } from "./api";
import type { Banner } from "./banner";
import type { HearingView } from "./hearing";
import { Stream } from "./stream";
import { t } from "./words";

/** How often it looks which hearing is held, beside what the stream tells. */
const lookEvery = 3000; // ms
/** How long it waits for the answer. */
const patience = 5000; // ms
/** How long the end of a hearing is shown. */
const lingers = 10 * 60_000; // ms
/** A page that waits is loaded anew once a day: the program may be a newer one. */
const renewed = 12 * 3600_000; // ms

/** <tj-screen courtroom="id"> */
export class Screen extends HTMLElement {
  private shown: string | null = null; // id of the hearing
  private over = 0; // performance.now() when its end was seen
  private stream: Stream | null = null; // while no hearing is shown, which has its own
  private timer = 0;
  private looking = false;
  private again = false; // something has happened while it looked
  private room = "";
  private relabel = () => {
    if (this.shown === null) this.wait();
  };
  // A hearing that may not be seen here is none, and no reason to wait for a hand.
  private gone = (e: Event) => {
    e.stopPropagation();
    this.wait();
  };

  connectedCallback(): void {
    this.wait();
    this.timer = window.setInterval(() => void this.look(), lookEvery);
    document.addEventListener("tj-language", this.relabel);
    this.addEventListener("tj-gone", this.gone);
    void this.look();
  }

  disconnectedCallback(): void {
    window.clearInterval(this.timer);
    this.stream?.stop();
    document.removeEventListener("tj-language", this.relabel);
    this.removeEventListener("tj-gone", this.gone);
  }

  /** Shows what the courtroom's list says is held now: one question at a time, however long its answer takes. */
  private async look(): Promise<void> {
    this.again = true;
    if (this.looking) return;
    this.looking = true;
    try {
      while (this.again) {
        this.again = false;
        await this.lookOnce();
      }
    } catch (e) {
      if (!(e instanceof Problem || e instanceof DOMException)) throw e; // asked again in a moment
    } finally {
      this.looking = false;
    }
  }

  private async lookOnce(): Promise<void> {
    const courtroom = this.getAttribute("courtroom") ?? "";
    const query = new URLSearchParams({ courtroom, status: "open,paused", limit: "1" });
    const live = (await ask<{ hearings: Hearing[] }>(`/api/v1/hearings?${query.toString()}`, "GET", undefined, AbortSignal.timeout(patience))).hearings[0];
    if (!this.room) {
      const { courtrooms } = await ask<{ courtrooms: { id: string; name: string }[] }>("/api/v1/courtrooms", "GET", undefined, AbortSignal.timeout(patience));
      this.room = courtrooms.find((r) => r.id === courtroom)?.name ?? courtroom;
      if (this.shown === null) this.wait();
    }
    if (live) {
      this.over = 0;
      this.open(live.id);
      return;
    }
    if (this.shown === null) {
      if (performance.now() > renewed) location.reload();
      return;
    }
    this.over ||= performance.now();
    const status = this.querySelector<HearingView>("tj-hearing")?.dataset["status"];
    const ended = status === "closed" || status === "signed";
    // What is held and not listed was just closed, and says so itself; or it may no longer be seen here.
    if (performance.now() - this.over > (ended ? lingers : lookEvery - 500)) this.wait();
  }

  private open(id: string): void {
    if (this.shown === id) return;
    this.shown = id;
    this.stream?.stop();
    this.stream = null;
    const view = document.createElement("tj-hearing");
    view.setAttribute("hearing", id);
    view.setAttribute("read", "");
    this.replaceChildren(view);
  }

  /** Shows whose screen it is, until a hearing begins. */
  private wait(): void {
    this.shown = null;
    this.over = 0;
    document.title = `${this.room} · ${t("app")}`;
    const main = document.createElement("main");
    main.innerHTML = "<h1></h1><p></p>";
    (main.children[0] as HTMLElement).textContent = this.room;
    (main.children[1] as HTMLElement).textContent = t("screen.wait");
    const banner = this.querySelector<Banner>("tj-screen > tj-banner") ?? document.createElement("tj-banner");
    this.replaceChildren(banner, main);
    if (this.stream) return;
    this.stream = new Stream("/api/v1/events", null, (name) => {
      if (name === "hearing") void this.look();
    }, (lost) => {
      const b = this.querySelector<Banner>("tj-screen > tj-banner");
      if (lost) b?.set("lost", "lost", t("lost"));
      else b?.clear("lost");
      if (!lost) void this.look();
    });
    this.stream.start();
  }
}
customElements.define("tj-screen", Screen);
