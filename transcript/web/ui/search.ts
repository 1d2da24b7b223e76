// The search: one box, filters that write into it, and what was said in the
// hearings that it finds. The address holds the search, so that it can be sent,
// kept, and gone back to.

import "./tools";

import { ask, hearingPath, type Line, Problem } from "./api";
import type { Banner } from "./banner";
import { copy, quotation } from "./quote";
import { isSaved, keep, saved } from "./saved";
import { Filters } from "./search-filters";
import { isHeard, withFilter } from "./search-query";
import { foundHearing, type SearchHearing, type SearchLine, type SearchResult } from "./search-result";
import { clock, t, translate } from "./words";
import { asForm, shownText } from "./written";

/** Typing rests this long before it is a search. */
const typed = 250; // ms
/** What takes longer than this is said to be under way; less would flicker. */
const slow = 300; // ms
/** Heard around a line, so that its first and last sound are whole. */
const margin = 250; // ms

const frame = `
<a class="skip" href="#found" data-t="search.skip"></a>
<header><div class="court"><h1 data-t="search"></h1></div><div class="now"><tj-tools></tj-tools></div></header>
<tj-banner></tj-banner>
<form role="search" autocomplete="off">
  <div class="ask">
    <input type="search" id="q" name="q" enterkeyhint="search" spellcheck="false" autocapitalize="off" maxlength="600" data-t-label="search.box" aria-describedby="wrong">
    <button class="primary" type="submit" data-t="search.go"></button>
  </div>
  <p id="wrong" role="alert" hidden><code></code><span></span></p>
  <div class="more-ways">
    <details class="filters"><summary data-t="search.filters"></summary></details>
    <label class="order"><span data-t="search.order"></span><select name="order">
      <option value="newest" data-t="search.newest"></option><option value="best" data-t="search.best"></option></select></label>
    <button type="button" class="keep" data-t="search.keep" aria-pressed="false"></button>
  </div>
  <ul class="saved" data-t-label="search.saved"></ul>
</form>
<main id="found" tabindex="-1">
  <p class="printed"></p>
  <p class="count" role="status"></p>
  <ol class="hearings"></ol>
  <button type="button" class="next" hidden data-t="search.next"></button>
  <section class="help">
    <h2 data-t="search.help"></h2>
    <dl></dl>
  </section>
</main>
<p class="told" role="status"></p>`;

/** What the language can do, each with a query to try. */
const examples = [
  ["借条", "search.eg.words"], ["“现在开庭”", "search.eg.phrase"], ["音:weiyuejin", "search.eg.sound"], ["20万元", "search.eg.number"],
  ["借条 -转账", "search.eg.not"], ["借条 ~30秒 转账", "search.eg.near"], ["角色:证人 日期:2026-01..2026-06 纸袋", "search.eg.filter"],
] as const;

/** What the address of a search says. */
interface Asked {
  q: string;
  order: "newest" | "best";
}

/** What the browser keeps with the address: how far the reader had come. */
interface Kept {
  typing?: boolean; // not yet decided: the next letter replaces it
  pages?: number;
  top?: number; // px
}

/** <tj-search> */
export class Search extends HTMLElement {
  private running: AbortController | null = null;
  private shown: (Asked & { result: SearchResult }) | null = null;
  private hearings = new Map<string, SearchHearing>();
  private pages = 0;
  private timer = 0;
  private composing = false;
  private filters = new Filters((query) => this.decide(query));
  private audio = new Audio();
  private playing: HTMLElement | null = null; // a hit
  private current: HTMLElement | null = null; // the hit that the Tab key enters
  private relabel = () => this.redraw();
  private back = () => void this.fromAddress();
  private leave = () => this.note({ pages: this.pages, top: scrollY });
  private print = () => this.heading();
  private slash = (e: KeyboardEvent) => this.toBox(e);

