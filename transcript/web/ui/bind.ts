// A hearing that was opened on the courtroom's PC, without the server, is bound to
// its case: the form of a new hearing, with who sat at each of its seats, and
// what had been announced to take over.

import { ask, type Hearing, hearingPath, type Seat } from "./api";
import { moment, t, timeOfDay, translate } from "./words";

/** Whether a hearing has no case yet. */
export function unbound(h: Hearing): boolean {
  return h.id.includes("-pc-") && h.case_no === "";
}

/** Where the form is. */
export function bindAddress(h: Hearing): string {
  return `/new?bind=${encodeURIComponent(h.id)}`;
}

/** What is added to the form of a new hearing. */
export class Binding {
  hearing: Hearing | null = null;
  private announced: Hearing[] = [];
  private readonly box = document.createElement("div");

  constructor(private readonly id: string, private readonly chosen: (h: Hearing) => void) {
    this.box.className = "binding";
    this.box.innerHTML = `<p class="what"></p>
      <label><span data-t="bind.announced"></span><select name="announcement"></select></label>
      <fieldset><legend data-t="bind.seats"></legend><ol class="sat"></ol></fieldset>`;
  }

  /** Puts it at the head of the form, and takes away what is not asked for. */
  place(form: HTMLFormElement): void {
    form.classList.add("bind");
    form.prepend(this.box);
    for (const el of form.querySelectorAll<HTMLElement>(".import, .pair, .sitting, menu [value=open]")) el.hidden = true;
    const keep = form.querySelector("menu [value=keep]") as HTMLButtonElement;
    keep.className = "primary";
    keep.dataset["t"] = "bind.go";
    const select = this.box.querySelector("select") as HTMLSelectElement;
    select.addEventListener("change", () => {
      const h = this.announced.find((a) => a.id === select.value);
      if (!h) return;
      this.sit(h.seats);
      this.chosen(h);
    });
    translate(form);
  }

  /** Fetches the hearing, and what is announced in its courtroom. */
  async load(): Promise<Hearing> {
    const h = await ask<Hearing>(hearingPath(this.id));
    this.announced = (await ask<{ hearings: Hearing[] }>(`/api/v1/hearings?status=scheduled&courtroom=${encodeURIComponent(h.courtroom)}`)).hearings;
    this.hearing = h;
    const list = this.box.querySelector(".sat") as HTMLElement;
    list.replaceChildren(...h.seats.map((s) => {
      const li = document.createElement("li");
      li.dataset["channel"] = s.channel;
      li.dataset["from"] = s.from ?? "";
      li.innerHTML = `<output></output><input name="seat-role" list="new-roles" autocomplete="off" data-t-label="new.role"><input name="seat-name" autocomplete="off" data-t-label="new.name">`;
      (li.querySelector("output") as HTMLElement).textContent = s.channel;
      this.put(li, s);
      return li;
    }));
    translate(this.box);
    this.relabel();
    return h;
  }

  relabel(): void {
    const h = this.hearing;
    if (!h) return;
    (this.box.querySelector(".what") as HTMLElement).textContent =
      t("bind.what", { room: h.courtroom_name, time: h.opened_at ? `${moment(h.opened_at)}${h.closed_at ? `–${timeOfDay(h.closed_at)}` : ""}` : "" });
    const select = this.box.querySelector("select") as HTMLSelectElement;
    const now = select.value;
    select.replaceChildren(new Option(t("bind.none"), ""), ...this.announced.map((a) =>
      new Option([a.case_no, a.cause, a.scheduled_at ? moment(a.scheduled_at) : ""].filter((w) => w !== "").join(" · "), a.id)));
    select.value = now;
  }

  /** The announced hearing that this one is, as the form says; "": none. */
  get announcement(): string {
    return (this.box.querySelector("select") as HTMLSelectElement).value;
  }

  set announcement(id: string) {
    (this.box.querySelector("select") as HTMLSelectElement).value = id;
  }

  /** Says who sat where; a seat without a time is one that did not change hands. */
  sit(seats: Seat[]): void {
    for (const li of this.box.querySelectorAll<HTMLElement>(".sat li")) {
      const s = seats.find((s) => s.channel === li.dataset["channel"] && (!s.from || s.from === li.dataset["from"]));
      if (s) this.put(li, s);
    }
  }

  private put(li: HTMLElement, s: Seat): void {
    (li.querySelector("[name=seat-role]") as HTMLInputElement).value = s.role;
    (li.querySelector("[name=seat-name]") as HTMLInputElement).value = s.speaker ?? "";
  }

  /** Who sat where, as the form says. */
  seats(): Seat[] {
    return [...this.box.querySelectorAll<HTMLElement>(".sat li")].map((li) => {
      const value = (name: string) => (li.querySelector(`[name=${name}]`) as HTMLInputElement).value.trim();
      const seat: Seat = { channel: li.dataset["channel"] ?? "", role: value("seat-role") };
      if (value("seat-name")) seat.speaker = value("seat-name");
      if (li.dataset["from"]) seat.from = li.dataset["from"];
      return seat;
    });
  }

  /** Sends what the form says. */
  async send(body: { case_no: string; cause: string; public: boolean; participants: unknown[]; hotwords: string[] }): Promise<Hearing> {
    const { case_no, cause, participants, hotwords } = body;
    const announcement = this.announcement;
    return ask<Hearing>(hearingPath(this.id, "/case"), "POST",
      { case_no, cause, public: body.public, participants, hotwords, seats: this.seats(), ...(announcement ? { announcement } : {}) });
  }
}
