// What was taken out of the text, and the way back: a voice that another seat has
// louder, and what the engine most likely made up.

import { ask, type Hearing, hearingPath, type Line } from "./api";
import { button, sheet } from "./dialog";
import type { Lines } from "./lines";
import { clock, type Key, t } from "./words";
import { asForm } from "./written";

interface Aside {
  id: string;
  channel: string;
  role: string;
  speaker: string;
  kind: "crosstalk" | "doubtful";
  source: string;
  text: string;
  start_ms: number;
  end_ms: number;
  line?: string;
}

export const reasons: Record<string, Key> = {
  "no-speech": "aside.silence", "too-much-text": "aside.much", loop: "aside.loop", credits: "aside.credits", "prompt-echo": "aside.echo",
};

/** Shows the asides of a hearing, the newest first; onBack is told each line that one becomes. */
export async function asides(h: Hearing, lines: Lines, onBack: (line: Line) => void): Promise<void> {
  const list = (await ask<{ asides: Aside[] }>(hearingPath(h.id, "/asides"))).asides;
  const { body, closed } = sheet(t("asides"), "asides history");
  const about = document.createElement("p");
  about.textContent = t(list.length > 0 ? "asides.about" : "asides.none");
  const rows = document.createElement("ol");
  for (const a of list.reverse()) {
    const li = document.createElement("li");
    const head = document.createElement("p");
    head.textContent = `${clock(a.start_ms)} · ${why(h, a)}`;
    const text = document.createElement("blockquote");
    text.textContent = `${a.role}${a.speaker}：${a.text}`;
    const menu = document.createElement("menu");
    const back = button(t(a.line ? "aside.done" : "aside.back"), () => void bring());
    back.disabled = a.line !== undefined;
    const bring = async () => {
      back.disabled = true;
      try {
        const line = await ask<Line>(hearingPath(h.id, `/asides/${encodeURIComponent(a.id)}/bring-back${asForm()}`), "POST");
        lines.put(line);
        onBack(line);
        back.textContent = t("aside.done");
      } catch (e) {
        back.disabled = false;
        head.textContent = t("failed", { why: (e as Error).message });
      }
    };
    menu.append(button(t("correct.listen"), () => lines.player.play(a.channel, a.start_ms, a.end_ms)), back);
    li.append(head, text, menu);
    rows.append(li);
  }
  body.append(about, rows);
  await closed;
}

function why(h: Hearing, a: Aside): string {
  if (a.kind === "doubtful") return t(reasons[a.source] ?? "aside.doubtful");
  const seat = h.seats.filter((s) => s.channel === a.source).pop();
  return t("aside.crosstalk", { seat: seat ? `${seat.role}${seat.speaker ?? ""}` : a.source });
}
