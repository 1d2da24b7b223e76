// The seats of a courtroom: the colour and the lane that tell their lines
// apart, and the strip that shows that every microphone is alive.

import type { Component, Hearing, SeatHealth } from "./api";
import { t } from "./words";

/**
 * The hue of a role, as a class name. Hues come from a palette that colour-blind
 * readers tell apart; the lane and the role's name say the same without colour.
 */
export function hue(role: string): string {
  if (/^(审判|独任|人民陪审|法官)/.test(role)) return "bench";
  if (/^(书记员|法警)/.test(role)) return "clerk";
  if (/^(原告|上诉人|公诉人|自诉人|被害人|附带民事诉讼原告)/.test(role)) return "claim";
  if (/^(被告|被上诉人|辩护人|行政机关|附带民事诉讼被告)/.test(role)) return "defence";
  if (/^(证人|鉴定人|勘验人|侦查|调查|有专门)/.test(role)) return "witness";
  return "other";
}

/** The lane of each channel, in the order of the seats; holders of one seat share it. */
export function lanes(h: Hearing): Map<string, number> {
  const found = new Map<string, number>();
  for (const s of h.seats) if (!found.has(s.channel)) found.set(s.channel, found.size);
  return found;
}

/** A sign of life older than this is none; the daemons send one each second. */
const stale = 4000; // ms

interface Chip {
  root: HTMLElement;
  role: HTMLElement;
  speaker: HTMLElement;
  state: HTMLElement;
  level: HTMLElement;
  heard: number; // performance.now() of the last sign of life
  health: SeatHealth | null;
}

/** <tj-seats> */
export class Seats extends HTMLElement {
  /** Told of a seat that somebody is to sit at; where nobody listens, there is nothing to press. */
  onSeat: ((channel: string) => void) | null = null;

  private chips = new Map<string, Chip>();
  private hearing: Hearing | null = null;
  private timer = 0;
  // On a narrow screen the strip scrolls, which the keyboard has to do too.
  private width = new ResizeObserver(() => {
    if (this.scrollWidth > this.clientWidth) this.tabIndex = 0;
    else this.removeAttribute("tabindex");
  });

  connectedCallback(): void {
    this.width.observe(this);
    this.setAttribute("role", "list");
    this.dataset["tLabel"] = "seats";
    this.timer = window.setInterval(() => this.refresh(), 500);
  }

  disconnectedCallback(): void {
    this.width.disconnect();
    window.clearInterval(this.timer);
  }

  show(h: Hearing): void {
    this.hearing = h;
    const places = lanes(h);
    for (const [channel, chip] of this.chips) {
      if (!places.has(channel)) {
        chip.root.remove();
        this.chips.delete(channel);
      }
    }
    for (const [channel, lane] of places) {
      const holders = h.seats.filter((s) => s.channel === channel);
      const seat = holders[holders.length - 1];
      if (!seat) continue;
      const chip = this.chips.get(channel) ?? this.chip(channel);
      chip.root.className = `seat ${hue(seat.role)}`;
      chip.root.style.setProperty("--lane", String(lane));
      chip.role.textContent = seat.role;
      if (chip.role instanceof HTMLButtonElement) chip.role.disabled = h.status === "scheduled" || h.status === "signed";
      chip.speaker.textContent = seat.speaker ?? "";
    }
    this.refresh();
  }

  hear(part: Component): void {
    if (part.component !== "capture") return;
    for (const s of part.seats ?? []) {
      if (s.hearing && s.hearing !== this.hearing?.id) continue;
      const chip = this.chips.get(s.channel);
      if (!chip) continue;
      chip.health = s;
      // A part that is dead is reported too, with the time of its last word.
      chip.heard = part.stopped ? -Infinity : performance.now();
    }
    this.refresh();
  }

  private chip(channel: string): Chip {
    const root = document.createElement("div");
    root.setAttribute("role", "listitem");
    root.dataset["channel"] = channel;
    root.innerHTML =
      '<span class="who"><b></b><small></small></span><span class="meter" aria-hidden="true"><i></i></span><em></em>';
    const part = (name: string) => root.querySelector(name) as HTMLElement;
    let role = part("b");
    const change = this.onSeat;
    if (change) {
      const button = document.createElement("button");
      button.type = "button";
      button.dataset["tTitle"] = "seat.change";
      button.title = t("seat.change");
      button.addEventListener("click", () => change(channel));
      role.append(button);
      role = button;
    }
    const chip: Chip = {
      root, role, speaker: part("small"), state: part("em"), level: part("i"),
      heard: -Infinity, health: null,
    };
    this.chips.set(channel, chip);
    this.append(root);
    return chip;
  }

  private refresh(): void {
    const open = this.hearing?.status === "open";
    for (const chip of this.chips.values()) {
      const alive = performance.now() - chip.heard < stale;
      const state = alive && chip.health?.recording ? "live" : open ? "dead" : "idle";
      chip.root.dataset["state"] = state;
      let words = t(`seat.${state}`);
      const waiting = chip.health?.spool_seqs ?? 0;
      // Some chunks are always under way; eight of them are two seconds.
      if (alive && waiting > 8) words += ` · ${t("seat.spool", { n: waiting })}`;
      if (chip.state.textContent !== words) chip.state.textContent = words;
      const level = alive && state !== "dead" && chip.health ? (chip.health.level_dbfs + 60) / 54 : 0;
      chip.level.style.setProperty("--level", String(Math.min(1, Math.max(0, level))));
    }
  }
}
customElements.define("tj-seats", Seats);
