// What a doubtful word may have been, as the server thinks by its sound.

import { ask, hearingPath, type Line } from "./api";

export interface Guess {
  line: string; // id
  heard: string;
  word: string; // empty: nothing sounds like it
}

/** Asks for a place of a line, in characters. */
export async function suggest(line: Line, [from, to]: [number, number]): Promise<Guess> {
  const letters = Array.from(line.text);
  const heard = letters.slice(from, to).join("");
  const near = 10; // characters around it that may tell
  const found = await ask<{ words: string[] }>(hearingPath(line.hearing, "/suggest"), "POST", {
    heard, before: letters.slice(Math.max(0, from - near), from).join(""), after: letters.slice(to, to + near).join(""),
  });
  return { line: line.id, heard, word: found.words[0] ?? "" };
}
