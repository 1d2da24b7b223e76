// What each reader sets for himself: the size of the text, and the language.

import { language, speak, translate } from "./words";

const sizes = [18, 20, 22, 26, 30, 36, 44, 54]; // px of the transcript
const usual = 2;

function size(): number {
  const n = Number(localStorage.getItem("tj-size") ?? usual);
  return Number.isInteger(n) && n >= 0 && n < sizes.length ? n : usual;
}

function resize(step: number): void {
  const n = Math.min(sizes.length - 1, Math.max(0, size() + step));
  localStorage.setItem("tj-size", String(n));
  document.documentElement.style.setProperty("--read", `${sizes[n] ?? 22}px`);
}

/** <tj-tools> */
export class Tools extends HTMLElement {
  connectedCallback(): void {
    this.innerHTML = `<button type="button" data-do="less" data-t-label="size.less" data-t-title="size.less">A−</button>
      <button type="button" data-do="more" data-t-label="size.more" data-t-title="size.more">A+</button>
      <button type="button" data-do="language" data-t="language"></button>`;
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
