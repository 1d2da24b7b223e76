// Lines that the clerk wants to come back to. They are his own, and stay in this
// browser.

export class Marks {
  private readonly key: string;
  private readonly ids: Set<string>;

  constructor(hearing: string) {
    this.key = `tj-marks ${hearing}`;
    let list: unknown = [];
    try {
      list = JSON.parse(localStorage.getItem(this.key) ?? "[]");
    } catch {
      // whatever wrote it, it was not this page
    }
    this.ids = new Set(Array.isArray(list) ? list.filter((id): id is string => typeof id === "string") : []);
  }

  has(line: string): boolean {
    return this.ids.has(line);
  }

  toggle(line: string): void {
    if (!this.ids.delete(line)) this.ids.add(line);
    try {
      if (this.ids.size > 0) localStorage.setItem(this.key, JSON.stringify([...this.ids]));
      else localStorage.removeItem(this.key);
    } catch {
      // a full storage keeps the mark for this visit
    }
  }
}
