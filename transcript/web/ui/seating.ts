// Who sits where while a hearing goes on: another person at a seat, and a seat that the
// courtroom's PC has got meanwhile.

import { ask, type Component, type Hearing, hearingPath, Problem } from "./api";
import type { Banner } from "./banner";
import { t } from "./words";

/** Where the notice of a seat that the hearing does not have leads. */
const address = "#seat-";

/** The channel that a press on the page asks to seat somebody at, if it does. */
export function asked(e: Event): string | null {
  const link = (e.target as Element).closest<HTMLAnchorElement>(`a[href^="${address}"]`);
  if (!link) return null;
  e.preventDefault();
  return decodeURIComponent(link.hash.slice(address.length));
}

/** Seats that are recorded in a hearing, or were, and that it does not have: the usual role by channel. */
export function unseated(h: Hearing, parts: Iterable<Component>, heard: Iterable<string>): Map<string, string> {
  const found = new Map<string, string>();
  if (!h.opened_at || h.status === "signed") return found;
  for (const channel of heard) found.set(channel, channel);
  for (const part of parts) {
    if (part.component !== "capture" || part.courtroom !== h.courtroom || part.stopped) continue;
    for (const s of part.seats ?? []) if (s.hearing === h.id) found.set(s.channel, s.role);
  }
  for (const s of h.seats) found.delete(s.channel);
  return found;
}

/** Tells of them. */
export function tell(banner: Banner, seats: Map<string, string>): void {
  const kept = new Set<string>();
  for (const [channel, role] of seats) {
    const key = `seat ${channel}`;
    kept.add(key);
    banner.set(key, "note", t("seat.new", { seat: role === channel ? channel : `${role} ${channel}` }),
      { href: `${address}${encodeURIComponent(channel)}`, words: t("seat.add") });
  }
  banner.keepOnly("seat ", kept);
}

let serial = 0;

/** Asks who sits at a seat, and has it so; null: it stays as it is. */
export function seat(h: Hearing, channel: string, usual: string): Promise<Hearing | null> {
  const holder = h.seats.filter((s) => s.channel === channel).pop();
  const role = holder?.role ?? usual;
  const id = `seating-${++serial}`;
  const dialog = document.createElement("dialog");
  dialog.className = "seating";
  dialog.setAttribute("aria-labelledby", id);
  dialog.innerHTML = `<form><h2 id="${id}"></h2><p></p>
    <label><span></span><input name="role" list="${id}-roles" maxlength="50" required autocomplete="off"></label>
    <label><span></span><input name="speaker" list="${id}-names" maxlength="50" autocomplete="off"></label>
    <fieldset><legend></legend><label><input type="radio" name="since" value="now" checked><span></span></label><label><input type="radio" name="since" value="opening"><span></span></label></fieldset>
    <p class="trouble" role="alert"></p>
    <menu><button type="button" value="no"></button><button type="submit" class="primary"></button></menu>
    <datalist id="${id}-roles"></datalist><datalist id="${id}-names"></datalist></form>`;
  const part = <E extends HTMLElement>(name: string) => dialog.querySelector(name) as E;
  const say = (name: string, words: string) => { part(name).textContent = words; };
  say("h2", t(holder ? "seat.change" : "seat.add"));
  say("p", holder ? t("seat.change.text", { seat: `${role} ${channel}` }) : t("seat.add.text", { seat: channel }));
  const labels = dialog.querySelectorAll<HTMLElement>("label > span");
  [t("new.role"), t("new.name"), t("seat.since.now"), t("seat.since.opening")].forEach((words, i) => { (labels[i] as HTMLElement).textContent = words; });
  say("legend", t("seat.since"));
  say('[value="no"]', t("act.cancel"));
  say('[type="submit"]', t(holder ? "seat.change" : "seat.add"));
  const over = h.status === "closed";
  part("fieldset").hidden = !holder || over; // of what is over, only what was is put right
  if (over) part<HTMLInputElement>('[value="opening"]').checked = true;
  part<HTMLInputElement>('[name="role"]').value = role === channel ? "" : role;
  part(`[id="${id}-roles"]`).append(...[...new Set([...h.participants, ...h.seats].map((p) => p.role))].map((r) => new Option(r, r)));
  part(`[id="${id}-names"]`).append(...[...new Set(h.participants.map((p) => p.name))].map((n) => new Option(n, n)));
  document.body.append(dialog);
  dialog.showModal();
  const first = part<HTMLInputElement>(role === channel ? '[name="role"]' : '[name="speaker"]');
  first.focus();
  let now: Hearing | null = null;
  part("[value=no]").addEventListener("click", () => dialog.close());
  part("form").addEventListener("submit", (e) => {
    e.preventDefault();
    const value = (name: string) => part<HTMLInputElement>(`[name="${name}"]`).value.trim();
    const opening = holder && part<HTMLInputElement>('[value="opening"]').checked;
    void ask<Hearing>(hearingPath(h.id, "/seats"), "POST",
      { channel, role: value("role"), speaker: value("speaker"), ...(opening ? { from_ms: 0 } : {}) }).then((h) => {
      now = h;
      dialog.close();
    }, (problem) => {
      if (!(problem instanceof Problem)) throw problem;
      say(".trouble", t("failed", { why: problem.message }));
    });
  });
  return new Promise((answer) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      answer(now);
    });
  });
}
