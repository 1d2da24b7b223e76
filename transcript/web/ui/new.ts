// A hearing is announced: everything is checked as it is typed, by the server
// that will hold it, and a file from the case system fills the form.

import { ask, type Component, type Hearing, hearingPath, Problem, type Seat, upload } from "./api";
import { Binding } from "./bind";
import { button } from "./dialog";
import { forget, remember, typed } from "./kept";
import type { Seats } from "./seats";
import { Stream } from "./stream";
import { language, moment, t, translate } from "./words";

const roles = `审判长 审判员 独任审判员 人民陪审员 法官助理 书记员 原告 被告 第三人 法定代表人 法定代理人 委托诉讼代理人 诉讼代理人 证人 鉴定人 勘验人
  翻译人员 有专门知识的人 上诉人 被上诉人 公诉人 被告人 辩护人 被害人 自诉人 附带民事诉讼原告人 附带民事诉讼被告人 侦查人员 调查人员 行政机关负责人`.split(/\s+/);
/** The parts of a case number, in their order. */
const parts = ["year", "court", "type", "number", "end"] as const;

interface NewHearing {
  case_no: string;
  cause: string;
  courtroom: string;
  public: boolean;
  participants: { role: string; name: string }[];
  hotwords: string[];
  scheduled_at?: string;
  seats?: Seat[];
}

/** What the hearings of one kind of procedure begin with. */
interface Template {
  id: string;
  name: string;
  name_en: string;
  case_types: string[];
  roles: string[];
  seats: Record<string, string>;
  hotwords: string[];
}

interface Room {
  id: string;
  name: string;
  seats: Seat[];
}

/** A hearing of a file. */
interface Planned extends NewHearing {
  id?: string;
  courtroom_name: string;
}

/** What was typed last time, with what was chosen. */
interface Kept extends Planned {
  template: string;
  announcement: string;
}

/** A file to import, with the mark by which a spreadsheet knows UTF-8. */
const sample = "\ufeff案号,案由,法庭,公开,开庭时间,审判长,书记员,原告,被告,词汇\r\n（2026）内0000民初7号,买卖合同纠纷,第三审判庭,公开,2026-05-06 09:00,沈知远,陆小满,周启明,何文柏、某某建材有限公司,青石路；茶馆\r\n";

const frame = `<header><div class="court"><h1></h1></div><div class="now"><tj-tools></tj-tools></div></header>
<main class="new"><h2 data-t="new"></h2>
<form novalidate>
  <p class="import"><label class="file"><span data-t="new.import"></span><input type="file" accept=".json,.csv,.txt,application/json,text/csv"></label><small data-t="new.import.how"></small><a download="庭审样表.csv" href="data:text/csv;charset=utf-8,${encodeURIComponent(sample)}" data-t="new.import.sample"></a></p>
  <div class="planned" hidden></div>
  <p class="kept" hidden><span data-t="new.kept"></span><button type="button" data-t="new.anew"></button></p>
  <label><span data-t="new.case"></span><input name="case_no" autocomplete="off" spellcheck="false" placeholder="（2026）内0102民初123号"></label>
  <p class="parts" aria-hidden="true">${parts.map((p) => `<span data-part="${p}" data-t="new.part.${p}"></span>`).join("")}</p>
  <label><span data-t="new.cause"></span><input name="cause" autocomplete="off"></label>
  <div class="pair"><label><span data-t="new.room"></span><select name="courtroom"></select></label>
  <label><span data-t="new.time"></span><input name="scheduled_at" type="datetime-local"></label></div>
  <label><span data-t="new.template"></span><select name="template"></select></label>
  <div class="sitting"><span data-t="new.seats"></span><tj-seats></tj-seats></div>
  <label class="check"><input type="checkbox" name="public" checked><span data-t="new.public"></span></label>
  <fieldset><legend data-t="new.people"></legend><datalist id="new-roles"></datalist><ol class="people"></ol></fieldset>
  <label><span data-t="new.words"></span><textarea name="hotwords" rows="3"></textarea></label>
  <p class="wrong" role="alert" hidden></p>
  <menu><button type="button" value="keep" data-t="new.keep"></button><button type="button" value="open" class="primary" data-t="new.open"></button></menu>
</form></main>`;

