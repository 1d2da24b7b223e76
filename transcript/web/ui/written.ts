// The written form of the lines: numbers, dates and sums in figures. It is asked
// for and never stored; an edit always shows what was spoken.

import { ask, hearingPath, type Line, Problem } from "./api";

/** As it was said, in figures, and in figures with sums in both forms. */
export const forms = ["spoken", "written", "both"] as const;
export type Form = (typeof forms)[number];

const patience = 300; // ms between two questions

interface WrittenLine extends Line {
  written?: { text: string };
}

export class WrittenForm {
  /** Told when the written form of lines has come, or is to be shown no more; with their ids. */
  onChange: (lines: Iterable<string>) => void = () => {};

  form: Form = "spoken";
  private texts = new Map<string, { change: number; text: string }>();
  private after = 0;
  private timer = 0;

  constructor(private readonly hearing: string) {}

  /** How exports show the same, as a query. */
  get query(): string {
    return { spoken: "", written: "form=written", both: "form=written&amounts=both" }[this.form];
  }

  /** What to show of a line as it stands; undefined: what was said. */
  of(l: Line): string | undefined {
    const w = this.texts.get(l.id);
    return w && w.change === l.change ? w.text : undefined;
  }

  next(): void {
    const shown = [...this.texts.keys()];
    this.form = forms[(forms.indexOf(this.form) + 1) % forms.length] as Form;
    this.texts.clear();
    this.after = 0;
    this.onChange(shown);
    void this.look();
  }

  /** A line is new or other than it was. */
  stale(): void {
    if (this.form !== "spoken" && this.timer === 0) this.timer = window.setTimeout(() => void this.look(), patience);
  }

  stop(): void {
    window.clearTimeout(this.timer);
    this.form = "spoken";
  }

  private async look(): Promise<void> {
    this.timer = 0;
    const form = this.form;
    if (form === "spoken") return;
    let answer;
    try {
      answer = await ask<{ lines: WrittenLine[]; last_event_id: number }>(hearingPath(this.hearing, `/lines?words=false&after=${this.after}&${this.query}`));
    } catch (e) {
      if (!(e instanceof Problem)) throw e;
      return; // the spoken form is there; the next line asks again
    }
    if (form !== this.form) return;
    this.after = answer.last_event_id;
    for (const l of answer.lines) if (l.written) this.texts.set(l.id, { change: l.change, text: l.written.text });
    this.onChange(answer.lines.map((l) => l.id));
  }
}
