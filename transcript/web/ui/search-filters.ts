// The filters of the search for those who do not know its language: what is
// chosen here is written into the box, where it can be read and learned.

import { ask, type Hearing } from "./api";
import { daysOf, filterOf, type FilterKey, isHeard, withDays, withFilter } from "./search-query";
import { type Key, t, translate } from "./words";

const roles = ["审判长", "审判员", "独任审判员", "人民陪审员", "法官助理", "书记员", "原告", "被告", "第三人", "法定代表人", "法定代理人", "委托诉讼代理人",
  "证人", "鉴定人", "勘验人", "翻译人员", "有专门知识的人", "上诉人", "被上诉人", "公诉人", "被告人", "辩护人", "被害人", "自诉人", "诉讼代理人", "侦查人员", "调查人员", "行政机关负责人"];
const phases = ["宣布开庭", "法庭调查", "举证质证", "法庭辩论", "最后陈述", "调解", "休庭", "宣判", "闭庭"];
const types = ["民初", "民终", "民特", "刑初", "刑终", "行初", "行终", "执", "执恢", "执异", "财保"];
const keys: FilterKey[] = ["case", "type", "cause", "party", "role", "person", "courtroom", "judge", "clerk", "phase"];
const lists: Partial<Record<FilterKey, string[]>> = { type: types, role: roles, phase: phases, courtroom: [] };

export class Filters {
  readonly el = document.createElement("div");
  private query = "";
  private rooms: Promise<void> | null = null;

  /** decide is told the query with a filter changed. */
  constructor(private readonly decide: (query: string) => void) {
    this.el.className = "fields";
    this.el.append(...keys.map((key) => field(key)));
    this.el.insertAdjacentHTML("beforeend", `<label class="days"><span data-t="filter.from"></span><input type="date" data-day="from"></label>
      <label class="days"><span data-t="filter.to"></span><input type="date" data-day="to"></label>
      <label class="heard"><input type="checkbox" data-heard><span data-t="filter.heard"></span></label>`);
    this.el.addEventListener("change", (e) => this.changed(e.target as HTMLInputElement | HTMLSelectElement));
    // Enter in a field is its change, and not the button of the form.
    this.el.addEventListener("keydown", (e) => {
      if (e.key !== "Enter" || e.isComposing || !(e.target instanceof HTMLInputElement)) return;
      e.preventDefault();
      this.changed(e.target);
    });
  }

  /** Shows the filters that a query has. */
  show(query: string): void {
    this.query = query;
    for (const key of keys) {
      const input = this.el.querySelector<HTMLInputElement | HTMLSelectElement>(`[data-key="${key}"]`);
      const value = filterOf(query, key);
      if (!input || input.value === value) continue;
      if (input instanceof HTMLSelectElement && value !== "" && ![...input.options].some((o) => o.value === value)) input.add(new Option(value, value));
      input.value = value;
    }
    const [from, to] = daysOf(query);
    this.day("from").value = from;
    this.day("to").value = to;
    (this.el.querySelector("[data-heard]") as HTMLInputElement).checked = isHeard(query);
    this.rooms ??= this.askRooms();
  }

  relabel(): void {
    translate(this.el);
  }

  private day(name: "from" | "to"): HTMLInputElement {
    return this.el.querySelector(`[data-day="${name}"]`) as HTMLInputElement;
  }

  private changed(input: HTMLInputElement | HTMLSelectElement): void {
    const key = input.dataset["key"] as FilterKey | undefined;
    let query = this.query;
    if (key) query = withFilter(query, key, input.value);
    else if (input.dataset["day"]) query = withDays(query, this.day("from").value, this.day("to").value);
    else query = withFilter(query, "scope", (input as HTMLInputElement).checked ? "识别" : "");
    if (query !== this.query) this.decide(query);
  }

  /** The courtrooms of the latest hearings; without them their ids can be typed in the box. */
  private async askRooms(): Promise<void> {
    const select = this.el.querySelector('[data-key="courtroom"]') as HTMLSelectElement;
    try {
      const { hearings } = await ask<{ hearings: Hearing[] }>("/api/v1/hearings?limit=300");
      const names = new Map(hearings.map((h) => [h.courtroom, h.courtroom_name]));
      for (const [id, name] of [...names].sort((a, b) => a[1].localeCompare(b[1], "zh-CN"))) {
        const there = [...select.options].find((o) => o.value === id);
        if (there) there.text = name;
        else select.add(new Option(name, id));
      }
    } catch {
      this.rooms = null; // asked again with the next search
    }
  }
}

function field(key: FilterKey): HTMLElement {
  const label = document.createElement("label");
  const name = document.createElement("span");
  name.dataset["t"] = `filter.${key}` satisfies string as Key;
  label.append(name);
  const list = lists[key];
  let input: HTMLInputElement | HTMLSelectElement;
  if (list) {
    input = document.createElement("select");
    const any = new Option(t("filter.any"), "");
    any.dataset["t"] = "filter.any";
    input.append(any, ...list.map((v) => new Option(v, v)));
  } else {
    input = document.createElement("input");
    input.enterKeyHint = "search";
  }
  input.dataset["key"] = key;
  label.append(input);
  return label;
}
