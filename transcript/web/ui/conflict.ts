// Two clerks changed one line: both versions are shown, and this one decides.

import { changes, marked, merge } from "./diff";
import { button, sheet } from "./dialog";
import { forget, keep } from "./kept";
import type { Edit, Outbox, Pending } from "./outbox";
import { t } from "./words";

/** Asks what a line that somebody else has changed should be; Esc leaves it undecided. */
export async function decide(outbox: Outbox, p: Pending): Promise<void> {
  const theirs = p.theirs;
  if (!theirs) return;
  const mine = p.edit.text ?? p.base.text;
  const { dialog, body, closed } = sheet(t("conflict"), "conflict");
  const why = document.createElement("p");
  why.textContent = t("conflict.why");
  body.append(why);
  const version = (name: "conflict.theirs" | "conflict.mine", role: string, text: string, other: string, sign: "ins" | "del") => {
    const h = document.createElement("h3");
    h.textContent = t(name);
    const q = document.createElement("blockquote");
    q.append(role ? `${role}：` : "", marked(text, other, sign));
    body.append(h, q);
  };
  version("conflict.theirs", theirs.role, theirs.text, mine, "del");
  version("conflict.mine", p.edit.role ?? p.base.role, mine, theirs.text, "ins");

  const label = document.createElement("label");
  label.textContent = t("conflict.merged");
  const merged = document.createElement("textarea");
  merged.value = merge(p.base.text, mine, theirs.text) ?? mine;
  merged.rows = Math.min(6, 2 + Math.floor(merged.value.length / 40));
  const key = `merged ${p.line} ${theirs.revision}`;
  keep(merged, key);
  label.append(merged);
  body.append(label);

  // A role changed by one of the two stays changed.
  const role: Edit = p.edit.role === undefined ? {} : { role: p.edit.role, speaker: p.edit.speaker ?? theirs.speaker };
  const choose = (text: string, edit: Edit) => {
    if (text === theirs.text && (edit.role === undefined || edit.role === theirs.role)) outbox.drop(p.line);
    else outbox.decide(p, changes(theirs.text, text).length > 0 ? { ...edit, text } : edit);
    forget(key);
    dialog.close("done");
  };
  const menu = document.createElement("menu");
  menu.append(
    button(t("conflict.take.theirs"), () => choose(theirs.text, {})),
    button(t("conflict.take.mine"), () => choose(mine, role)),
    button(t("conflict.take.merged"), () => choose(merged.value.replace(/\s*\n\s*/g, "").trim(), role), "primary"),
  );
  body.append(menu);
  merged.focus();
  await closed;
}
