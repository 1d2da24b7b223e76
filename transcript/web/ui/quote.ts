// A quotation with its place, as it goes into a judgment or a note. It is in
// Chinese whatever the language of the page: so is the record.

import { clock, courtZone } from "./words";

export interface Quoted {
  case_no: string;
  courtroom_name: string;
  at: string; // when the hearing was opened
  demo?: boolean;
}

export interface QuotedLine {
  role: string;
  speaker: string;
  start_ms: number;
  text: string;
}

/** Day and time, to the second, of a place on a hearing's clock. */
export function courtTime(opened: string, ms: number): string {
  const at = new Date(Date.parse(opened) + ms);
  const parts = Object.fromEntries(new Intl.DateTimeFormat("en-GB", {
    timeZone: courtZone, year: "numeric", month: "numeric", day: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23",
  }).formatToParts(at).map((p) => [p.type, p.value]));
  return `${parts["year"]}年${Number(parts["month"])}月${Number(parts["day"])}日${parts["hour"]}:${parts["minute"]}:${parts["second"]}`;
}

export function quotation(h: Quoted, l: QuotedLine, heard: boolean): string {
  const place = [h.case_no, courtTime(h.at, l.start_ms), h.courtroom_name, `庭审时间${clock(l.start_ms)}`];
  if (heard) place.push("机器识别，未经更正");
  if (h.demo) place.push("演示，不能作为证据");
  return `${l.role}${l.speaker}：“${l.text}”（${place.filter((p) => p !== "").join("，")}）`;
}

/** Puts text on the clipboard; browsers give it to pages on https and loopback only. */
export async function copy(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = document.createElement("textarea");
    const focused = document.activeElement as HTMLElement | null;
    area.value = text;
    area.className = "unseen";
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    focused?.focus();
    return done;
  }
}
