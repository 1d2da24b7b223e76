// A hearing is announced: everything is checked as it is typed, by the server
// that will hold it, and a file from the case system fills the form.

import { ask, type Hearing, hearingPath, Problem } from "./api";
import { button } from "./dialog";
import { t, translate } from "./words";

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
}

const frame = `<header><div class="court"><h1></h1></div><div class="now"><tj-tools></tj-tools></div></header>
<main class="new"><h2 data-t="new"></h2>
<form novalidate>
  <p class="import"><label class="file"><span data-t="new.import"></span><input type="file" accept=".json,application/json"></label><small data-t="new.import.how"></small></p>
  <label><span data-t="new.case"></span><input name="case_no" autocomplete="off" spellcheck="false" placeholder="（2026）内0102民初123号"></label>
  <p class="parts" aria-hidden="true">${parts.map((p) => `<span data-part="${p}" data-t="new.part.${p}"></span>`).join("")}</p>
  <label><span data-t="new.cause"></span><input name="cause" autocomplete="off"></label>
  <div class="pair"><label><span data-t="new.room"></span><select name="courtroom"></select></label>
  <label><span data-t="new.time"></span><input name="scheduled_at" type="datetime-local"></label></div>
  <label class="check"><input type="checkbox" name="public" checked><span data-t="new.public"></span></label>
  <fieldset><legend data-t="new.people"></legend><datalist id="new-roles"></datalist><ol class="people"></ol></fieldset>
  <label><span data-t="new.words"></span><textarea name="hotwords" rows="3"></textarea></label>
  <p class="wrong" role="alert" hidden></p>
  <menu><button type="button" value="keep" data-t="new.keep"></button><button type="button" value="open" class="primary" data-t="new.open"></button></menu>
</form></main>`;

/** <tj-new> */
export class New extends HTMLElement {
  private touched = new Set<string>();
  private asked = 0;
  private timer = 0;
  private relabel = () => {
    document.title = `${t("new")} · ${t("app")}`;
    void this.check();
  };

  connectedCallback(): void {
    this.innerHTML = frame;
    translate(this);
    document.title = `${t("new")} · ${t("app")}`;
    this.find("datalist").append(...roles.map((r) => new Option(r, r)));
    this.person("原告", "");
    this.person("被告", "");
    const form = this.find<HTMLFormElement>("form");
    form.addEventListener("input", (e) => this.typed(e));
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
      if (file) void file.text().then((text) => this.fill(text));
    });
    document.addEventListener("tj-language", this.relabel);
    void this.rooms();
    this.find<HTMLInputElement>("[name=case_no]").focus();
  }

  disconnectedCallback(): void {
    document.removeEventListener("tj-language", this.relabel);
    window.clearTimeout(this.timer);
  }

  private find<E extends HTMLElement = HTMLElement>(selector: string): E {
    return this.querySelector(selector) as E;
  }

  private async rooms(): Promise<void> {
    try {
      const { court, courtrooms } = await ask<{ court: string; courtrooms: { id: string; name: string }[] }>("/api/v1/courtrooms");
      this.find("h1").textContent = court || t("app");
      const select = this.find<HTMLSelectElement>("[name=courtroom]");
      const chosen = select.value || select.dataset["chosen"] || localStorage.getItem("tj-room") || "";
      select.replaceChildren(...courtrooms.map((r) => new Option(r.name, r.id)));
      if (courtrooms.some((r) => r.id === chosen)) select.value = chosen;
    } catch (e) {
      if (!(e instanceof Problem)) throw e;
      this.say(e.message);
      this.timer = window.setTimeout(() => void this.rooms(), 2000);
    }
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
    if (field === "case_no") this.touched.add(field);
    window.clearTimeout(this.timer);
    if (!(e as InputEvent | null)?.isComposing) this.timer = window.setTimeout(() => void this.check(), 150);
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

  /** Fills the form from a file: what POST /api/v1/hearings takes. */
  private fill(text: string): void {
    let given: Partial<Record<keyof NewHearing, unknown>>;
    try {
      given = JSON.parse(text) as typeof given;
      if (typeof given !== "object" || given === null || Array.isArray(given)) throw new Error("no object");
    } catch {
      this.say(t("new.import.failed"));
      return;
    }
    const put = (name: string, value: unknown) => {
      if (typeof value === "string") this.find<HTMLInputElement>(`[name=${name}]`).value = value;
    };
    put("case_no", given.case_no);
    put("cause", given.cause);
    put("courtroom", given.courtroom);
    if (typeof given.courtroom === "string") this.find("[name=courtroom]").dataset["chosen"] = given.courtroom;
    if (typeof given.public === "boolean") this.find<HTMLInputElement>("[name=public]").checked = given.public;
    if (typeof given.scheduled_at === "string" && !Number.isNaN(Date.parse(given.scheduled_at))) {
      const at = new Date(given.scheduled_at);
      put("scheduled_at", new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16));
    }
    if (Array.isArray(given.hotwords)) put("hotwords", given.hotwords.join("\n"));
    if (Array.isArray(given.participants)) {
      this.find(".people").replaceChildren();
      for (const p of given.participants as { role?: unknown; name?: unknown }[]) this.person(String(p.role ?? ""), String(p.name ?? ""));
    }
    for (const name of ["case_no", "cause", "courtroom", "participants", "hotwords", "scheduled_at"]) this.touched.add(name);
    this.typed(null);
  }

  private async send(open: boolean): Promise<void> {
    this.asked++;
    const { body, people } = this.read();
    try {
      const h = await ask<Hearing>("/api/v1/hearings", "POST", body);
      localStorage.setItem("tj-room", body.courtroom);
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

function fieldOf(el: HTMLElement): string | null {
  if (el.closest(".people")) return "participants";
  return el.getAttribute("name");
}