/** <tj-new> */
export class New extends HTMLElement {
  private touched = new Set<string>();
  private courtrooms: Room[] = [];
  private templates: Template[] = [];
  private chosen = false; // the procedure, by hand
  private given: string[] = []; // vocabulary that the procedure has put into the form
  private stream: Stream | null = null;
  private asked = 0;
  private timer = 0;
  private binding: Binding | null = null; // a hearing that was opened on a PC is bound to its case
  private relabel = () => {
    this.name();
    this.offer();
    this.binding?.relabel();
    void this.check();
  };

  connectedCallback(): void {
    this.innerHTML = frame;
    translate(this);
    const bound = new URLSearchParams(location.search).get("bind");
    if (bound !== null) this.binding = new Binding(bound, (h) => this.fill(h));
    this.name();
    this.find("datalist").append(...roles.map((r) => new Option(r, r)));
    this.person("原告", "");
    this.person("被告", "");
    const form = this.find<HTMLFormElement>("form");
    this.binding?.place(form);
    form.addEventListener("input", (e) => this.typed(e));
    for (const name of ["input", "compositionend"]) form.addEventListener(name, (e) => this.keep(e as InputEvent));
    this.find(".kept button").addEventListener("click", () => {
      forget(this.key);
      location.reload();
    });
    form.addEventListener("focusout", (e) => {
      const field = fieldOf(e.target as HTMLElement);
      if (field && (e.target as HTMLInputElement).value) this.touched.add(field);
      void this.check();
    });
    form.addEventListener("submit", (e) => e.preventDefault()); // nothing is announced by accident
    this.find("menu").addEventListener("click", (e) => {
      const b = (e.target as Element).closest("button");
      if (b) void this.send(b.value === "open");
    });
    form.addEventListener("keydown", (e) => {
      const at = e.target as HTMLElement;
      if (e.key !== "Enter" || e.isComposing || e.ctrlKey || at.tagName !== "INPUT") return;
      e.preventDefault(); // it goes to the next field
      const fields = [...form.querySelectorAll<HTMLElement>("input:not([type=file]), select, textarea, menu button")];
      fields[fields.indexOf(at) + 1]?.focus();
    });
    this.find<HTMLInputElement>("[type=file]").addEventListener("change", (e) => {
      const file = (e.target as HTMLInputElement).files?.[0];
      if (file) void this.take(file);
      (e.target as HTMLInputElement).value = ""; // the same file, mended, is taken again
    });
    this.find("[name=template]").addEventListener("change", () => {
      this.chosen = true;
      this.apply();
      this.keep();
    });
    this.find("[name=courtroom]").addEventListener("change", () => this.sit());
    this.stream = new Stream("/api/v1/events", null, (name, data) => {
      if (name === "health") this.find<Seats>("tj-seats").hear(data as Component);
    }, () => {});
    this.stream.start();
    document.addEventListener("tj-language", this.relabel);
    if (!this.binding) this.restore();
    void this.rooms();
    this.find<HTMLInputElement>("[name=case_no]").focus();
  }

  disconnectedCallback(): void {
    document.removeEventListener("tj-language", this.relabel);
    window.clearTimeout(this.timer);
    this.stream?.stop();
  }

  private find<E extends HTMLElement = HTMLElement>(selector: string): E {
    return this.querySelector(selector) as E;
  }

  private name(): void {
    const what = this.binding ? "bind" : "new";
    const head = this.find("h2");
    head.dataset["t"] = what;
    head.textContent = t(what);
    document.title = `${t(what)} · ${t("app")}`;
  }

  private async rooms(): Promise<void> {
    try {
      const { court, courtrooms } = await ask<{ court: string; courtrooms: Room[] }>("/api/v1/courtrooms");
      this.templates = (await ask<{ templates: Template[] }>("/api/v1/templates")).templates;
      this.courtrooms = courtrooms;
      this.find("h1").textContent = court || t("app");
      const select = this.find<HTMLSelectElement>("[name=courtroom]");
      const chosen = select.value || select.dataset["chosen"] || localStorage.getItem("tj-room") || "";
      select.replaceChildren(...courtrooms.map((r) => new Option(r.name, r.id)));
      if (courtrooms.some((r) => r.id === chosen)) select.value = chosen;
      this.offer();
      if (this.binding) {
        const h = await this.binding.load();
        this.fill({ ...h, participants: h.participants.length > 0 ? h.participants : [{ role: "原告", name: "" }, { role: "被告", name: "" }] });
        this.restore();
      }
      this.guess();
      this.apply();
    } catch (e) {
      if (!(e instanceof Problem)) throw e;
      this.say(e.message);
      this.timer = window.setTimeout(() => void this.rooms(), 2000);
    }
  }

