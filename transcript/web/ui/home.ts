// What "/" shows: the open hearing; several: a choice; none: the latest, or what
// to do.

import { ask, type Hearing, Problem } from "./api";
import { HearingView } from "./hearing";
import { hue } from "./seats";
import { clock, moment, t, timeOfDay, translate } from "./words";

/** How often it looks for a hearing that has begun elsewhere. */
const lookEvery = 3000; // ms

/** <tj-home> */
export class Home extends HTMLElement {
  private shown = ""; // id of the hearing, "rooms" or "empty"
  private court = "";
  private hearings: Hearing[] = [];
  private timers: number[] = [];
  private relabel = () => this.rooms();

  connectedCallback(): void {
    this.innerHTML = `<p class="wait" data-t="loading"></p>`;
    translate(this);
    document.addEventListener("tj-language", this.relabel);
    this.timers.push(window.setInterval(() => void this.look(), lookEvery), window.setInterval(() => this.tick(), 500));
    void this.look();
  }

  disconnectedCallback(): void {
    for (const timer of this.timers) window.clearInterval(timer);
    document.removeEventListener("tj-language", this.relabel);
  }

  private async look(): Promise<void> {
    const view = this.querySelector<HearingView>("tj-hearing");
    if (view && (view.dataset["status"] === "open" || view.dataset["status"] === "paused")) return;
    let live: Hearing[];
    let rest: Hearing[] = [];
    try {
      live = await list("open,paused");
      if (live.length === 0) rest = await list("scheduled");
      if (live.length + rest.length === 0) rest = await list("closed,signed", 1);
      this.court ||= (await ask<{ court: string }>("/api/v1/health")).court;
    } catch (e) {
      if (e instanceof Problem) return; // asked again in a moment
      throw e;
    }
    this.hearings = live.length > 0 ? live : rest;
    const only = this.hearings.length === 1 ? this.hearings[0] : undefined;
    if (view && this.shown !== only?.id) {
      // A reader in the middle of an old record is asked, a screen on the wall is not.
      if (live.length === 0) return;
      if (!view.lines.atEnd()) {
        const h = live[0] as Hearing;
        view.banner.set("switch", "note", t("switch", { room: h.courtroom_name, case: h.case_no }), { href: "/", words: t("switch.go") });
        return;
      }
    }
    if (only) this.open(only.id);
    else this.rooms(this.hearings.length > 0 ? "rooms" : "empty");
  }

  private open(id: string): void {
    if (this.shown === id) return;
    this.shown = id;
    const view = document.createElement("tj-hearing");
    view.setAttribute("hearing", id);
    this.replaceChildren(view);
  }

  private rooms(what = this.shown): void {
    if (what !== "rooms" && what !== "empty") return;
    this.shown = what;
    document.title = t("app");
    if (!this.querySelector(".lobby")) {
      this.innerHTML = `<header><div class="court"><h1></h1></div><div class="now"><tj-tools></tj-tools></div></header><main class="lobby"></main>`;
    }
    (this.querySelector("h1") as HTMLElement).textContent = this.court || t("app");
    const lobby = this.querySelector(".lobby") as HTMLElement;
    if (what === "empty") {
      lobby.innerHTML = `<h2 data-t="empty"></h2><p data-t="empty.1"></p><p data-t="empty.2"></p><p data-t="empty.3"></p>`;
      translate(lobby);
      return;
    }
    const focused = (document.activeElement as HTMLElement | null)?.dataset["hearing"];
    const title = document.createElement("h2");
    title.textContent = t(this.hearings.some((h) => h.status === "scheduled") ? "rooms.scheduled" : "rooms.lead");
    const cards = document.createElement("ul");
    cards.append(...[...this.hearings].sort((a, b) => a.courtroom_name.localeCompare(b.courtroom_name, "zh-CN")).map(card));
    lobby.replaceChildren(title, cards);
    this.tick();
    if (focused) this.querySelector<HTMLElement>(`[data-hearing="${CSS.escape(focused)}"]`)?.focus();
  }

  private tick(): void {
    for (const h of this.hearings) {
      const el = this.querySelector(`[data-hearing="${CSS.escape(h.id)}"] time`);
      if (el && h.opened_at) el.textContent = clock(Date.now() - Date.parse(h.opened_at));
    }
  }
}
customElements.define("tj-home", Home);

async function list(status: string, limit = 100): Promise<Hearing[]> {
  return (await ask<{ hearings: Hearing[] }>(`/api/v1/hearings?status=${status}&limit=${limit}`)).hearings;
}

function card(h: Hearing): HTMLElement {
  const li = document.createElement("li");
  const a = document.createElement("a");
  a.href = `/hearings/${encodeURIComponent(h.id)}`;
  a.dataset["hearing"] = h.id;
  a.dataset["status"] = h.status;
  const part = (tag: string, name: string, words: string) => {
    const el = document.createElement(tag);
    el.className = name;
    el.textContent = words;
    a.append(el);
  };
  part("h3", "room", h.courtroom_name);
  part("span", "status", t(`status.${h.status}`));
  part("p", "case-no", h.case_no);
  part("p", "cause", h.cause);
  if (h.demo) part("span", "badge demo", t("demo"));
  const who = document.createElement("p");
  who.className = "who";
  for (const role of new Set(h.seats.map((s) => s.role))) {
    const el = document.createElement("span");
    el.className = hue(role);
    el.textContent = role;
    who.append(el);
  }
  a.append(who);
  if (h.opened_at) {
    part("small", "since", t("rooms.opened", { time: timeOfDay(h.opened_at) }));
    part("time", "clock", "");
  } else if (h.scheduled_at) {
    part("small", "since", t("rooms.planned", { time: moment(h.scheduled_at) }));
  }
  li.append(a);
  return li;
}
