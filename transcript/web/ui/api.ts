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
  scheduled_at?: string;
  opened_at?: string;
  closed_at?: string;
  breaks: Break[];
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
  channel: string;
  role: string;
  speaker: string;
  text: string;
  start_ms: number;
  end_ms: number;
  origin: "speech" | "hand";
  engine: string;
  rejected?: string;
  revision: number;
  change: number;
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

/** A place in a field of a request, in characters; length 0 is its end. */
export interface Place {
  field: string;
  position: number;
  length: number;
}

/** A request that was refused or not answered; message is for the reader. */
export class Problem extends Error {
  constructor(readonly status: number, message: string, readonly place: Place | null = null) {
    super(message);
  }
}

export function hearingPath(id: string, rest = ""): string {
  return `/api/v1/hearings/${encodeURIComponent(id)}${rest}`;
}

/** Asks; a request that signal ends is thrown as an AbortError. */
export async function ask<T>(path: string, method: "GET" | "POST" = "GET", body?: unknown, signal: AbortSignal | null = null): Promise<T> {
  const headers: Record<string, string> = { "Accept-Language": language() };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  let answer: Response;
  try {
    answer = await fetch(path, { method, headers, body: body === undefined ? null : JSON.stringify(body), signal });
  } catch (e) {
    if (signal?.aborted) throw e;
    throw new Problem(0, t("unreachable"));
  }
  if (answer.ok) return (await answer.json()) as T;
  const problem = (await answer.json().catch(() => ({}))) as { detail?: string; title?: string; field?: string; position?: number; length?: number };
  throw new Problem(answer.status, problem.detail ?? problem.title ?? `${answer.status}`,
    problem.position === undefined ? null : { field: problem.field ?? "", position: problem.position, length: problem.length ?? 0 });
}

/** Asks until the server can answer; refusals are thrown. */
export async function askPatiently<T>(path: string, waiting: () => void): Promise<T> {
  for (;;) {
    try {
      return await ask<T>(path);
    } catch (e) {
      if (!(e instanceof Problem) || (e.status >= 400 && e.status < 500)) throw e;
      waiting();
      await new Promise((go) => setTimeout(go, 1000));
    }
  }
}
