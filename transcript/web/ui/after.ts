// When the hearing is over: what is still in doubt, who has read the record,
// corrections that parties ask for, and the signature that freezes it.

import { ask, type Hearing, hearingPath, type Line, Problem } from "./api";
import { type Correction, corrections } from "./corrections";
import { button, sheet } from "./dialog";
import { draft } from "./edit";
import { type Field, forget, keep } from "./kept";
import { coverage, type Ledger } from "./ledger";
import type { Lines } from "./lines";
import { clock, language, moment, t } from "./words";
import { asForm } from "./written";

interface Doubt {
  kind: string;
  line?: string;
  correction?: string;
  from_ms: number;
  to_ms: number;
  text: string;
  text_en: string;
}

export interface Person {
  role: string;
  name: string;
}

/** Everybody whom the hearing names. */
export function persons(h: Hearing): Person[] {
  const all: Person[] = [];
  for (const p of [...h.participants, ...h.seats.map((s) => ({ role: s.role, name: s.speaker ?? "" }))]) {
    if (p.name !== "" && !all.some((a) => a.role === p.role && a.name === p.name)) all.push({ role: p.role, name: p.name });
  }
  return all;
}

/** What the pages of a hearing's end share. */
export interface After {
  hearing: Hearing;
  lines: Lines;
  body: HTMLElement;
  reload: () => Promise<void>;
  /** Closes the sheet and takes the clerk to a line. */
  go: (line: string | undefined, ms: number) => void;
  /** Runs a change; what goes wrong is said in the sheet. What was typed into the fields that it sends is kept until it is done. */
  change: (run: () => Promise<unknown>, ...fields: Field[]) => Promise<void>;
  play: (channel: string, from: number, to: number) => void;
}

/** Opens the sheet in which a record is checked and signed. */
export async function review(h: Hearing, lines: Lines, edit: (line: string) => void): Promise<void> {
  const { dialog, body, closed } = sheet(t("after"), "after");
  const trouble = document.createElement("p");
  trouble.setAttribute("role", "alert");
  trouble.className = "trouble";
  const parts = document.createElement("div");
  body.append(trouble, parts);
  let leave = () => {};
  const a: After = {
    hearing: h, lines, body: parts,
    reload: async () => {
      const path = (rest: string) => hearingPath(h.id, rest);
      const [now, open, ledger, asked] = await Promise.all([
        ask<Hearing>(path("")), ask<{ doubts: Doubt[]; complete: boolean }>(path("/doubts")),
        ask<Ledger>(path("/ledger")), ask<{ corrections: Correction[] }>(path("/corrections")),
      ]);
      a.hearing = now;
      // The place of the focus is kept, by what it is about.
      const at = (document.activeElement as HTMLElement | null)?.dataset["key"];
      parts.replaceChildren(doubtful(a, open.doubts, open.complete), coverage(a, ledger), corrections(a, asked.corrections),
        readings(a), signature(a, open.doubts, open.complete), exports(a));
      const again = at && parts.querySelector<HTMLElement>(`[data-key="${CSS.escape(at)}"]`);
      if (again) again.focus();
      else if (!parts.contains(document.activeElement)) parts.querySelector<HTMLElement>("button, a, input")?.focus();
    },
    go: (line, ms) => {
      const near = line ?? lines.all().reduce<Line | undefined>((best, l) => (l.start_ms <= ms || !best ? l : best), undefined)?.id;
      leave = () => {
        if (near === undefined) return;
        lines.go(near);
        if (line !== undefined) edit(line);
      };
      dialog.close("go");
    },
    change: async (run, ...fields) => {
      trouble.textContent = "";
      try {
        await run();
        forget(...fields.map((f) => `${h.id} ${f.dataset["key"]}`));
        await a.reload();
      } catch (e) {
        if (!(e instanceof Problem)) throw e;
        trouble.textContent = t("failed", { why: e.message });
        trouble.scrollIntoView({ block: "nearest" });
      }
    },
    play: (channel, from, to) => lines.player.play(channel, from, to),
  };
  await a.change(async () => {});
  await closed;
  lines.player.stop();
  leave();
}

/** A part of the sheet under its heading. */
export function part(heading: string, kind: string): HTMLElement {
  const el = document.createElement("section");
  el.className = kind;
  const h = document.createElement("h3");
  h.textContent = heading;
  el.append(h);
  return el;
}

