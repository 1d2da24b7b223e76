// The coverage of a hearing as a timeline: text, silence, lawful break, fault;
// and the written explanation of each fault (法释〔2017〕5号 Art 4).

import { type After, keyed, labelled, paragraph, part } from "./after";
import { ask, type Hearing, hearingPath } from "./api";
import { button } from "./dialog";
import { clock, language, t } from "./words";

type Kind = "text" | "silence" | "break" | "fault" | "pending";

interface Entry {
  from_ms: number;
  to_ms: number;
  kind: Kind;
  channels?: string[];
  reason?: string;
  reason_en?: string;
  explanation?: string;
  draft?: string;
}

export interface Ledger {
  length_ms: number;
  entries: Entry[];
  total_ms: Record<Kind, number>;
}

const kinds: Kind[] = ["text", "silence", "break", "fault", "pending"];
/** Each kind has a height of its own, so that it is told without colour. */
const heights: Record<Kind, number> = { text: 1, silence: 0.25, break: 0.5, fault: 1, pending: 0.75 };
const width = 1600; // of the drawing, px
const height = 56;

export function coverage(a: After, l: Ledger): HTMLElement {
  const el = part(t("ledger"), "ledger");
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", kinds.filter((k) => l.total_ms[k] > 0).map((k) => `${t(`ledger.${k}`)} ${clock(l.total_ms[k])}`).join("，"));
  canvas.addEventListener("click", (e) => {
    const box = canvas.getBoundingClientRect();
    a.go(undefined, ((e.clientX - box.left) / box.width) * l.length_ms);
  });
  const legend = document.createElement("ul");
  legend.className = "legend";
  for (const k of kinds) {
    if (l.total_ms[k] === 0 && k !== "fault") continue;
    const li = document.createElement("li");
    li.className = k;
    li.textContent = `${t(`ledger.${k}`)} ${clock(l.total_ms[k])}`;
    legend.append(li);
  }
  el.append(canvas, legend);
  window.requestAnimationFrame(() => draw(canvas, legend, l)); // once it has its colours
  for (const e of l.entries.filter((e) => e.kind === "break")) {
    el.append(paragraph(`${clock(e.from_ms)}–${clock(e.to_ms)} ${t("ledger.break")}：${e.reason ?? ""}`));
  }
  for (const e of l.entries.filter((e) => e.kind === "fault")) el.append(fault(a, e));
  return el;
}

function draw(canvas: HTMLCanvasElement, legend: HTMLElement, l: Ledger): void {
  const c = canvas.getContext("2d");
  if (!c || l.length_ms === 0) return;
  const colour = (k: Kind) => getComputedStyle(legend).getPropertyValue(`--${k}`).trim();
  // What matters more is drawn later: a fault of a second is seen in a day.
  for (const k of ["silence", "text", "break", "pending", "fault"] as const) {
    c.fillStyle = colour(k);
    for (const e of l.entries) {
      if (e.kind !== k) continue;
      const x = (e.from_ms / l.length_ms) * width;
      const wide = Math.max(((e.to_ms - e.from_ms) / l.length_ms) * width, k === "fault" ? 4 : 1);
      c.fillRect(x, height * (1 - heights[k]), wide, height * heights[k]);
    }
  }
}

function fault(a: After, e: Entry): HTMLElement {
  const el = document.createElement("div");
  el.className = "fault";
  const title = `${clock(e.from_ms)}–${clock(e.to_ms)} ${language() === "zh" ? (e.reason ?? "") : (e.reason_en ?? "")}`;
  const text = document.createElement("textarea");
  text.rows = 5;
  text.maxLength = 2000;
  text.value = e.explanation ?? e.draft ?? "";
  const signed = a.hearing.status === "signed";
  text.disabled = signed;
  if (!signed) keyed(a, text, `fault ${e.from_ms}`);
  const label = labelled(`${title} · ${t(e.explanation ? "fault.kept" : "fault.draft")}`, text);
  el.append(label);
  if (signed) return el;
  const keep = (words: string) => void a.change(() => ask<Hearing>(hearingPath(a.hearing.id, "/explanations"), "POST",
    { from_ms: e.from_ms, to_ms: e.to_ms, text: words }), text);
  const menu = document.createElement("menu");
  menu.append(button(t("fault.listen"), () => a.play("", e.from_ms - 5000, e.to_ms + 5000)));
  if (e.explanation) menu.append(button(t("fault.withdraw"), () => keep("")));
  menu.append(button(t("fault.keep"), () => keep(text.value), "primary"));
  el.append(menu);
  return el;
}