  connectedCallback(): void {
    this.innerHTML = frame;
    this.find("details.filters").append(this.filters.el);
    this.find(".help dl").append(...examples.flatMap(([query, means]) => {
      const dt = document.createElement("dt");
      const a = document.createElement("a");
      a.href = address({ q: query, order: "newest" });
      a.textContent = query;
      dt.append(a);
      const dd = document.createElement("dd");
      dd.dataset["t"] = means;
      return [dt, dd];
    }));
    translate(this);
    this.listen();
    document.addEventListener("tj-language", this.relabel);
    document.addEventListener("keydown", this.slash);
    window.addEventListener("popstate", this.back);
    window.addEventListener("pagehide", this.leave);
    window.addEventListener("beforeprint", this.print);
    history.scrollRestoration = "manual"; // what is found comes later than the page
    this.redraw();
    void this.fromAddress();
  }

  disconnectedCallback(): void {
    this.running?.abort();
    window.clearTimeout(this.timer);
    this.silence();
    document.removeEventListener("tj-language", this.relabel);
    document.removeEventListener("keydown", this.slash);
    window.removeEventListener("popstate", this.back);
    window.removeEventListener("pagehide", this.leave);
    window.removeEventListener("beforeprint", this.print);
  }

  private find<E extends HTMLElement = HTMLElement>(selector: string): E {
    return this.querySelector(selector) as E;
  }

  private get box(): HTMLInputElement {
    return this.find<HTMLInputElement>("#q");
  }

  private get order(): HTMLSelectElement {
    return this.find<HTMLSelectElement>('[name="order"]');
  }

  private asked(): Asked {
    return { q: this.box.value, order: this.order.value === "best" ? "best" : "newest" };
  }

  private listen(): void {
    const box = this.box;
    // Between these two the box holds letters of an input method, not a query.
    box.addEventListener("compositionstart", () => {
      this.composing = true;
      window.clearTimeout(this.timer);
    });
    box.addEventListener("compositionend", () => {
      this.composing = false;
      this.typing();
    });
    box.addEventListener("input", () => this.typing());
    this.find("form").addEventListener("submit", (e) => {
      e.preventDefault();
      if (!this.composing) this.decide(box.value);
    });
    this.order.addEventListener("change", () => this.decide(box.value));
    this.find(".next").addEventListener("click", () => void this.next());
    this.find(".keep").addEventListener("click", () => {
      const now = this.asked();
      keep(now, !isSaved(now));
      this.drawSaved();
    });
    this.find(".saved").addEventListener("click", (e) => {
      const li = (e.target as Element).closest<HTMLElement>("button")?.closest("li");
      if (!li) return;
      keep({ q: li.dataset["q"] ?? "", order: li.dataset["order"] ?? "" }, false);
      this.drawSaved();
    });
    this.addEventListener("click", (e) => this.clicked(e));
    this.find(".hearings").addEventListener("keydown", (e) => this.pressed(e));
    this.find(".hearings").addEventListener("focusin", (e) => this.enterAt((e.target as Element).closest<HTMLElement>(".hit")));
    box.addEventListener("keydown", (e) => {
      if (e.key !== "ArrowDown" || e.isComposing) return;
      e.preventDefault();
      this.find(".hit")?.focus();
    });
    this.audio.addEventListener("ended", () => this.silence());
    this.audio.addEventListener("error", () => {
      if (!this.playing) return; // it was stopped
      this.silence();
      this.tell(t("audio.failed", { why: t("audio.missing") }));
    });
  }

  // Asking. Of several searches under way only the last one counts.

  private typing(): void {
    window.clearTimeout(this.timer);
    if (this.composing) return;
    this.timer = window.setTimeout(() => {
      const now = this.asked();
      if (now.q === this.shown?.q) return;
      const kept = history.state as Kept | null;
      history[kept?.typing ? "replaceState" : "pushState"]({ typing: true } satisfies Kept, "", address(now));
      void this.run(now);
    }, typed);
  }

  /** Takes a query as the reader's own: the way back leads to it. */
  private decide(query: string): void {
    window.clearTimeout(this.timer);
    this.box.value = query;
    const now = this.asked();
    if (address(now) !== location.pathname + location.search) {
      const typing = (history.state as Kept | null)?.typing;
      history[typing ? "replaceState" : "pushState"]({} satisfies Kept, "", address(now));
    } else {
      this.note({ typing: false });
    }
    void this.run(now);
  }

