// Every revision of a line, and the way back to each: going back is a revision too.

import { ask, hearingPath, type Line, type Revision } from "./api";
import { marked } from "./diff";
import { button, sheet } from "./dialog";
import { moment, t } from "./words";

export async function revisions(l: Line): Promise<Revision[]> {
  const path = hearingPath(l.hearing, `/lines/${encodeURIComponent(l.id)}/revisions`);
  return (await ask<{ revisions: Revision[] }>(path)).revisions;
}

/** The revision that an undo goes back to: the one before what the line says now, itself perhaps gone back to. */
export function before(list: Revision[]): Revision | undefined {
  const same = (a: Revision, b: Revision) => a.text === b.text && a.role === b.role && a.speaker === b.speaker;
  const now = list[list.length - 1];
  if (!now) return undefined;
  const place = list.findIndex((r) => same(r, now));
  for (let i = place - 1; i >= 0; i--) {
    const r = list[i] as Revision;
    if (!same(r, now)) return r;
  }
  return undefined;
}

/** Shows the revisions of a line, newest first; the answer is the one to go back to. */
export async function choose(l: Line): Promise<Revision | null> {
  const list = await revisions(l);
  const { dialog, body, closed } = sheet(t("history"), "history");
  const rows = document.createElement("ol");
  let chosen: Revision | null = null;
  for (const [i, r] of [...list.entries()].reverse()) {
    const li = document.createElement("li");
    const head = document.createElement("p");
    head.textContent = `${t("history.n", { n: r.revision })} · ${r.author.replace(/^engine:/, "")} · ${moment(r.at)}`;
    const text = document.createElement("blockquote");
    const older = list[i - 1];
    text.append(r.role ? `${r.role}：` : "", older ? marked(r.text, older.text, "ins") : r.text);
    li.append(head, text);
    if (i < list.length - 1) {
      li.append(button(t("history.back"), () => {
        chosen = r;
        dialog.close("back");
      }));
    }
    rows.append(li);
  }
  body.append(rows);
  await closed;
  return chosen;
}
