// The hearings of one day: /hearings?date=2026-05-06, today without a date.

import "./tools";

import { ask, type Hearing } from "./api";
import { unbound } from "./bind";
import type { Banner } from "./banner";
import { hue } from "./seats";
import { courtZone, language, t, translate } from "./words";

const frame = `
<header><div class="court"><h1 data-t="day"></h1></div><div class="now"><tj-tools></tj-tools></div></header>
<tj-banner></tj-banner>
<nav data-t-label="day.choose"><a class="before" data-t="day.before" rel="prev"></a><input type="date" required data-t-label="day.choose"><a class="after" data-t="day.after" rel="next"></a><a class="today" data-t="day.today" href="/hearings"></a></nav>
<main><h2></h2><p class="count" role="status"></p><ol></ol></main>`;

/** <tj-day> */
export class Day extends HTMLElement {
  private date = new URLSearchParams(location.search).get("date") ?? today();
  private hearings: Hearing[] | null = null;
  private relabel = () => this.draw();
  private seen = () => {
    if (document.visibilityState === "visible") void this.look();
  };

  connectedCallback(): void {
    this.innerHTML = frame;
    translate(this);
    const input = this.find<HTMLInputElement>("nav input");
    input.value = this.date;
    input.addEventListener("change", () => {
      if (input.value) location.assign(address(input.value));
    });
    this.find<HTMLAnchorElement>(".before").href = address(shifted(this.date, -1));
    this.find<HTMLAnchorElement>(".after").href = address(shifted(this.date, 1));
    document.addEventListener("tj-language", this.relabel);
    document.addEventListener("visibilitychange", this.seen);
    this.draw();
    void this.look();
  }

  disconnectedCallback(): void {
    document.removeEventListener("tj-language", this.relabel);
    document.removeEventListener("visibilitychange", this.seen);
  }

  private find<E extends HTMLElement = HTMLElement>(selector: string): E {
    return this.querySelector(selector) as E;
  }

  private async look(): Promise<void> {
    const banner = this.find<Banner>("tj-banner");
    try {
      const { hearings } = await ask<{ hearings: Hearing[] }>(`/api/v1/hearings?date=${encodeURIComponent(this.date)}&limit=1000`);
      // An announcement that became another hearing is that one.
      this.hearings = hearings.filter((h) => !h.taken_over_by).sort((a, b) => instant(a) - instant(b));
      banner.clear("failed");
    } catch (e) {
      banner.set("failed", "alarm", t("search.failed", { why: (e as Error).message }));
    }
    this.draw();
  }

  private draw(): void {
    const when = new Date(`${this.date}T12:00:00+08:00`);
    const title = isNaN(when.getTime()) ? this.date : new Intl.DateTimeFormat(language() === "zh" ? "zh-CN" : "en-GB", {
      timeZone: courtZone, year: "numeric", month: "long", day: "numeric", weekday: "long",
    }).format(when);
    this.find("h2").textContent = title;
    document.title = `${title} · ${t("app")}`;
    if (!this.hearings) return;
    this.find(".count").textContent = this.hearings.length === 0 ? t("day.none") : t("day.count", { n: this.hearings.length });
    this.find("main ol").replaceChildren(...this.hearings.map(row));
  }
}
customElements.define("tj-day", Day);

function row(h: Hearing): HTMLElement {
  const li = document.createElement("li");
  li.dataset["status"] = h.status;
  const a = document.createElement("a");
  a.href = `/hearings/${encodeURIComponent(h.id)}`;
  const part = (tag: string, name: string, words: string) => {
    const el = document.createElement(tag);
    el.className = name;
    el.textContent = words;
    a.append(el);
    return el;
  };
  const ends = [begin(h), h.closed_at ?? ""].filter((iso) => iso !== "").map(hourOf);
  part("time", "when", ends.join("–"));
  part("span", "room", h.courtroom_name);
  part("b", "case-no", unbound(h) ? t("unbound") : h.case_no);
  part("span", "cause", h.cause);
  part("span", "status", t(`status.${h.status}`));
  if (!h.public) part("span", "badge private", t("private"));
  if (h.demo) part("span", "badge demo", t("demo"));
  const who = part("span", "who", "");
  for (const role of new Set(h.seats.map((s) => s.role))) {
    const el = document.createElement("span");
    el.className = hue(role);
    el.textContent = role;
    who.append(el);
  }
  li.append(a);
  return li;
}

function begin(h: Hearing): string {
  return h.opened_at ?? h.scheduled_at ?? "";
}

/** Hearings without an hour stand behind the others. */
function instant(h: Hearing): number {
  return begin(h) === "" ? Infinity : Date.parse(begin(h));
}

function hourOf(iso: string): string {
  return new Intl.DateTimeFormat("en-GB", { timeZone: courtZone, hour: "2-digit", minute: "2-digit" }).format(new Date(iso));
}

function today(): string {
  return new Intl.DateTimeFormat("en-CA", { timeZone: courtZone }).format(new Date());
}

function shifted(date: string, days: number): string {
  const at = new Date(`${date}T00:00:00Z`);
  if (isNaN(at.getTime())) return today();
  at.setUTCDate(at.getUTCDate() + days);
  return at.toISOString().slice(0, 10);
}

function address(date: string): string {
  return `/hearings?date=${date}`;
}
