// The page: "/" is the open hearing, "/hearings/{id}" one hearing, "/hearings"
// those of a day, "/search" what was said in all, "/start" the way on from the sample
// hearing. Other pages get their own path here.

import "./banner";
import "./day";
import "./desk";
import "./hearing";
import "./home";
import "./lines";
import "./new";
import "./reading";
import "./screen";
import "./search";
import "./seats";
import "./start";

import "./base.css";
import "./hearing.css";
import "./lines.css";
import "./desk.css";
import "./home.css";
import "./day.css";
import "./new.css";
import "./after.css";
import "./reading.css";
import "./search.css";
import "./start.css";

import { Problem } from "./api";
import { language, translate } from "./words";

document.documentElement.lang = language() === "en" ? "en" : "zh-CN";

const hearing = /^\/hearings\/([^/]+)$/.exec(location.pathname)?.[1];
const pages: Record<string, string> = { "/search": "tj-search", "/hearings": "tj-day", "/new": "tj-new", "/start": "tj-start" };
const screen = /^\/screen\/([^/]+)$/.exec(location.pathname)?.[1];
const view = document.createElement(screen ? "tj-screen" : hearing ? "tj-hearing" : (pages[location.pathname] ?? "tj-home"));
if (screen) view.setAttribute("courtroom", decodeURIComponent(screen));
if (hearing) view.setAttribute("hearing", decodeURIComponent(hearing));
document.body.replaceChildren(view);

document.addEventListener("tj-gone", (e) => {
  const why = (e as CustomEvent<unknown>).detail;
  const main = document.createElement("main");
  main.className = "lobby gone";
  main.innerHTML = `<h2 data-t="gone"></h2><p></p><p data-t="gone.1"></p><p><a href="/" data-t="home"></a></p>`;
  (main.children[1] as HTMLElement).textContent = why instanceof Problem ? why.message : String(why);
  document.body.replaceChildren(main);
  translate(main);
});