export function paragraph(words: string, kind = ""): HTMLParagraphElement {
  const p = document.createElement("p");
  p.className = kind;
  p.textContent = words;
  return p;
}

/** Makes a field of the sheet known by a key: the focus comes back to it, and what is typed into it outlives what the sheet shows anew. */
export function keyed<E extends Field>(a: After, field: E, key: string): E {
  field.dataset["key"] = key;
  return keep(field, `${a.hearing.id} ${key}`);
}

/** A field under its label. */
export function labelled<E extends HTMLElement>(words: string, field: E): HTMLLabelElement {
  const label = document.createElement("label");
  const span = document.createElement("span");
  span.textContent = words;
  label.append(span, field);
  return label;
}

function doubtful(a: After, doubts: Doubt[], complete: boolean): HTMLElement {
  const el = part(t("doubts.n", { n: doubts.length }), "doubts");
  if (a.hearing.status === "signed") return el;
  if (!complete) el.append(paragraph(t("doubts.incomplete"), "wrong"));
  if (doubts.length === 0) return el;
  el.append(paragraph(t("doubts.how")));
  const list = document.createElement("ol");
  for (const d of doubts) {
    const li = document.createElement("li");
    const words = `${clock(d.from_ms)} ${language() === "zh" ? d.text : d.text_en}`;
    const b = button(words, () => {
      if (d.kind === "fault" || d.kind === "correction") {
        const there = a.body.querySelector<HTMLElement>(d.kind === "fault" ? `[data-key="fault ${d.from_ms}"]` : `[data-key="correction ${d.correction}"]`);
        there?.scrollIntoView({ block: "center" });
        there?.focus();
        return;
      }
      a.go(d.line, d.from_ms);
    });
    b.dataset["key"] = `doubt ${d.line ?? d.correction ?? d.from_ms}`;
    li.append(b);
    list.append(li);
  }
  list.addEventListener("keydown", (e) => {
    const all = [...list.querySelectorAll("button")];
    const i = all.indexOf(e.target as HTMLButtonElement);
    const next = { ArrowDown: i + 1, ArrowUp: i - 1, Home: 0, End: all.length - 1 }[e.key];
    if (next === undefined || i < 0) return;
    e.preventDefault();
    all[next]?.focus();
  });
  el.append(list);
  return el;
}

/** Who has read the record, and how he found it. */
function readings(a: After): HTMLElement {
  const h = a.hearing;
  const el = part(t("readings"), "readings");
  if (h.status !== "signed") el.append(paragraph(t(h.status === "closed" ? "readings.how" : "readings.later")));
  const last = a.lines.all().reduce((most, l) => Math.max(most, l.change), 0);
  const list = document.createElement("ul");
  for (const p of persons(h)) {
    const li = document.createElement("li");
    const name = document.createElement("b");
    name.textContent = `${p.role}${p.name}`;
    li.append(name);
    const read = h.readings?.find((r) => r.role === p.role && r.name === p.name);
    if (read) {
      const words = `${t(`readings.${read.manner}`)}，${read.remark ? read.remark : t("readings.right")} · ${moment(read.at)}`;
      li.append(paragraph(words, "done"));
      if (read.change < last && h.status === "closed") li.append(paragraph(t("readings.changed"), "wrong"));
    } else if (h.status === "signed") {
      li.append(paragraph(t("readings.none")));
    }
    if (h.status === "closed") {
      const remark = document.createElement("input");
      remark.maxLength = 200;
      remark.placeholder = t("readings.remark");
      remark.setAttribute("aria-label", `${p.role}${p.name} ${t("readings.remark")}`);
      keyed(a, remark, `remark ${p.role} ${p.name}`);
      const mark = (manner: "read" | "aloud") => {
        const b = button(t(`readings.${manner}`), () => void a.change(() =>
          ask<Hearing>(hearingPath(h.id, "/readings"), "POST", { by: p, manner, remark: remark.value.trim() }), remark));
        b.setAttribute("aria-label", `${p.role}${p.name} ${t(`readings.${manner}`)}`);
        b.dataset["key"] = `${manner} ${p.role} ${p.name}`;
        return b;
      };
      li.append(remark, mark("read"), mark("aloud"));
    }
    list.append(li);
  }
  el.append(list);
  return el;
}

