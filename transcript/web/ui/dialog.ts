// A question before something that cannot be taken back.

import { type Key, t } from "./words";

let serial = 0;

export interface Question {
  title: Key;
  text: Key;
  reason: "required" | "optional" | "none";
}

/** Asks; the answer is the reason given, possibly "", or null for no. */
export function confirm(q: Question): Promise<string | null> {
  const id = `reason-${++serial}`;
  const dialog = document.createElement("dialog");
  dialog.innerHTML = `<form method="dialog"><h2></h2><p></p>
    <label for="${id}"></label><input id="${id}" list="${id}-list" maxlength="200" autocomplete="off"><datalist id="${id}-list"></datalist>
    <menu><button value="no" type="submit" formnovalidate></button><button value="yes" type="submit" class="primary"></button></menu></form>`;
  const part = <E extends HTMLElement>(name: string) => dialog.querySelector(name) as E;
  part("h2").textContent = t(q.title);
  part("p").textContent = t(q.text);
  const label = part("label");
  const input = part<HTMLInputElement>("input");
  if (q.reason === "none") {
    label.remove();
    input.remove();
  } else {
    label.textContent = t(q.reason === "required" ? "reason.pause" : "reason.optional");
    input.required = q.reason === "required";
    if (q.reason === "required") {
      part("datalist").append(...(["reason.1", "reason.2", "reason.3", "reason.4"] as const).map((k) => new Option(t(k), t(k))));
    }
  }
  const no = part<HTMLButtonElement>('[value="no"]');
  const yes = part<HTMLButtonElement>('[value="yes"]');
  no.textContent = t("act.cancel");
  yes.textContent = t(q.title);
  dialog.setAttribute("aria-labelledby", `${id}-title`);
  part("h2").id = `${id}-title`;
  document.body.append(dialog);
  dialog.showModal();
  if (q.reason === "none") yes.focus();
  else input.focus();
  // Enter would press the first button, which is the one that means no.
  input.addEventListener("keydown", (e) => {
    if (e.key !== "Enter" || e.isComposing) return;
    e.preventDefault();
    if (input.reportValidity()) dialog.close("yes");
  });
  return new Promise((answer) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      answer(dialog.returnValue === "yes" ? input.value.trim() : null);
    });
  });
}

/** Opens a dialog under a title; it goes when it is closed, by Esc or by its button. */
export function sheet(title: string, kind: string): { dialog: HTMLDialogElement; body: HTMLElement; closed: Promise<string> } {
  const dialog = document.createElement("dialog");
  dialog.className = `sheet ${kind}`;
  dialog.innerHTML = `<form method="dialog"><h2 id="sheet-${++serial}"></h2><button class="shut" value="" formnovalidate>✕</button></form><div></div>`;
  const heading = dialog.querySelector("h2") as HTMLElement;
  heading.textContent = title;
  dialog.setAttribute("aria-labelledby", heading.id);
  (dialog.querySelector(".shut") as HTMLElement).setAttribute("aria-label", t("act.shut"));
  document.body.append(dialog);
  const closed = new Promise<string>((done) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      done(dialog.returnValue);
    });
  });
  dialog.showModal();
  return { dialog, body: dialog.lastElementChild as HTMLElement, closed };
}

export function button(words: string, run: () => void, kind = ""): HTMLButtonElement {
  const b = document.createElement("button");
  b.type = "button";
  b.className = kind;
  b.textContent = words;
  b.addEventListener("click", run);
  return b;
}
