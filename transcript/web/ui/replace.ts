// Find and replace in the whole hearing, with a preview of every place; words
// of the same sound are offered too. A correction that teaches ends here.

import { type Alike, ask, type Hearing, hearingPath, type Spot, Problem } from "./api";
import { button, sheet } from "./dialog";
import type { Lines } from "./lines";
import type { Outbox } from "./outbox";
import { clock, t } from "./words";

export function alike(hearing: string, wrong: string, right: string): Promise<Alike> {
  return ask<Alike>(hearingPath(hearing, "/alike"), "POST", { wrong, right });
}

/** Gives words to the workers as vocabulary of this hearing. */
export async function teach(hearing: string, word: string): Promise<void> {
  await ask<Hearing>(hearingPath(hearing, "/hotwords"), "POST", { words: [word] });
}

export interface Wish {
  wrong: string;
  right: string;
  learn: boolean; // offer the word to the workers
}

/** Shows where a text stands; what is chosen is corrected together, and undone together. */
export async function replace(hearing: string, lines: Lines, outbox: Outbox, wish: Wish, trouble: (why: string) => void): Promise<void> {
  const { dialog, body, closed } = sheet(t(wish.learn ? "teach.title" : "replace.title"), "replace");
  const form = document.createElement("form");
  form.innerHTML = `<label><span></span><input name="wrong" maxlength="60" autocomplete="off"></label>
    <label><span></span><input name="right" maxlength="60" autocomplete="off"></label>
    <label class="check"><input type="checkbox" name="sound"><span></span></label>
    <label class="check"><input type="checkbox" name="learn"><span></span></label>`;
  const words = [...form.querySelectorAll("span")];
  for (const [i, k] of (["replace.wrong", "replace.right", "replace.sound", "replace.learn"] as const).entries()) {
    (words[i] as HTMLElement).textContent = t(k);
  }
  const field = (name: string) => form.elements.namedItem(name) as HTMLInputElement;
  const [wrong, right, sound, learn] = ["wrong", "right", "sound", "learn"].map(field) as [HTMLInputElement, HTMLInputElement, HTMLInputElement, HTMLInputElement];
  wrong.value = wish.wrong;
  right.value = wish.right;
  sound.checked = true;
  learn.checked = wish.learn;
  const status = document.createElement("p");
  status.setAttribute("role", "status");
  const found = document.createElement("ul");
  const menu = document.createElement("menu");
  const go = button("", () => void apply(), "primary");
  menu.append(button(t("act.cancel"), () => dialog.close("")), go);
  body.append(form, status, found, menu);

  let places: Spot[] = [];
  let asked = 0;
  const chosen = () => [...found.querySelectorAll<HTMLInputElement>("input")].flatMap((box, i) => (box.checked ? [places[i] as Spot] : []));
  const count = () => {
    const n = chosen().length;
    go.textContent = t(learn.checked && n === 0 ? "replace.teach" : "replace.go", { n });
    go.disabled = n === 0 && !(learn.checked && right.value.trim() !== "");
  };
  const look = async () => {
    const mine = ++asked;
    const needle = wrong.value.trim();
    let answer: Alike = { sound: "", places: [] };
    try {
      if (needle) answer = await alike(hearing, needle, right.value.trim());
    } catch (e) {
      if (!(e instanceof Problem)) throw e;
      if (mine === asked) status.textContent = e.message;
      return;
    }
    if (mine !== asked) return; // something else was typed meanwhile
    places = answer.places.filter((p) => p.exact || sound.checked);
    // Two characters of the same sound are often another word: the clerk chooses them.
    const sure = (p: Spot) => p.exact || Array.from(p.heard).length >= 3;
    found.replaceChildren(...places.map((p) => row(p, right.value.trim(), sure(p))));
    status.textContent = needle ? t("replace.found", { n: places.filter((p) => p.exact).length, m: places.filter((p) => !p.exact).length }) : "";
    count();
  };
  const apply = async () => {
    const group = `replace ${Date.now()}`;
    const now = right.value.trim();
    const byLine = new Map<string, Spot[]>();
    for (const p of chosen()) byLine.set(p.line, [...(byLine.get(p.line) ?? []), p]);
    let skipped = 0;
    for (const [id, list] of byLine) {
      const line = lines.row(id)?.line;
      if (!line || lines.textOf(line) !== list[0]?.text) {
        skipped++; // changed since it was shown
        continue;
      }
      const letters = Array.from(line.text);
      for (const p of list.sort((a, b) => b.from - a.from)) letters.splice(p.from, p.to - p.from, now);
      outbox.revise(line, { text: letters.join("") }, group);
    }
    dialog.close("done");
    if (skipped > 0) trouble(t("replace.skipped", { n: skipped }));
    if (!learn.checked || now === "") return;
    try {
      await teach(hearing, now);
    } catch (e) {
      if (!(e instanceof Problem)) throw e;
      trouble(t("failed", { why: e.message }));
    }
  };
  let timer = 0;
  form.addEventListener("input", (e) => {
    window.clearTimeout(timer);
    if ((e as InputEvent).isComposing) return;
    if (e.target === learn) count();
    else timer = window.setTimeout(() => void look(), e.target === sound ? 0 : 200);
  });
  form.addEventListener("compositionend", () => void look());
  form.addEventListener("submit", (e) => e.preventDefault());
  dialog.addEventListener("keydown", (e) => {
    if (e.key !== "Enter" || e.isComposing || (e.target as Element).tagName === "BUTTON") return;
    e.preventDefault();
    if (!go.disabled) go.click();
  });
  found.addEventListener("change", count);
  count();
  (wish.wrong ? go : wrong).focus();
  await look();
  if (wish.wrong && !go.disabled) go.focus();
  await closed;
}

function row(p: Spot, now: string, checked: boolean): HTMLElement {
  const li = document.createElement("li");
  const label = document.createElement("label");
  const box = document.createElement("input");
  box.type = "checkbox";
  box.checked = checked;
  const text = document.createElement("span");
  const letters = Array.from(p.text);
  const old = document.createElement("del");
  old.textContent = p.heard;
  const fresh = document.createElement("ins");
  fresh.textContent = now;
  const near = 14; // characters shown around it
  text.append(`${clock(p.start_ms)} ${p.role}：`, p.from > near ? "…" : "", letters.slice(Math.max(0, p.from - near), p.from).join(""),
    old, fresh, letters.slice(p.to, p.to + near).join(""), p.to + near < letters.length ? "…" : "");
  label.append(box, text);
  if (!p.exact) {
    const why = document.createElement("small");
    why.textContent = t("replace.alike");
    label.append(why);
  }
  li.append(label);
  return li;
}
