// What has been typed and not been sent. A page that is left, reloaded or closed, a
// sheet that is drawn anew or closed by a slip of the hand, has it again.

export type Field = HTMLInputElement | HTMLTextAreaElement;

const prefix = "tj-typed ";

const read = (field: Field) => (field.type === "checkbox" ? String((field as HTMLInputElement).checked) : field.value);

/** Keeps what is typed into a field under a key, and puts back what was kept there. */
export function keep<E extends Field>(field: E, key: string): E {
  const given = read(field);
  const kept = typed(key);
  if (kept !== null && field.type === "checkbox") (field as HTMLInputElement).checked = kept === "true";
  else if (kept !== null) field.value = kept;
  const note = (e: Event) => {
    if ((e as InputEvent).isComposing) return; // what an input method spells with is not text yet
    if (read(field) === given) forget(key);
    else remember(key, read(field));
  };
  field.addEventListener("input", note);
  field.addEventListener("compositionend", note);
  return field;
}

export function typed(key: string): string | null {
  return localStorage.getItem(prefix + key);
}

export function remember(key: string, text: string): void {
  try {
    localStorage.setItem(prefix + key, text);
  } catch {
    // The browser's room is used up: the field still has it.
  }
}

/** It has been sent, or was thrown away on purpose. */
export function forget(...keys: string[]): void {
  for (const key of keys) localStorage.removeItem(prefix + key);
}
