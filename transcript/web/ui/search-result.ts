// A hearing with the lines found in it, as the search shows it.

import type { Status } from "./api";
import { courtTime } from "./quote";
import { hue } from "./seats";
import { clock, type Key, t } from "./words";

export type Match = "exact" | "number" | "sound";

export interface Span {
  start: number; // Unicode characters
  end: number;
  match: Match;
}

export interface ContextLine {
  id: string;
  channel: string;
  role: string;
  speaker: string;
  start_ms: number; // on the hearing's clock
  end_ms: number;
  text: string;
}

export interface SearchLine extends ContextLine {
  match: Match;
  spans: Span[];
  before: ContextLine[];
  after: ContextLine[];
  near?: (ContextLine & { spans: Span[] })[];
}

export interface SearchHearing {
  id: string;
  case_no: string;
  cause: string;
  courtroom: string;
  courtroom_name: string;
  status: Status;
  demo?: boolean;
  at: string;
  count: number; // lines found in it; lines may be fewer
  lines: SearchLine[];
}

export interface SearchResult {
  query: string; // as the server understood it
  hearings: SearchHearing[];
  count: number;
  count_more: boolean;
  widened: boolean;
  incomplete: boolean;
  next?: string;
}

/** more: the address of a search in this hearing alone. */
export function foundHearing(h: SearchHearing, more: string): HTMLElement {
  const li = el("li", "hearing");
  li.dataset["status"] = h.status;
  const head = el("h2", "");
  const title = document.createElement("a");
  title.href = place(h);
  title.textContent = h.case_no || h.courtroom_name;
  head.append(title);
  const about = el("p", "about");
  about.append(...[h.cause, courtTime(h.at, 0).slice(0, -3), h.courtroom_name].filter((s) => s !== "").map((s) => el("span", "", s)), el("span", "status", t(`status.${h.status}`)));
  if (h.demo) about.append(el("span", "badge demo", t("demo")));
  const hits = el("ol", "hits");
  hits.append(...h.lines.map((l) => hitOf(h, l)));
  li.append(head, about, hits);
  if (h.count > h.lines.length) {
    const rest = document.createElement("a");
    rest.className = "rest";
    rest.href = more;
    rest.textContent = t("search.rest", { n: h.count });
    li.append(rest);
  }
  return li;
}

function hitOf(h: SearchHearing, l: SearchLine): HTMLElement {
  const li = el("li", "hit");
  li.tabIndex = -1;
  li.dataset["hearing"] = h.id;
  li.dataset["line"] = l.id;
  const said = el("div", "said");
  said.append(...l.before.map((c) => lineOf(c, "beside")), lineOf(l, `found ${hue(l.role)}`, l.spans), ...l.after.map((c) => lineOf(c, "beside")));
  const shown = new Set([l.id, ...l.before.map((c) => c.id), ...l.after.map((c) => c.id)]);
  for (const n of l.near ?? []) {
    if (shown.has(n.id)) {
      // It is there already: mark it where it stands.
      const i = [...l.before, l, ...l.after].findIndex((c) => c.id === n.id);
      if (n.id !== l.id) said.children[i]?.replaceWith(lineOf(n, "beside", n.spans));
      continue;
    }
    const far = lineOf(n, "beside near", n.spans);
    if (n.start_ms < l.start_ms) said.prepend(far);
    else said.append(far);
  }
  const actions = el("div", "do");
  const play = button("play", "");
  play.className = "time";
  play.textContent = clock(l.start_ms);
  play.setAttribute("aria-label", t("play", { time: clock(l.start_ms), role: l.role }));
  const open = document.createElement("a");
  open.className = "open";
  open.href = place(h, l.id);
  open.textContent = t("search.open");
  open.tabIndex = -1;
  actions.append(play, button("quote", t("quote")), open);
  li.append(said, actions);
  return li;
}

function lineOf(l: ContextLine, name: string, spans: Span[] = []): HTMLElement {
  const p = el("p", name);
  const who = el("b", "", l.role);
  if (l.speaker) who.append(el("small", "", l.speaker));
  p.append(who, ...marked(l.text, spans));
  return p;
}

/** The text with its hits marked; not by colour alone, and each says how it was found. */
export function marked(text: string, spans: Span[]): (string | HTMLElement)[] {
  const letters = Array.from(text);
  const parts: (string | HTMLElement)[] = [];
  let at = 0;
  for (const s of [...spans].sort((a, b) => a.start - b.start || b.end - a.end)) {
    const start = Math.max(s.start, at);
    if (s.end <= start) continue; // within the one before
    const mark = el("mark", s.match, letters.slice(start, s.end).join(""));
    if (s.match !== "exact") mark.title = t(`match.${s.match}` as Key);
    parts.push(letters.slice(at, start).join(""), mark);
    at = s.end;
  }
  parts.push(letters.slice(at).join(""));
  return parts;
}

/** The address of a hearing's page, at a line of it. */
function place(h: SearchHearing, line?: string): string {
  const page = `/hearings/${encodeURIComponent(h.id)}`;
  return line === undefined ? page : `${page}#line-${encodeURIComponent(line)}`;
}

function button(action: string, words: string): HTMLButtonElement {
  const b = document.createElement("button");
  b.type = "button";
  b.tabIndex = -1;
  b.dataset["do"] = action;
  b.textContent = words;
  return b;
}

function el(tag: string, name: string, words = ""): HTMLElement {
  const e = document.createElement(tag);
  if (name) e.className = name;
  if (words) e.textContent = words;
  return e;
}
