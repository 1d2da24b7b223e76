// The words that the engine was unsure of are coloured, until somebody has
// looked at their line.

const name = "doubt";

/**
 * Doubts colours words without touching the text, by the CSS Custom Highlight
 * API, and only near the window: the browser looks at every range in each frame.
 * Older browsers get an element around each word.
 */
export class Doubts {
  private highlight = typeof Highlight === "undefined" || !CSS.highlights ? null : new Highlight();
  private ranges = new Map<Element, AbstractRange[]>();
  private places = new Map<Element, [number, number][]>();
  private near = this.highlight
    ? new IntersectionObserver((entries) => {
        for (const e of entries) {
          if (e.isIntersecting) this.colour(e.target);
          else this.clear(e.target);
        }
      }, { rootMargin: "400px 0px" })
    : null;

  constructor() {
    if (this.highlight) CSS.highlights.set(name, this.highlight);
  }

  stop(): void {
    this.near?.disconnect();
    this.highlight?.clear();
  }

  /** Takes where doubtful words stand in a line, which has just been drawn. */
  draw(row: Element, words: Element, places: [number, number][]): void {
    if (places.length === 0) {
      if (this.places.has(row)) this.forget(row);
      return;
    }
    if (!this.near) {
      surround(words, places);
      return;
    }
    this.places.set(row, places);
    this.clear(row); // its ranges lie in a text that is gone
    this.near.unobserve(row);
    this.near.observe(row); // it is told at once where the row is
  }

  forget(row: Element): void {
    this.clear(row);
    this.places.delete(row);
    this.near?.unobserve(row);
  }

  private colour(row: Element): void {
    const text = row.querySelector("p")?.firstChild;
    const places = this.places.get(row);
    if (!text || !places || this.ranges.has(row)) return;
    const letters = Array.from(text.textContent ?? "");
    const units = (n: number) => letters.slice(0, n).join("").length;
    const ranges = places.filter(([, to]) => to <= letters.length).map(([from, to]) =>
      new StaticRange({ startContainer: text, startOffset: units(from), endContainer: text, endOffset: units(to) }));
    for (const r of ranges) this.highlight?.add(r);
    this.ranges.set(row, ranges);
  }

  private clear(row: Element): void {
    for (const r of this.ranges.get(row) ?? []) this.highlight?.delete(r);
    this.ranges.delete(row);
  }
}

function surround(words: Element, doubts: [number, number][]): void {
  const letters = Array.from(words.textContent ?? "");
  const parts: (string | Node)[] = [];
  let at = 0;
  for (const [from, to] of doubts) {
    const mark = document.createElement("span");
    mark.className = name;
    mark.textContent = letters.slice(from, to).join("");
    parts.push(letters.slice(at, from).join(""), mark);
    at = to;
  }
  words.replaceChildren(...parts, letters.slice(at).join(""));
}