  private async fromAddress(): Promise<void> {
    window.clearTimeout(this.timer);
    const query = new URLSearchParams(location.search);
    this.box.value = query.get("q") ?? "";
    this.order.value = query.get("order") === "best" ? "best" : "newest";
    const kept = (history.state as Kept | null) ?? {};
    await this.run(this.asked(), kept.pages ?? 1);
    if (kept.top) scrollTo(0, kept.top);
  }

  private note(more: Kept): void {
    history.replaceState({ ...(history.state as Kept | null), ...more }, "");
  }

  private async run(now: Asked, pages = 1): Promise<void> {
    this.running?.abort();
    this.filters.show(now.q);
    this.drawKeep();
    document.title = [now.q.trim(), t("search"), t("app")].filter((s) => s !== "").join(" · ");
    if (now.q.trim() === "") {
      this.running = null;
      this.wrong(null);
      this.busy(false);
      this.clear();
      return;
    }
    await this.attempt(async (signal) => {
      const results: SearchResult[] = [];
      do {
        results.push(await search(now, results[results.length - 1]?.next, signal));
      } while (results.length < pages && results[results.length - 1]?.next);
      this.clear();
      for (const r of results) this.add(now, r);
      scrollTo(0, 0);
    });
  }

  private async next(): Promise<void> {
    const { shown } = this;
    const cursor = shown?.result.next;
    if (!shown || !cursor) return;
    await this.attempt(async (signal) => {
      const hits = this.querySelectorAll(".hit").length;
      this.add(shown, await search(shown, cursor, signal));
      this.note({ pages: this.pages });
      this.querySelectorAll<HTMLElement>(".hit")[hits]?.focus({ preventScroll: true });
    });
  }

  /** Runs a request; what it finds is left as it is where the request fails. */
  private async attempt(request: (signal: AbortSignal) => Promise<void>): Promise<void> {
    const run = new AbortController();
    this.running?.abort();
    this.running = run;
    const waiting = window.setTimeout(() => this.busy(true), slow);
    try {
      await request(run.signal);
      this.wrong(null);
    } catch (e) {
      if (!run.signal.aborted) this.wrong(e);
    } finally {
      window.clearTimeout(waiting);
      if (this.running === run) {
        this.running = null;
        this.busy(false);
      }
    }
  }

  private busy(busy: boolean): void {
    this.find("#found").setAttribute("aria-busy", String(busy));
    if (busy) this.find(".count").textContent = t("search.busy");
    else this.drawCount();
  }

  /** Says what is wrong with the query and where, or that there is no answer. */
  private wrong(why: unknown): void {
    const banner = this.find<Banner>("tj-banner");
    const place = why instanceof Problem ? why.place : null;
    const mine = place?.field === "q";
    this.box.toggleAttribute("aria-invalid", mine);
    const el = this.find("#wrong");
    el.hidden = !mine;
    if (why === null || mine) banner.clear("failed");
    else banner.set("failed", "alarm", t("search.failed", { why: (why as Error).message }));
    if (!mine || !place) return;
    const letters = Array.from(this.box.value);
    const end = place.position + place.length;
    const bad = document.createElement("mark");
    // At the end of the query there is nothing to mark but the end.
    bad.textContent = letters.slice(place.position, end).join("") || "⌃";
    (el.children[0] as HTMLElement).replaceChildren(letters.slice(0, place.position).join(""), bad, letters.slice(end).join(""));
    (el.children[1] as HTMLElement).textContent = (why as Error).message;
  }

  // What was found.

  private clear(): void {
    this.silence();
    this.shown = null;
    this.pages = 0;
    this.current = null;
    this.hearings.clear();
    this.find(".hearings").replaceChildren();
    this.find(".next").hidden = true;
    this.find(".help").hidden = this.box.value.trim() !== "";
    this.drawCount();
  }

