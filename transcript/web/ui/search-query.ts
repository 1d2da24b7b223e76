// The query language as the filters of the page read and write it. The server
// decides what a query means, and says what is wrong with one (docs/SEARCH.md).

const names = {
  case: ["案号", "case", "case_no"],
  type: ["类型", "type"],
  cause: ["案由", "cause"],
  party: ["当事人", "party"],
  judge: ["法官", "judge"],
  clerk: ["书记员", "clerk"],
  courtroom: ["法庭", "courtroom", "room"],
  hearing: ["庭审", "hearing"],
  date: ["日期", "date"],
  role: ["角色", "role"],
  person: ["发言人", "人", "person", "speaker"],
  phase: ["阶段", "phase"],
  scope: ["范围", "in"],
} as const;

export type FilterKey = keyof typeof names;

const quotes = /["“”„「」『』＂]/;
const space = /[\s\u200b\ufeff]/;

interface Item {
  text: string; // as it was typed
  key: FilterKey | null; // null: something to look for, or a filter that excludes
  value: string;
}

function keyOf(name: string): FilterKey | null {
  const lower = name.toLowerCase();
  for (const key of Object.keys(names) as FilterKey[]) {
    if ((names[key] as readonly string[]).includes(lower)) return key;
  }
  return null;
}

/** What stands between the spaces of a query; quotation marks hold spaces in. */
function items(query: string): Item[] {
  const found: Item[] = [];
  let text = "";
  let quoted = false;
  const end = () => {
    if (text === "") return;
    const colon = text.search(/[:：]/);
    const key = colon > 0 ? keyOf(text.slice(0, colon)) : null;
    found.push({ text, key, value: key ? text.slice(colon + 1).replace(new RegExp(quotes, "g"), "") : "" });
    text = "";
  };
  for (const c of query) {
    if (!quoted && space.test(c)) {
      end();
      continue;
    }
    const quote = quotes.test(c);
    // A phrase ends the word before it, unless it is the value of a filter.
    if (quote && !quoted && !/[:：]$|^[-－]$/.test(text)) end();
    text += c;
    if (quote && quoted) end();
    if (quote) quoted = !quoted;
  }
  end();
  return found;
}

/** The value of a filter; "" where the query has none, or more than one. */
export function filterOf(query: string, key: FilterKey): string {
  const values = items(query).filter((i) => i.key === key);
  return values.length === 1 ? (values[0] as Item).value : "";
}

/**
 * The query with a filter set to a value, or without it for "". Filters stand
 * in front: behind a ~ they would hold for the line nearby.
 */
export function withFilter(query: string, key: FilterKey, value: string): string {
  const rest = items(query).filter((i) => i.key !== key).map((i) => i.text);
  const clean = value.replace(new RegExp(quotes, "g"), "").trim();
  if (clean !== "") rest.unshift(`${names[key][0]}:${space.test(clean) ? `"${clean}"` : clean}`);
  return rest.join(" ");
}

const day = /^\d{4}-\d{2}-\d{2}$/;

/** The days of a date filter; "" where it is open, or no day. */
export function daysOf(query: string): [from: string, to: string] {
  const value = filterOf(query, "date");
  const [from = "", to = from] = value.split("..");
  return [day.test(from) ? from : "", day.test(to) ? to : ""];
}

export function withDays(query: string, from: string, to: string): string {
  return withFilter(query, "date", from === to ? from : `${from}..${to}`); // of no days: ""
}

export function isHeard(query: string): boolean {
  return /^(识别|heard)$/i.test(filterOf(query, "scope"));
}
