// What parties ask to be corrected (补正): who asks, which line, what he says was
// said; heard again, and decided. The request and the decision are both kept.

import { type After, keyed, labelled, paragraph, part, persons } from "./after";
import { ask, type Hearing, hearingPath, type Line, Problem } from "./api";
import { marked } from "./diff";
import { button, sheet } from "./dialog";
import { forget, keep } from "./kept";
import type { Lines } from "./lines";
import { clock, moment, t } from "./words";
import { asSaid, shownText } from "./written";

export interface Correction {
  id: string;
  line: string;
  revision: number;
  role: string;
  text: string;
  start_ms: number;
  by: { role: string; name: string };
  says: string;
  note: string;
  at: string;
  decision?: { outcome: "accepted" | "refused"; reason: string; text?: string; author: string; at: string };
}

/** Takes down what a party asks of a line; null: he does not. */
export async function request(h: Hearing, lines: Lines, line: Line): Promise<Correction | null> {
  const { dialog, body, closed } = sheet(t("correct"), "correct");
  const form = document.createElement("form");
  const was = document.createElement("blockquote");
  was.textContent = `${clock(line.start_ms)} ${line.role}：${shownText(line)}`;
  const who = document.createElement("select");
  const all = persons(h);
  who.append(...all.map((p, i) => new Option(`${p.role}${p.name}`, String(i))));
  const own = all.findIndex((p) => p.role === line.role && (p.name === line.speaker || line.speaker === ""));
  if (own >= 0) who.value = String(own);
  const says = document.createElement("textarea");
  says.rows = 3;
  says.value = shownText(line);
  const note = document.createElement("input");
  note.maxLength = 200;
  const { written } = line; // as it is shown, whatever form is chosen next
  const keys = ["says", "note"].map((what) => `${h.id} ${what} ${line.id} ${line.revision}`) as [string, string];
  keep(says, keys[0]);
  keep(note, keys[1]);
  const trouble = paragraph("", "trouble");
  trouble.setAttribute("role", "alert");
  const made: Correction[] = [];
  const send = async () => {
    try {
      made.push(await ask<Correction>(hearingPath(h.id, "/corrections"), "POST",
        { by: all[Number(who.value)], line: line.id, says: asSaid(written, says.value.replace(/\s*\n\s*/g, "")), note: note.value }));
      forget(...keys);
      dialog.close("done");
    } catch (e) {
      if (!(e instanceof Problem)) throw e;
      trouble.textContent = e.message;
    }
  };
  const menu = document.createElement("menu");
  menu.append(button(t("correct.listen"), () => lines.player.play(line.channel, line.start_ms, line.end_ms)),
    button(t("act.cancel"), () => {
      forget(...keys);
      dialog.close("");
    }), button(t("correct.take"), () => void send(), "primary"));
  form.append(was, labelled(t("correct.who"), who), labelled(t("correct.says"), says), labelled(t("correct.note"), note), trouble, menu);
  form.addEventListener("submit", (e) => e.preventDefault());
  form.addEventListener("keydown", (e) => {
    if (e.key !== "Enter" || e.isComposing || (e.target as Element).tagName === "BUTTON") return;
    e.preventDefault();
    void send();
  });
  body.append(form);
  who.focus();
  await closed;
  lines.player.stop();
  return made[0] ?? null;
}

/** The requests of a hearing, with what was decided or what decides them. */
export function corrections(a: After, list: Correction[]): HTMLElement {
  const el = part(t("corrections.n", { n: list.length }), "corrections");
  if (list.length === 0 && a.hearing.status !== "signed") el.append(paragraph(t("corrections.how")));
  for (const c of list) el.append(one(a, c));
  return el;
}

function one(a: After, c: Correction): HTMLElement {
  const el = document.createElement("article");
  el.append(paragraph(t("corrections.asked", { n: c.id, who: c.by.role + c.by.name, time: clock(c.start_ms), at: moment(c.at) })));
  const quote = (words: string, fragment: Node) => {
    const q = document.createElement("blockquote");
    const small = document.createElement("small");
    small.textContent = words;
    q.append(small, fragment);
    el.append(q);
  };
  quote(t("corrections.was", { role: c.role }), marked(c.text, c.says, "del"));
  quote(t("corrections.says"), marked(c.says, c.text, "ins"));
  if (c.note) el.append(paragraph(t("corrections.note", { note: c.note })));
  const line = a.lines.row(c.line)?.line;
  const listen = button(t("correct.listen"), () => line && a.play(line.channel, line.start_ms, line.end_ms));
  if (c.decision) {
    const d = c.decision;
    if (d.text !== undefined && d.text !== c.says) quote(t("corrections.now"), document.createTextNode(d.text));
    el.append(paragraph(`${t(`corrections.${d.outcome}`)} ${d.reason} · ${d.author} · ${moment(d.at)}`, "done"), listen);
    return el;
  }
  const text = document.createElement("textarea");
  text.rows = 2;
  text.value = c.says;
  keyed(a, text, `correction ${c.id}`);
  const reason = document.createElement("input");
  reason.maxLength = 200;
  keyed(a, reason, `correction ${c.id} reason`);
  const decide = (outcome: "accepted" | "refused") => void a.change(() => ask<Correction>(hearingPath(a.hearing.id, `/corrections/${c.id}/decide`), "POST",
    { outcome, reason: reason.value.trim(), ...(outcome === "accepted" ? { text: text.value.replace(/\s*\n\s*/g, ""), revision: line?.revision ?? c.revision } : {}) }), text, reason);
  const menu = document.createElement("menu");
  menu.append(listen, button(t("corrections.refuse"), () => decide("refused")), button(t("corrections.accept"), () => decide("accepted"), "primary"));
  el.append(labelled(t("corrections.text"), text), labelled(t("corrections.reason"), reason), menu);
  return el;
}