  // The kind of procedure: whom to ask for, who sits where, which terms are used.

  private offer(): void {
    const select = this.find<HTMLSelectElement>("[name=template]");
    const now = select.value || select.dataset["chosen"];
    select.replaceChildren(new Option("—", ""), ...this.templates.map((x) => new Option(language() === "zh" ? x.name : x.name_en, x.id)));
    if (now) select.value = now;
    this.chosen ||= !!select.dataset["chosen"];
  }

  private get template(): Template | undefined {
    return this.templates.find((x) => x.id === this.find<HTMLSelectElement>("[name=template]").value);
  }

  /** Fills the form as the procedure has it; names that were typed stay, with their roles. */
  private apply(): void {
    const x = this.template;
    if (!x) {
      this.sit();
      return;
    }
    const kept = [...this.querySelectorAll<HTMLElement>(".people li")].map((li) => [...li.querySelectorAll("input")].map((i) => i.value.trim()) as [string, string])
      .filter(([, name]) => name !== "");
    this.find(".people").replaceChildren();
    for (const [role, name] of kept) this.person(role, name);
    for (const role of x.roles) {
      const i = kept.findIndex(([r]) => r === role);
      if (i < 0) this.person(role, "");
      else kept.splice(i, 1);
    }
    const words = this.find<HTMLTextAreaElement>("[name=hotwords]");
    const own = words.value.split(/[\s,，、;；]+/).filter((w) => w !== "" && !this.given.includes(w));
    this.given = x.hotwords;
    words.value = [...new Set([...own, ...x.hotwords])].join("、");
    this.sit();
    this.typed(null);
  }

  /** The seats of the courtroom, with the roles of the procedure. */
  private seats(): Seat[] {
    const room = this.courtrooms.find((r) => r.id === this.find<HTMLSelectElement>("[name=courtroom]").value);
    const roles = this.template?.seats ?? {};
    return (room?.seats ?? []).map((s) => {
      const role = roles[s.role];
      if (role === undefined) return s;
      // Who usually sits there does not sit there now, but for the judge.
      return role === "独任审判员" && s.speaker ? { channel: s.channel, role, speaker: s.speaker } : { channel: s.channel, role };
    });
  }

  private sit(): void {
    const seats = this.find<Seats>("tj-seats");
    seats.show({ id: "", status: "scheduled", seats: this.seats() } as unknown as Hearing);
  }

  /** Offers the procedure of the case number's type, until the clerk has chosen one. */
  private guess(): void {
    if (this.chosen) return;
    const typed = this.find<HTMLInputElement>("[name=case_no]").value;
    const x = this.templates.find((x) => x.case_types.some((kind) => typed.includes(kind)));
    const select = this.find<HTMLSelectElement>("[name=template]");
    if (!x || x.case_types.some((kind) => this.template?.case_types.includes(kind))) return;
    select.value = x.id;
    this.apply();
  }

  /** Adds a row for a person; the last one is always empty. */
  private person(role: string, name: string): void {
    const list = this.find(".people");
    const li = document.createElement("li");
    li.innerHTML = `<input name="role" list="new-roles" autocomplete="off" data-t-label="new.role"><input name="name" autocomplete="off" data-t-label="new.name">`;
    const [who, called] = li.querySelectorAll("input") as unknown as [HTMLInputElement, HTMLInputElement];
    who.value = role;
    called.value = name;
    const drop = button("✕", () => {
      li.remove();
      this.typed(null);
      this.keep();
    });
    drop.dataset["tLabel"] = "new.drop";
    li.append(drop);
    translate(li);
    list.append(li);
  }

  private typed(e: Event | null): void {
    const rows = [...this.querySelectorAll<HTMLInputElement>(".people [name=name]")];
    if (rows.length === 0 || rows[rows.length - 1]?.value) this.person("", "");
    const field = e ? fieldOf(e.target as HTMLElement) : null;
    if (field === "case_no") {
      this.touched.add(field);
      this.guess();
    }
    window.clearTimeout(this.timer);
    if (!(e as InputEvent | null)?.isComposing) this.timer = window.setTimeout(() => void this.check(), 150);
  }

  // What is typed and not sent yet outlives the page.

