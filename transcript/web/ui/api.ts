// What the server says, and how to ask it. /api/v1/openapi.json is the
// reference; only what the page reads is repeated here.

import { language, t } from "./words";

export type Status = "scheduled" | "open" | "paused" | "closed" | "signed";

export interface Seat {
  channel: string;
  role: string;
  speaker?: string;
  from?: string;
}

export interface Break {
  from: string;
  to?: string;
  reason: string;
}

export interface Hearing {
  id: string;
  version: number;
  status: Status;
  case_no: string;
  cause: string;
  courtroom: string;
  courtroom_name: string;
  court: string;
  public: boolean;
  demo?: boolean;
  seats: Seat[];
  participants: { role: string; name: string }[];
  hotwords: string[];
  scheduled_at?: string;
  opened_at?: string;
  closed_at?: string;
  breaks: Break[];
  taken_over_by?: string; // of an announcement: the hearing it has become
  phases?: { line: string; phase: string }[];
  readings?: { role: string; name: string; manner: "read" | "aloud"; remark?: string; change: number; at: string }[];
  screen?: { up_to_ms: number; change: number }; // what the parties' screen shows of it; absent: it is live
  signing?: {
    at: string;
    signers: { role: string; name: string }[];
    unsigned: { role: string; name: string }[];
    reason?: string;
    overrule?: string;
    doubts?: number;
    integrity?: string;
  };
}

export interface Progress {
  channels: { channel: string; stored_ms: number; recognised_ms: number; ended: boolean }[];
  complete: boolean;
}

export interface HearingNow extends Hearing {
  progress: Progress;
  now: string;
}

export interface Line {
  id: string;
  hearing: string;
  channel: string;
  role: string;
  speaker: string;
  text: string;
  start_ms: number;
  end_ms: number;
  origin: "speech" | "hand";
  engine: string;
  rejected?: string;
  doubts?: [number, number][]; // words the engine was unsure of: from, to in code points
  revision: number;
  author: string; // of the newest revision
  change: number;
  written?: Written; // where it is asked for
}

/** A text as a record writes it; places are code points. */
export interface Written {
  text: string;
  spans: { from: number; to: number; spoken_from: number; spoken_to: number; spoken: string }[]; // where it differs from what was said
}

export interface Revision {
  line: string;
  revision: number;
  text: string;
  role: string;
  speaker: string;
  author: string;
  at: string;
}

/** A place where a text stands, or one that sounds like it. */
export interface Spot {
  line: string;
  revision: number;
  role: string;
  start_ms: number;
  text: string; // of the line
  from: number; // in it, code points
  to: number;
  heard: string;
  exact: boolean;
}

export interface Alike {
  sound: "same" | "similar" | "different" | "";
  places: Spot[];
}

export interface Partial {
  id: string;
  channel: string;
  role: string;
  speaker: string;
  text: string;
  stable: number; // leading characters (code points) that will not change
  start_ms: number;
  end_ms: number;
  engine: string;
}

export interface Alarm {
  code: string;
  hearing?: string;
  channel?: string;
  text: string;
  text_en: string;
}

export interface SeatHealth {
  hearing?: string;
  channel: string;
  role: string;
  level_dbfs: number;
  recording: boolean;
  spool_seqs: number;
}

export interface Component {
  component: string;
  instance: string;
  courtroom?: string;
  at: string;
  seats?: SeatHealth[];
  alarms: Alarm[];
  stopped?: boolean;
}

/** The server ticks every second: two and a half seconds of nothing is a loss. */
export const silence = 2500; // ms
const answerLimit = 15_000; // ms, of a change: it is sent again
const readLimit = 60_000; // ms, to the end of an answer: a long list may take its time, a dead line never ends

/** A place in a field of a request, in characters; length 0 is its end. */
export interface Place {
  field: string;
  position: number;
  length: number;
}

/** What the server says of a request that it refuses. */
interface Refusal {
  detail?: string;
  title?: string;
  field?: string;
  position?: number;
  length?: number;
  part?: string; // of a case number
  current?: Line; // of a conflict
  rows?: { row: number; field: string; text: string; text_en: string }[]; // of a file
}

/** A request that was refused or not answered; message is for the reader. */
export class Problem extends Error {
  constructor(readonly status: number, message: string, readonly place: Place | null = null, readonly refusal: Refusal = {}) {
    super(message);
  }
}

export function hearingPath(id: string, rest = ""): string {
  return `/api/v1/hearings/${encodeURIComponent(id)}${rest}`;
}

/** Asks; a request that signal ends is thrown as an AbortError. */
export async function ask<T>(path: string, method: "GET" | "POST" | "PUT" = "GET", body?: unknown,
  signal: AbortSignal | null = null, more: Record<string, string> = {}): Promise<T> {
  const headers: Record<string, string> = { "Accept-Language": language(), ...more };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const patience = new AbortController();
  const timer = signal ? 0 : window.setTimeout(() => patience.abort(), method === "GET" ? readLimit : answerLimit);
  let answer: Response;
  let said: Refusal;
  try {
    answer = await fetch(path, { method, headers, body: body === undefined ? null : JSON.stringify(body), signal: signal ?? patience.signal });
    if (answer.ok) return (await answer.json()) as T;
    said = (await answer.json().catch(() => ({}))) as Refusal;
  } catch (e) {
    if (signal?.aborted) throw e;
    throw new Problem(0, t("unreachable"));
  } finally {
    window.clearTimeout(timer);
  }
  throw new Problem(answer.status, said.detail ?? said.title ?? `${answer.status}`,
    said.position === undefined ? null : { field: said.field ?? "", position: said.position, length: said.length ?? 0 }, said);
}

/** Sends a file as it is. */
export async function upload<T>(path: string, file: Blob): Promise<T> {
  let answer: Response;
  try {
    answer = await fetch(path, { method: "POST", headers: { "Accept-Language": language(), "Content-Type": "application/octet-stream" }, body: file });
  } catch {
    throw new Problem(0, t("unreachable"));
  }
  if (answer.ok) return (await answer.json()) as T;
  const said = (await answer.json().catch(() => ({}))) as Refusal;
  throw new Problem(answer.status, said.detail ?? `${answer.status}`, null, said);
}

/** Asks until the server can answer; refusals are thrown. waiting is told when nothing comes. */
export async function askPatiently<T>(path: string, waiting: () => void): Promise<T> {
  for (;;) {
    const timer = window.setTimeout(waiting, silence);
    try {
      return await ask<T>(path);
    } catch (e) {
      if (!(e instanceof Problem) || (e.status >= 400 && e.status < 500)) throw e;
      waiting();
      await new Promise((go) => setTimeout(go, 1000));
    } finally {
      window.clearTimeout(timer);
    }
  }
}