  private add(asked: Asked, result: SearchResult): void {
    this.shown = { ...asked, result };
    this.pages++;
    const list = this.find(".hearings");
    for (const h of result.hearings) {
      if (this.hearings.has(h.id)) continue;
      this.hearings.set(h.id, h);
      list.append(foundHearing(h, address({ ...asked, q: withFilter(asked.q, "hearing", h.id) })));
    }
    this.find(".next").hidden = result.next === undefined;
    if (!this.current) this.enterAt(this.find(".hit"));
    this.drawCount();
  }

  private drawCount(): void {
    const el = this.find(".count");
    const result = this.shown?.result;
    el.classList.toggle("none", result?.count === 0);
    if (!result) {
      el.textContent = "";
      return;
    }
    const said = [result.count === 0 && !result.count_more ? t("search.none") : t(result.count_more ? "search.over" : "search.count", { n: result.count })];
    if (result.widened && result.count > 0) said.unshift(t("search.widened"));
    if (result.incomplete) said.push(t("search.incomplete"));
    if (isHeard(result.query)) said.push(t("search.heard"));
    el.textContent = said.join(t("stop"));
  }

  private drawKeep(): void {
    const now = this.asked();
    const button = this.find(".keep");
    button.hidden = now.q.trim() === "";
    button.setAttribute("aria-pressed", String(isSaved(now)));
  }

  private drawSaved(): void {
    this.find(".saved").replaceChildren(...saved().map((s) => {
      const li = document.createElement("li");
      li.dataset["q"] = s.q;
      li.dataset["order"] = s.order;
      const a = document.createElement("a");
      a.href = address({ q: s.q, order: s.order === "best" ? "best" : "newest" });
      a.textContent = s.q;
      const drop = document.createElement("button");
      drop.type = "button";
      drop.textContent = "×";
      drop.setAttribute("aria-label", t("search.drop", { q: s.q }));
      li.append(a, drop);
      return li;
    }));
    this.drawKeep();
  }

  private redraw(): void {
    this.box.placeholder = t("search.hint");
    this.drawSaved();
    this.filters.relabel();
    const { shown } = this;
    if (!shown) return;
    const hearings = [...this.hearings.values()];
    const { pages } = this;
    this.clear();
    this.add(shown, { ...shown.result, hearings });
    this.pages = pages;
  }

  private heading(): void {
    this.find(".printed").textContent = `${t("search")}：${this.shown?.q ?? ""}`;
  }

  // A hit: hear it, quote it, open its hearing there.

  private clicked(e: Event): void {
    const target = e.target as Element;
    const link = target.closest<HTMLAnchorElement>("a");
    if (link && link.pathname === "/search" && !(e as MouseEvent).ctrlKey && !(e as MouseEvent).metaKey && !(e as MouseEvent).shiftKey) {
      e.preventDefault(); // the same page: no need to load it again
      const query = new URLSearchParams(link.search);
      this.order.value = query.get("order") === "best" ? "best" : "newest";
      this.decide(query.get("q") ?? "");
      return;
    }
    const hit = target.closest<HTMLElement>(".hit");
    const action = target.closest<HTMLElement>("button")?.dataset["do"];
    if (hit && action === "play") this.play(hit);
    if (hit && action === "quote") void this.quote(hit);
  }

  private lineOf(hit: HTMLElement): [SearchHearing, SearchLine] | null {
    const h = this.hearings.get(hit.dataset["hearing"] ?? "");
    const l = h?.lines.find((one) => one.id === hit.dataset["line"]);
    return h && l ? [h, l] : null;
  }

  private play(hit: HTMLElement): void {
    const found = this.lineOf(hit);
    const again = this.playing === hit;
    this.silence();
    if (!found || again) return;
    const [h, l] = found;
    const query = new URLSearchParams({
      from: String(Math.max(0, Math.floor(l.start_ms - margin))),
      to: String(Math.ceil(Math.max(l.end_ms, l.start_ms + 1000) + margin)), // a line by hand may have no length
    });
    if (l.channel) query.set("channel", l.channel);
    this.playing = hit;
    hit.classList.add("playing");
    this.audio.src = `${hearingPath(h.id, "/audio")}?${query.toString()}`;
    // A refusal to play is reported by the error event.
    this.audio.play().catch(() => {});
    const button = hit.querySelector<HTMLElement>('[data-do="play"]');
    button?.setAttribute("aria-label", t("playing"));
  }