/** Refuses while this browser has words that the record does not: they could not be taken up any more. */
async function unsent(a: After): Promise<void> {
  const n = (await a.lines.outbox?.settle()) ?? 0;
  if (n > 0) throw new Problem(0, t("sign.waits", { n }));
  const half = a.lines.all().filter((l) => (draft(l) ?? a.lines.shownOf(l)).trim() !== a.lines.shownOf(l));
  if (half.length > 0) throw new Problem(0, t("sign.drafts", { n: half.length, at: clock((half[0] as Line).start_ms) }));
}

function signature(a: After, doubts: Doubt[], complete: boolean): HTMLElement {
  const h = a.hearing;
  const el = part(t("sign"), "sign");
  if (h.signing) {
    const s = h.signing;
    const names = (list: Person[]) => list.map((p) => p.role + p.name).join("、");
    el.append(paragraph(t("sign.done", { who: names(s.signers), at: moment(s.at) })));
    if (s.unsigned.length > 0) el.append(paragraph(t("sign.without", { who: names(s.unsigned), why: s.reason ?? "" })));
    if (s.doubts) el.append(paragraph(t("sign.overruled", { n: s.doubts, why: s.overrule ?? "" })));
    el.append(paragraph(t("sign.value")));
    const value = document.createElement("output");
    value.className = "integrity";
    value.textContent = s.integrity ?? "";
    el.append(value);
    return el;
  }
  if (h.demo) {
    el.append(paragraph(t("sign.demo"), "wrong"));
    return el;
  }
  if (h.status !== "closed") {
    el.append(paragraph(t("sign.open"), "wrong"));
    return el;
  }
  el.append(paragraph(t("sign.how")));
  const boxes = persons(h).map((p) => {
    const box = document.createElement("input");
    box.type = "checkbox";
    box.checked = true;
    keyed(a, box, `signer ${p.role} ${p.name}`);
    const label = labelled(`${p.role}${p.name}`, box);
    label.className = "check";
    el.append(label);
    return { p, box };
  });
  const reason = document.createElement("input");
  reason.maxLength = 200;
  keyed(a, reason, "sign reason");
  const why = labelled(t("sign.reason"), reason);
  const overrule = document.createElement("input");
  overrule.maxLength = 200;
  keyed(a, overrule, "sign overrule");
  const over = labelled(t("sign.overrule", { n: doubts.length }), overrule);
  over.hidden = doubts.length === 0;
  const go = button(t("sign.go"), () => {
    const signers = boxes.filter((b) => b.box.checked).map((b) => b.p);
    go.disabled = true;
    go.textContent = t("sign.busy"); // all of its sound is read
    void a.change(async () => {
      await unsent(a);
      await ask<Hearing>(hearingPath(h.id, "/sign"), "POST",
        { signers, reason: reason.value.trim(), overrule: overrule.value.trim() }, new AbortController().signal);
    }, reason, overrule, ...boxes.map((b) => b.box)).finally(() => {
      go.textContent = t("sign.go");
      able();
    });
  }, "primary");
  go.dataset["key"] = "sign go";
  const able = () => {
    why.hidden = boxes.every((b) => b.box.checked);
    go.disabled = !complete || boxes.every((b) => !b.box.checked) || (doubts.length > 0 && overrule.value.trim() === "");
  };
  el.addEventListener("input", able);
  able();
  el.append(why, over, go);
  return el;
}

function exports(a: After): HTMLElement {
  const el = part(t("exports"), "exports");
  const list = document.createElement("ul");
  const link = (words: string, path: string) => {
    const li = document.createElement("li");
    const to = document.createElement("a");
    to.href = hearingPath(a.hearing.id, path);
    to.download = "";
    to.textContent = words;
    li.append(to);
    list.append(li);
  };
  link(t("download.docx"), `/record.docx${asForm()}`);
  link(t("download.pdf"), `/record.pdf${asForm()}`);
  link(t("download.public"), `/record.docx${asForm("copy=publication")}`);
  link(t("download.txt"), `/record.txt${asForm()}`);
  link(t("download.json"), "/record.json");
  link(t("download.srt"), `/record.srt${asForm()}`);
  link(t("download.vtt"), `/record.vtt${asForm()}`);
  if (a.hearing.status === "closed" || a.hearing.status === "signed") link(t("download.proof"), "/proof?format=zip");
  el.append(list);
  return el;
}