  private get key(): string {
    return `new ${new URLSearchParams(location.search).get("bind") ?? ""}`;
  }

  private keep(e?: InputEvent): void {
    if (e?.isComposing || (this.binding && !this.binding.hearing)) return;
    const template = this.chosen ? this.find<HTMLSelectElement>("[name=template]").value : "";
    remember(this.key, JSON.stringify({ ...this.read().body, template, announcement: this.binding?.announcement ?? "" }));
  }

  private restore(): void {
    const kept = JSON.parse(typed(this.key) ?? "null") as Kept | null;
    if (!kept) return;
    this.fill(kept);
    this.find("[name=courtroom]").dataset["chosen"] = kept.courtroom;
    this.find("[name=template]").dataset["chosen"] = kept.template;
    if (this.binding) {
      this.binding.sit(kept.seats ?? []);
      this.binding.announcement = kept.announcement;
    }
    this.find(".kept").hidden = false;
  }

  /** What the form says; people without a name are not there. */
  private read(): { body: NewHearing; people: HTMLElement[] } {
    const value = (name: string) => this.find<HTMLInputElement>(`[name=${name}]`).value.trim();
    const people = [...this.querySelectorAll<HTMLElement>(".people li")].filter((li) => (li.querySelector("[name=name]") as HTMLInputElement).value.trim() !== "");
    const body: NewHearing = {
      case_no: value("case_no"), cause: value("cause"), courtroom: value("courtroom"),
      public: this.find<HTMLInputElement>("[name=public]").checked,
      participants: people.map((li) => {
        const [role, name] = [...li.querySelectorAll("input")].map((i) => i.value.trim());
        return { role: role ?? "", name: name ?? "" };
      }),
      hotwords: value("hotwords").split(/[\s,，、;；]+/).filter((w) => w !== ""),
    };
    const seats = this.binding?.seats() ?? this.seats();
    if (this.binding) body.seats = seats;
    else if (seats.length > 0 && Object.keys(this.template?.seats ?? {}).length > 0) body.seats = seats;
    const at = value("scheduled_at");
    if (at) body.scheduled_at = new Date(at).toISOString();
    return { body, people };
  }

  private async check(): Promise<void> {
    const mine = ++this.asked;
    const { body, people } = this.read();
    let problem: Problem | null = null;
    try {
      await ask("/api/v1/hearings/check", "POST", body);
    } catch (e) {
      if (!(e instanceof Problem)) throw e;
      problem = e;
    }
    if (mine === this.asked) this.show(problem, people, false);
  }

  /** Marks what is wrong; a field that nobody has come to yet is left alone. */
  private show(problem: Problem | null, people: HTMLElement[], all: boolean): void {
    const field = problem?.refusal.field ?? "";
    const typed = this.find<HTMLInputElement>("[name=case_no]").value !== "";
    const wrong = field === "case_no" ? parts.indexOf((problem?.refusal.part ?? "year") as (typeof parts)[number]) : parts.length;
    for (const [i, part] of parts.entries()) {
      this.find(`[data-part=${part}]`).dataset["state"] = !typed ? "" : i < wrong ? "right" : i === wrong ? "wrong" : "";
    }
    for (const el of this.querySelectorAll("[aria-invalid]")) el.removeAttribute("aria-invalid");
    const at = /^participants\[(\d+)\]\.(role|name)$/.exec(field);
    const el = at ? people[Number(at[1])]?.querySelector<HTMLElement>(`[name=${at[2]}]`) : this.querySelector<HTMLElement>(`[name="${field.replace(/\W.*/, "")}"]`);
    const told = problem !== null && (all || this.touched.has(field.replace(/\W.*/, "")) || problem.status === 0);
    this.say(told ? (problem?.message ?? "") : "");
    if (!told || !el) return;
    el.setAttribute("aria-invalid", "true");
    if (all) el.focus();
  }

  private say(words: string): void {
    const el = this.find(".wrong");
    el.hidden = words === "";
    el.textContent = words;
  }

