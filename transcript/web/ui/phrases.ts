// Phrases of the court by abbreviation: kt and the Tab key write 现在开庭。 The
// list is the clerk's own and stays in this browser.

import { button, sheet } from "./dialog";
import { forget, keep } from "./kept";
import { t } from "./words";

const key = "tj-phrases";
const longest = 12; // characters of an abbreviation

/** What a new clerk begins with. */
const first = `kt 现在开庭。
xt 现在休庭。
jxkt 现在继续开庭。
bt 闭庭。
hb 是否申请回避？
dc 现在进行法庭调查。
bl 现在进行法庭辩论。
cs 请作最后陈述。
tj 双方是否愿意调解？
cszj （当庭出示证据）
zr （传证人到庭）
yywj （与原件核对无异）
rk 没有异议。
yl 有异议，理由是：`;

export type Phrases = Map<string, string>;

/** Reads a list, one phrase a line: the abbreviation, then the phrase, as input methods and word processors export them. */
export function parse(text: string): { phrases: Phrases; wrong: number[] } {
  const phrases: Phrases = new Map();
  const wrong: number[] = [];
  for (const [i, raw] of text.replace(/^\ufeff/, "").split(/\r\n|\r|\n/).entries()) {
    const line = raw.trim();
    if (line === "" || line.startsWith("#")) continue;
    // kt 现在开庭 · kt<Tab>现在开庭 · kt=现在开庭 · kt,1=现在开庭 · kt,现在开庭
    const m = /^([^\s,，=]+)(?:,\d+)?[\s,，=]+(.+)$/.exec(line);
    const abbreviation = m?.[1]?.toLowerCase() ?? "";
    const phrase = m?.[2]?.replace(/^"(.*)"$/, "$1").trim() ?? "";
    if (abbreviation === "" || Array.from(abbreviation).length > longest || phrase === "") wrong.push(i + 1);
    else phrases.set(abbreviation, phrase);
  }
  return { phrases, wrong };
}

export function kept(): string {
  return localStorage.getItem(key) ?? first;
}

/** The phrase for what stands before the caret, and how many characters of it are the abbreviation. */
export function expand(before: string): { phrase: string; length: number } | null {
  const { phrases } = parse(kept());
  const text = Array.from(before.toLowerCase());
  for (let n = Math.min(longest, text.length); n > 0; n--) {
    const phrase = phrases.get(text.slice(-n).join(""));
    // Half of another word is no abbreviation.
    if (phrase !== undefined && !(/[a-z0-9]/.test(text[text.length - n] ?? "") && /[a-z0-9]/.test(text[text.length - n - 1] ?? ""))) return { phrase, length: n };
  }
  return null;
}

/** Puts the phrase in the place of the abbreviation before the caret; false: there is none. */
export function expandHere(field: HTMLElement): boolean {
  if (field instanceof HTMLInputElement) {
    const at = field.selectionStart ?? 0;
    const found = expand(field.value.slice(0, at));
    if (!found) return false;
    field.setSelectionRange(at - Array.from(field.value.slice(0, at)).slice(-found.length).join("").length, at);
    document.execCommand("insertText", false, found.phrase);
    return true;
  }
  const selection = getSelection();
  if (!selection || !selection.isCollapsed || selection.rangeCount === 0) return false;
  const to = selection.getRangeAt(0);
  const range = document.createRange();
  range.selectNodeContents(field);
  range.setEnd(to.startContainer, to.startOffset);
  const found = expand(range.toString());
  if (!found) return false;
  for (let i = 0; i < found.length; i++) selection.modify("extend", "backward", "character");
  document.execCommand("insertText", false, found.phrase);
  return true;
}

/** Shows the list, to change it or to take one from a file. */
export async function editPhrases(): Promise<void> {
  const { dialog, body, closed } = sheet(t("phrases"), "phrases");
  const how = document.createElement("p");
  how.textContent = t("phrases.how");
  const label = document.createElement("label");
  const text = document.createElement("textarea");
  text.rows = 14;
  text.spellcheck = false;
  text.value = kept();
  keep(text, "phrases");
  label.append(t("phrases.list"), text);
  const trouble = document.createElement("p");
  trouble.className = "trouble";
  trouble.setAttribute("role", "alert");
  const file = document.createElement("input");
  file.type = "file";
  file.accept = ".txt,.csv,text/plain,text/csv";
  file.addEventListener("change", () => {
    const from = file.files?.[0];
    if (!from) return;
    void from.arrayBuffer().then((bytes) => {
      let read: string;
      try {
        read = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
      } catch {
        read = new TextDecoder("gb18030").decode(bytes); // as Windows writes it
      }
      const old = parse(text.value).phrases;
      for (const [k, v] of parse(read).phrases) old.set(k, v);
      text.value = [...old].map(([k, v]) => `${k} ${v}`).join("\n");
      trouble.textContent = wrongLines(parse(read).wrong);
    });
  });
  const open = document.createElement("label");
  open.append(t("phrases.file"), file);
  const menu = document.createElement("menu");
  menu.append(button(t("act.cancel"), () => {
    forget("phrases");
    dialog.close("");
  }), button(t("phrases.keep"), () => {
    const { wrong } = parse(text.value);
    if (wrong.length > 0) {
      trouble.textContent = wrongLines(wrong);
      return;
    }
    localStorage.setItem(key, text.value);
    forget("phrases");
    dialog.close("done");
  }, "primary"));
  body.append(how, label, open, trouble, menu);
  text.focus();
  await closed;
}

function wrongLines(wrong: number[]): string {
  return wrong.length === 0 ? "" : t("phrases.wrong", { n: wrong.slice(0, 8).join("、") });
}
