// The screen that the parties read from: the hearing of one courtroom in large
// type. Nobody touches it; it stays through the night and comes back by itself.

import { ask, type Hearing, Problem } from "./api";
import type { Banner } from "./banner";
import type { HearingView } from "./hearing";
import { Stream } from "./stream";
import { t } from "./words";

/** How often it looks for a hearing that has begun, beside what the stream tells. */
const lookEvery = 3000; // ms
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
  private room = "";
  private relabel = () => {
    if (this.shown === null) this.wait();
  };

  connectedCallback(): void {
    this.wait();
    this.timer = window.setInterval(() => void this.look(), lookEvery);
    document.addEventListener("tj-language", this.relabel);
    void this.look();
  }

  disconnectedCallback(): void {
    window.clearInterval(this.timer);
    this.stream?.stop();
    document.removeEventListener("tj-language", this.relabel);
  }

  private async look(): Promise<void> {
    const view = this.querySelector<HearingView>("tj-hearing");
    const status = view?.dataset["status"];
    if (status === "open" || status === "paused") {
      this.over = 0;
      return;
    }
    const courtroom = this.getAttribute("courtroom") ?? "";
    let live: Hearing | undefined;
    try {
      const query = new URLSearchParams({ courtroom, status: "open,paused", limit: "1" });
      live = (await ask<{ hearings: Hearing[] }>(`/api/v1/hearings?${query.toString()}`)).hearings[0];
      if (!this.room) {
        const { courtrooms } = await ask<{ courtrooms: { id: string; name: string }[] }>("/api/v1/courtrooms");
        this.room = courtrooms.find((r) => r.id === courtroom)?.name ?? courtroom;
        if (this.shown === null) this.wait();
      }
    } catch (e) {
      if (e instanceof Problem) return; // asked again in a moment
      throw e;
    }
    if (live) {
      this.over = 0;
      this.open(live.id);
      return;
    }
    if (this.shown !== null) {
      this.over ||= performance.now();
      if (performance.now() - this.over > lingers) this.wait();
    } else if (performance.now() > renewed) {
      location.reload();
    }
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