  /** Takes a file of the case system: one hearing fills the form, several are shown as a list. */
  private async take(file: File): Promise<void> {
    const list = this.find(".planned");
    list.hidden = true;
    this.say("");
    let found;
    try {
      found = await upload<{ hearings: Planned[]; there: Planned[] }>("/api/v1/hearings/import?check=true", file);
    } catch (e) {
      if (!(e instanceof Problem)) throw e;
      const rows = (e.refusal.rows ?? []).map((r) => `${t("new.import.row", { n: r.row, field: r.field })} ${language() === "zh" ? r.text : r.text_en}`);
      // What is wrong with one hearing is mended in the form.
      const one = single(await file.text());
      if (one) {
        this.fill(one);
        return;
      }
      this.say([e.message, ...rows.slice(0, 20)].join("\n"));
      return;
    }
    const only = found.hearings.length === 1 && found.there.length === 0 ? found.hearings[0] : undefined;
    if (only) {
      this.fill(only);
      return;
    }
    const items = document.createElement("ol");
    for (const h of [...found.hearings, ...found.there]) {
      const li = document.createElement("li");
      li.textContent = [h.case_no, h.cause, h.courtroom_name, h.scheduled_at ? moment(h.scheduled_at) : "", h.id ? t("new.import.there") : ""].filter((w) => w !== "").join(" · ");
      items.append(li);
    }
    const go = button(t("new.import.go", { n: found.hearings.length }), () => {
      go.disabled = true;
      void upload<unknown>("/api/v1/hearings/import", file).then(() => location.assign("/"), (e: unknown) => {
        go.disabled = false;
        this.say((e as Error).message);
      });
    }, "primary");
    go.disabled = found.hearings.length === 0;
    list.replaceChildren(items, go);
    list.hidden = false;
    go.focus();
  }

  private fill(h: Planned): void {
    const put = (name: string, value: string) => {
      this.find<HTMLInputElement>(`[name=${name}]`).value = value;
    };
    put("case_no", h.case_no);
    put("cause", h.cause);
    put("courtroom", h.courtroom);
    this.find<HTMLInputElement>("[name=public]").checked = h.public;
    if (h.scheduled_at) {
      const at = new Date(h.scheduled_at);
      put("scheduled_at", new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16));
    }
    put("hotwords", h.hotwords.join("、"));
    this.find(".people").replaceChildren();
    for (const p of h.participants) this.person(p.role, p.name);
    for (const name of ["case_no", "cause", "courtroom", "participants", "hotwords", "scheduled_at"]) this.touched.add(name);
    this.chosen = false;
    this.guess();
    this.sit();
    this.typed(null);
  }

  private async send(open: boolean): Promise<void> {
    this.asked++;
    const { body, people } = this.read();
    try {
      const h = this.binding ? await this.binding.send(body) : await ask<Hearing>("/api/v1/hearings", "POST", body);
      localStorage.setItem("tj-room", body.courtroom);
      forget(this.key);
      let where = `/hearings/${encodeURIComponent(h.id)}`;
      if (open) {
        try {
          await ask<Hearing>(hearingPath(h.id, "/open"), "POST", {});
        } catch (e) {
          // It is announced; its page says what it can do next.
          where += `#${encodeURIComponent((e as Error).message)}`;
        }
      }
      location.assign(where);
    } catch (e) {
      if (!(e instanceof Problem)) throw e;
      this.show(e, people, true);
    }
  }
}
customElements.define("tj-new", New);

/** The one hearing of a JSON file, as far as it is one; null: several, or none. */
function single(text: string): Planned | null {
  let given: unknown;
  try {
    given = JSON.parse(text);
  } catch {
    return null;
  }
  const listed = (given as { hearings?: unknown }).hearings ?? given;
  const h = (Array.isArray(listed) ? (listed.length === 1 ? listed[0] : null) : listed) as Record<string, unknown> | null;
  if (typeof h !== "object" || h === null || typeof h["case_no"] !== "string") return null;
  const word = (key: string) => (typeof h[key] === "string" ? (h[key] as string) : "");
  const all = (key: string) => (Array.isArray(h[key]) ? (h[key] as unknown[]) : []);
  const planned: Planned = {
    case_no: word("case_no"), cause: word("cause"), courtroom: word("courtroom"), courtroom_name: "", public: h["public"] !== false,
    participants: all("participants").map((p) => p as { role?: unknown; name?: unknown }).map((p) => ({ role: String(p.role ?? ""), name: String(p.name ?? "") })),
    hotwords: all("hotwords").map(String),
  };
  if (!Number.isNaN(Date.parse(word("scheduled_at")))) planned.scheduled_at = word("scheduled_at");
  return planned;
}

function fieldOf(el: HTMLElement): string | null {
  if (el.closest(".people")) return "participants";
  return el.getAttribute("name");
}
