// The phases of a hearing at the desk: proposed from what the bench says,
// confirmed, changed or refused by the clerk.

import { ask, hearingPath, type Line, Problem } from "./api";
import { button, sheet } from "./dialog";
import { clock, t } from "./words";
import { shownText } from "./written";

export interface Phase {
  phase: string;
  line: string;
  start_ms: number;
  state: "proposed" | "confirmed" | "refused";
}

/** In the order in which a hearing usually runs through them; a digit stands for each. */
export const phases = ["宣布开庭", "法庭调查", "举证质证", "法庭辩论", "最后陈述", "调解", "休庭", "宣判", "闭庭"];

/** Between two questions to the server, ms: many lines at once change the phases once. */
const patience = 800;

export class Phases {
  /** Told when the phases are others. */
  onChange: (list: Phase[]) => void = () => {};

  list: Phase[] = [];
  private timer = 0;
  private stopped = false;

  constructor(private readonly hearing: string) {}

  /** The first proposal that the clerk has not decided. */
  get proposal(): Phase | undefined {
    return this.list.find((p) => p.state === "proposed");
  }

  /** Something was said or decided that may change them. */
  stale(): void {
    if (this.timer === 0) this.timer = window.setTimeout(() => void this.look(), patience);
  }

  stop(): void {
    this.stopped = true;
    window.clearTimeout(this.timer);
  }

  async decide(line: string, phase: string): Promise<void> {
    this.take((await ask<{ phases: Phase[] }>(hearingPath(this.hearing, `/phases/${encodeURIComponent(line)}`), "PUT", { phase })).phases);
  }

  private async look(): Promise<void> {
    this.timer = 0;
    try {
      this.take((await ask<{ phases: Phase[] }>(hearingPath(this.hearing, "/phases"))).phases);
    } catch (e) {
      if (!(e instanceof Problem)) throw e; // the stream says when the server is lost, and the next line asks again
    }
  }

  private take(list: Phase[]): void {
    if (this.stopped) return;
    this.list = list;
    this.onChange(list);
  }
}

/** Lets the clerk say which phase begins with a line; a digit chooses, 0 is none. */
export async function choosePhase(all: Phases, line: Line): Promise<string | null> {
  const { dialog, body, closed } = sheet(t("phase"), "phase");
  const quote = document.createElement("blockquote");
  quote.textContent = `${clock(line.start_ms)} ${line.role}：${shownText(line)}`;
  const list = document.createElement("ol");
  const now = all.list.find((p) => p.line === line.id && p.state !== "refused")?.phase;
  let chosen: string | null = null;
  const take = (phase: string) => {
    chosen = phase;
    dialog.close("done");
  };
  for (const [i, p] of [...phases, ""].entries()) {
    const li = document.createElement("li");
    const b = button("", () => take(p));
    const key = document.createElement("kbd");
    key.textContent = String((i + 1) % 10);
    b.append(key, ` ${p === "" ? t("phase.none") : p}`);
    if (p === now) b.setAttribute("aria-current", "true");
    li.append(b);
    list.append(li);
  }
  body.append(quote, list);
  dialog.addEventListener("keydown", (e) => {
    const digit = /^[0-9]$/.exec(e.key)?.[0];
    if (digit === undefined) return;
    e.preventDefault();
    take(digit === "0" ? "" : (phases[Number(digit) - 1] as string));
  });
  (list.querySelector<HTMLElement>("[aria-current]") ?? list.querySelector("button"))?.focus();
  await closed;
  return chosen;
}
