// The way on from the sample hearing: one's own engine, recordings, microphones.

import { t, translate } from "./words";

/** What to type; the words around it are translated. */
const doctor = "tingji doctor asr --asr-url http://127.0.0.1:8000/v1 --clip clip.wav --text …";
const transcribe = "tingji transcribe clip.wav --asr-url http://127.0.0.1:8000/v1 -o clip.docx";
const devices = "tingji capture devices";
const config = `[asr]
url = "http://127.0.0.1:8000/v1"

[capture]
courtroom = "1"

[[courtroom]]
id = "1"
name = "第一审判庭"

[[courtroom.seat]]
channel = "judge"
role = "审判长"
source = "portaudio:…"`;
const up = `tingji doctor --config tingji.toml
tingji up --config tingji.toml`;

const frame = `<header><div class="court"><h1 data-t="app"></h1></div><div class="now"><tj-tools></tj-tools></div></header>
<main class="new start"><h2 data-t="start"></h2>
<section><p data-t="start.lead"></p><p data-t="start.try"></p></section>
<section><h3 data-t="start.engine"></h3><p data-t="start.engine.1"></p><pre tabindex="0">${doctor}</pre></section>
<section><h3 data-t="start.file"></h3><p data-t="start.file.1"></p><pre tabindex="0">${transcribe}</pre></section>
<section><h3 data-t="start.room"></h3><p data-t="start.room.1"></p><pre tabindex="0">${devices}</pre>
<p data-t="start.room.2"></p><pre tabindex="0">${config}</pre>
<p data-t="start.room.3"></p><pre tabindex="0">${up}</pre>
<p data-t="start.room.4"></p></section></main>`;

/** <tj-start> */
export class Start extends HTMLElement {
  private relabel = () => {
    document.title = `${t("start")} · ${t("app")}`;
  };

  connectedCallback(): void {
    this.innerHTML = frame;
    translate(this);
    this.relabel();
    document.addEventListener("tj-language", this.relabel);
  }

  disconnectedCallback(): void {
    document.removeEventListener("tj-language", this.relabel);
  }
}
customElements.define("tj-start", Start);
