// Searches that the reader of this browser keeps.

export interface Saved {
  q: string;
  order: string;
}

const key = "tj-searches";
const most = 30;

export function saved(): Saved[] {
  try {
    const list: unknown = JSON.parse(localStorage.getItem(key) ?? "[]");
    if (!Array.isArray(list)) return [];
    return list.filter((s): s is Saved => typeof s?.q === "string" && typeof s?.order === "string");
  } catch {
    return []; // whatever wrote it, it was not this page
  }
}

export function isSaved(s: Saved): boolean {
  return saved().some((other) => same(s, other));
}

/** Keeps a search, the newest first, or gives it up. */
export function keep(s: Saved, kept: boolean): void {
  const rest = saved().filter((other) => !same(s, other));
  localStorage.setItem(key, JSON.stringify((kept ? [s, ...rest] : rest).slice(0, most)));
}

function same(a: Saved, b: Saved): boolean {
  return a.q === b.q && a.order === b.order;
}