  private silence(): void {
    const hit = this.playing;
    this.playing = null;
    if (!hit) return;
    this.audio.pause();
    this.audio.removeAttribute("src");
    hit.classList.remove("playing");
    const found = this.lineOf(hit);
    if (!found) return;
    hit.querySelector('[data-do="play"]')?.setAttribute("aria-label", t("play", { time: clock(found[1].start_ms), role: found[1].role }));
  }

  private async quote(hit: HTMLElement): Promise<void> {
    const found = this.lineOf(hit);
    if (!found) return;
    const [h, l] = found;
    const heard = isHeard(this.shown?.result.query ?? "");
    const done = await copy(quotation(h, { ...l, text: heard ? l.text : await this.asWritten(h.id, l) }, heard));
    this.tell(t(done ? "quote.done" : "quote.failed"));
  }

  /** The text of a line as the record has it. */
  private async asWritten(hearing: string, l: { id: string; text: string }): Promise<string> {
    try {
      return shownText(await ask<Line>(hearingPath(hearing, `/lines/${encodeURIComponent(l.id)}${asForm()}`)));
    } catch (e) {
      if (!(e instanceof Problem)) throw e;
      return l.text;
    }
  }

  private tell(words: string): void {
    const el = this.find(".told");
    el.textContent = words;
    window.setTimeout(() => {
      if (el.textContent === words) el.textContent = "";
    }, 4000);
  }

  // Keys: / to the box, arrows through the hits, Enter opens, space plays, c copies.

  private toBox(e: KeyboardEvent): void {
    if (e.key !== "/" || e.ctrlKey || e.altKey || e.metaKey || (e.target as Element).closest("input, select, textarea")) return;
    e.preventDefault();
    this.box.focus();
    this.box.select();
  }

  private enterAt(hit: HTMLElement | null): void {
    if (!hit || hit === this.current) return;
    for (const [el, index] of [[this.current, -1], [hit, 0]] as const) {
      if (!el) continue;
      el.tabIndex = index;
      for (const part of el.querySelectorAll<HTMLElement>("button, a")) part.tabIndex = index;
    }
    this.current = hit;
  }

  private pressed(e: KeyboardEvent): void {
    const hit = (e.target as Element).closest<HTMLElement>(".hit");
    if (!hit || e.altKey || e.ctrlKey || e.metaKey) return;
    const hits = [...this.querySelectorAll<HTMLElement>(".hit")];
    const i = hits.indexOf(hit);
    const next = { ArrowUp: i - 1, ArrowDown: i + 1, Home: 0, End: hits.length - 1 }[e.key];
    if (next !== undefined) {
      (hits[next] ?? (next < 0 ? this.box : hit)).focus();
    } else if (e.key === "c") {
      void this.quote(hit);
    } else if (e.target === hit && e.key === " ") {
      this.play(hit);
    } else if (e.target === hit && e.key === "Enter") {
      hit.querySelector<HTMLAnchorElement>("a.open")?.click();
    } else {
      return;
    }
    e.preventDefault();
  }
}
customElements.define("tj-search", Search);

function address({ q, order }: Asked): string {
  const query = new URLSearchParams();
  if (q.trim() !== "") query.set("q", q);
  if (order === "best") query.set("order", order);
  const search = query.toString();
  return search === "" ? "/search" : `/search?${search}`;
}

function search({ q, order }: Asked, cursor: string | undefined, signal: AbortSignal): Promise<SearchResult> {
  const query = new URLSearchParams({ q, order });
  if (cursor) query.set("cursor", cursor);
  return ask<SearchResult>(`/api/v1/search?${query.toString()}`, "GET", undefined, signal);
}
