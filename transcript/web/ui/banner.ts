// What everybody in front of the page has to know now.

export type Severity = "lost" | "alarm" | "note";

/** <tj-banner> shows notices, each under a key, the gravest first. */
export class Banner extends HTMLElement {
  private notices = new Map<string, HTMLElement>();

  connectedCallback(): void {
    this.setAttribute("role", "alert");
  }

  set(key: string, severity: Severity, words: string, link?: { href: string; words: string }): void {
    let el = this.notices.get(key);
    if (!el) {
      el = document.createElement("p");
      el.dataset["key"] = key;
      this.notices.set(key, el);
      if (severity === "lost") this.prepend(el);
      else this.append(el);
    }
    el.className = severity;
    // The same words again would be read aloud again.
    if (el.dataset["words"] === words) return;
    el.dataset["words"] = words;
    el.textContent = words;
    if (link) {
      const a = document.createElement("a");
      a.href = link.href;
      a.textContent = link.words;
      el.append(" ", a);
    }
  }

  clear(key: string): void {
    this.notices.get(key)?.remove();
    this.notices.delete(key);
  }

  /** Takes away every notice whose key starts with prefix and is not kept. */
  keepOnly(prefix: string, kept: Set<string>): void {
    for (const key of [...this.notices.keys()]) {
      if (key.startsWith(prefix) && !kept.has(key)) this.clear(key);
    }
  }
}
customElements.define("tj-banner", Banner);
