// What "/" shows: the open hearing; several: a choice; none: the latest, or what
// to do.

import { ask, type Component, type Hearing, Problem } from "./api";
import { unbound } from "./bind";
import type { Banner } from "./banner";
import type { HearingView } from "./hearing";
import { hue } from "./seats";
import { Stream } from "./stream";
import { clock, language, moment, t, timeOfDay, translate } from "./words";

/** How often it looks, beside an old hearing, for one that has begun. */
const lookEvery = 3000; // ms

/** <tj-home> */
export class Home extends HTMLElement {
  private shown = ""; // id of the hearing, "rooms" or "empty"
  private court = "";
  private hearings: Hearing[] = [];
  private stream: Stream | null = null; // while no hearing is shown, which has its own
  private ahead = 0; // the server's clock less ours, ms
  private timers: number[] = [];
  private parts = new Map<string, Component>(); // that have said anything
  private relabel = () => this.lobby(this.shown);

  connectedCallback(): void {
    document.addEventListener("tj-language", this.relabel);
    this.timers.push(window.setInterval(() => void this.look(), lookEvery), window.setInterval(() => this.tick(), 500));
    this.lobby("wait");
    void this.look();
  }

  disconnectedCallback(): void {
    for (const timer of this.timers) window.clearInterval(timer);
    this.stream?.stop();
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
    else this.lobby(this.hearings.length > 0 ? "rooms" : "empty");
  }

  private open(id: string): void {
    if (this.shown === id) return;
    this.shown = id;
    this.stream?.stop();
    this.stream = null;
    this.parts.clear();
    const view = document.createElement("tj-hearing");
    view.setAttribute("hearing", id);
    this.replaceChildren(view);
  }

  /** Shows what there is instead of one hearing: "wait", "empty" or "rooms". */
  private lobby(what: string): void {
    if (what !== "wait" && what !== "empty" && what !== "rooms") return;
    this.shown = what;
    document.title = t("app");
    if (!this.querySelector(".lobby")) {
      this.innerHTML = `<header><div class="court"><h1></h1></div><div class="now"><tj-tools></tj-tools></div></header>
        <tj-banner></tj-banner><main class="lobby"></main>`;
    }
    if (!this.stream) {
      this.stream = new Stream("/api/v1/events", null, (name, data) => this.receive(name, data), (lost) => this.lost(lost));
      this.stream.start();
    }
    (this.querySelector("h1") as HTMLElement).textContent = this.court || t("app");
    const lobby = this.querySelector(".lobby") as HTMLElement;
    if (what === "rooms") {
      this.rooms(lobby);
      return;
    }
    this.alarms();
    lobby.innerHTML = what === "wait"
      ? `<p data-t="loading"></p>`
      : `<h2 data-t="empty"></h2><p data-t="empty.1"></p><p data-t="empty.2"></p><p><a href="/new" data-t="new"></a></p><p data-t="empty.3"></p>`;
    translate(lobby);
  }

  private receive(name: string, data: unknown): void {
    if (name === "hearing") void this.look();
    if (name === "health") this.health(data as Component);
    if (name === "tick") this.ahead = Date.parse((data as { now: string }).now) - Date.now();
  }

  private health(part: Component): void {
    const key = `${part.component} ${part.instance} ${part.courtroom ?? ""}`;
    if (part.stopped && part.alarms.length === 0) this.parts.delete(key);
    else this.parts.set(key, part);
    this.alarms();
  }

  /** Shows what is wrong: on the courtroom's card, or above all where it has none. */
  private alarms(): void {
    const banner = this.querySelector<Banner>("tj-home > tj-banner");
    if (!banner) return;
    const cards = new Map<HTMLElement, string[]>();
    for (const card of this.querySelectorAll<HTMLElement>("a[data-hearing]")) cards.set(card, []);
    const kept = new Set<string>();
    for (const [name, part] of this.parts) {
      const own = [...cards].filter(([card]) => part.courtroom && card.dataset["courtroom"] === part.courtroom);
      for (const a of part.alarms) {
        const words = language() === "zh" ? a.text : a.text_en || a.text;
        for (const [card, said] of own) if (!a.hearing || a.hearing === card.dataset["hearing"]) said.push(words);
        if (own.length > 0) continue;
        const key = `alarm ${name} ${a.code} ${a.channel ?? ""}`;
        kept.add(key);
        banner.set(key, "alarm", words);
      }
    }
    banner.keepOnly("alarm ", kept);
    for (const [card, said] of cards) {
      const list = card.querySelector(".alarms") as HTMLElement;
      const words = said.join("\n");
      if (list.dataset["words"] === words) continue; // it would be read aloud again
      list.dataset["words"] = words;
      list.replaceChildren(...said.map((s) => {
        const el = document.createElement("span");
        el.textContent = s;
        return el;
      }));
    }
  }

  private lost(lost: boolean): void {
    if (lost) this.parts.clear(); // the stream begins with those that there are
    const banner = this.querySelector<Banner>("tj-home > tj-banner");
    if (lost) banner?.set("lost", "lost", t("lost"));
    else banner?.clear("lost");
    if (!lost) void this.look();
  }

  private rooms(lobby: HTMLElement): void {
    const focused = (document.activeElement as HTMLElement | null)?.dataset["hearing"];
    const title = document.createElement("h2");
    title.textContent = t(this.hearings.some((h) => h.status === "scheduled") ? "rooms.scheduled" : "rooms.lead");
    const cards = document.createElement("ul");
    cards.append(...[...this.hearings].sort((a, b) => a.courtroom_name.localeCompare(b.courtroom_name, "zh-CN")).map(card));
    const make = document.createElement("p");
    make.innerHTML = `<a href="/new" data-t="new"></a>`;
    translate(make);
    lobby.replaceChildren(title, cards, make);
    this.tick();
    this.alarms();
    if (focused) this.querySelector<HTMLElement>(`[data-hearing="${CSS.escape(focused)}"]`)?.focus();
  }

  private tick(): void {
    for (const h of this.hearings) {
      const el = this.querySelector(`[data-hearing="${CSS.escape(h.id)}"] time`);
      if (el && h.opened_at) el.textContent = clock(Date.now() + this.ahead - Date.parse(h.opened_at));
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
  a.dataset["courtroom"] = h.courtroom;
  a.dataset["status"] = h.status;
  const part = (tag: string, name: string, words: string) => {
    const el = document.createElement(tag);
    el.className = name;
    el.textContent = words;
    a.append(el);
  };
  part("h3", "room", h.courtroom_name);
  part("span", "status", t(`status.${h.status}`));
  part("p", "case-no", unbound(h) ? t("unbound") : h.case_no);
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
  part("span", "alarms", "");
  a.querySelector(".alarms")?.setAttribute("role", "status");
  if (h.opened_at) {
    part("small", "since", t("rooms.opened", { time: timeOfDay(h.opened_at) }));
    part("time", "clock", "");
  } else if (h.scheduled_at) {
    part("small", "since", t("rooms.planned", { time: moment(h.scheduled_at) }));
  }
  li.append(a);
  return li;
}
