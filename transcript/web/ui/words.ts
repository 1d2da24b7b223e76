// The words of the interface, in the two languages of the page.

import en from "./en.json";
import zh from "./zh.json";

export type Key = keyof typeof zh;
export type Lang = "zh" | "en";

const tables: Record<Lang, Record<Key, string>> = { zh, en };

let lang: Lang = localStorage.getItem("tj-lang") === "en" ? "en" : "zh";

export function language(): Lang {
  return lang;
}

/** The words for a key; {name} in them is replaced by values.name. */
export function t(key: Key, values: Record<string, string | number> = {}): string {
  return tables[lang][key].replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}

/** Fills every element below root that names its words in data-t, data-t-title or data-t-label. */
export function translate(root: ParentNode): void {
  for (const el of root.querySelectorAll<HTMLElement>("[data-t]")) el.textContent = t(el.dataset["t"] as Key);
  for (const el of root.querySelectorAll<HTMLElement>("[data-t-title]")) el.title = t(el.dataset["tTitle"] as Key);
  for (const el of root.querySelectorAll<HTMLElement>("[data-t-label]")) {
    el.setAttribute("aria-label", t(el.dataset["tLabel"] as Key));
  }
}

/** Changes the language of the whole page; elements hear "tj-language" on document. */
export function speak(next: Lang): void {
  lang = next;
  localStorage.setItem("tj-lang", next);
  document.documentElement.lang = next === "en" ? "en" : "zh-CN";
  translate(document);
  document.dispatchEvent(new Event("tj-language"));
}

const two = (n: number) => String(n).padStart(2, "0");

/** hh:mm:ss of a place on the hearing's clock. */
export function clock(ms: number): string {
  const s = Math.max(0, Math.floor(ms / 1000));
  return `${two(Math.floor(s / 3600))}:${two(Math.floor(s / 60) % 60)}:${two(s % 60)}`;
}

/** Courts keep the time of the country, wherever the browser is. */
export const courtZone = "Asia/Shanghai";

/** The day and minute of a wall-clock time, as the reader's language writes it. */
export function moment(iso: string): string {
  return new Intl.DateTimeFormat(lang === "zh" ? "zh-CN" : "en-GB", {
    timeZone: courtZone, year: "numeric", month: "long", day: "numeric", hour: "2-digit", minute: "2-digit", hour12: false,
  }).format(new Date(iso));
}

export function timeOfDay(iso: string): string {
  return new Intl.DateTimeFormat("zh-CN", { timeZone: courtZone, hour: "2-digit", minute: "2-digit", hour12: false }).format(new Date(iso));
}
