// What each reader sets for himself: the size of the text, and the language; and
// the way to the other pages.

import { language, speak, translate } from "./words";

const sizes = [18, 20, 22, 26, 30, 36, 44, 54, 66]; // px of the transcript

/** Until the reader chooses, the style sheet fits the text to the window. */
function resize(step: number): void {
  const root = document.documentElement;
  let size = Number(localStorage.getItem("tj-size"));
  if (step !== 0) {
    const now = parseFloat(getComputedStyle(document.querySelector(".scroller ol") ?? root).fontSize);
    const next = step > 0 ? sizes.find((s) => s > now + 1) : [...sizes].reverse().find((s) => s < now - 1);
    if (next === undefined) return;
    size = next;
    localStorage.setItem("tj-size", String(size));
  }
  if (sizes.includes(size)) root.style.setProperty("--read", `${size}px`);
}

/** <tj-tools> */
export class Tools extends HTMLElement {
  connectedCallback(): void {
    this.innerHTML = `<button type="button" data-do="less" data-t-label="size.less" data-t-title="size.less">A−</button>
      <button type="button" data-do="more" data-t-label="size.more" data-t-title="size.more">A+</button>
      <button type="button" data-do="language" data-t="language"></button>
      <nav data-t-label="nav"><a href="/" data-t="nav.now"></a><a href="/hearings" data-t="nav.day"></a><a href="/search" data-t="nav.search"></a></nav>`;
    this.querySelector(`a[href="${location.pathname}"]`)?.setAttribute("aria-current", "page");
    translate(this);
    this.addEventListener("click", (e) => {
      const what = (e.target as HTMLElement).dataset["do"];
      if (what === "less") resize(-1);
      else if (what === "more") resize(1);
      else if (what === "language") speak(language() === "zh" ? "en" : "zh");
    });
    resize(0);
  }
}
customElements.define("tj-tools", Tools);
