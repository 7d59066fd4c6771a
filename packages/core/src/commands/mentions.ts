/** The members that a text names by `@name`. CONTRACT section 4, "NOTIFICATION". */
import type { ReadSet } from "../model/rows.ts";
import type { Transaction } from "./transaction.ts";

/** The most `@` signs of a text that are read. */
const SIGNS = 20;
/** The most candidates behind each: enough for four words, some of them with punctuation inside. */
const CANDIDATES = 12;
/** The longest name, in UTF-16 units: `PutUser` of the protocol. */
const LONGEST = 200;

/** An `@` outside words: that of an e-mail address is inside one. */
const AT = /(?<![\p{L}\p{M}\p{N}])@(?=\S)/gu;
/** Up to four words of one line. */
const WORDS = /^\S+(?:[^\S\r\n]+\S+){0,3}/u;
/** The end of a name: not within a word, nor where one character joins two words, as in "ada.l", "ann-marie" or "ada:server". */
const END = /(?<=\S)(?![\p{L}\p{M}\p{N}]|[._:@-][\p{L}\p{M}\p{N}])/gu;

/**
 * The possible names behind each `@` of a text, the longest first. "@Ada L. (ops)" may name "Ada L. (ops)", "Ada L. (ops",
 * "Ada L.", "Ada L" or "Ada".
 */
export function nameCandidates(text: string): readonly (readonly string[])[] {
  // Most texts have none, and do not pay for the pattern.
  if (!text.includes("@")) return [];
  const candidates: string[][] = [];
  for (const { index } of text.matchAll(AT)) {
    if (candidates.length === SIGNS) break;
    candidates.push(candidatesAt(text, index + 1));
  }
  return candidates;
}

function candidatesAt(text: string, start: number): string[] {
  // A few characters more than the longest name, to see that no word goes on behind it.
  const words = WORDS.exec(text.slice(start, start + LONGEST + 4))?.[0] ?? "";
  const found: string[] = [];
  for (const { index } of words.matchAll(END)) {
    if (index > LONGEST || found.length === CANDIDATES) break;
    found.unshift(words.slice(0, index));
  }
  return found;
}

/** The names to read for these candidates. */
export const namesToRead = (roomId: string, candidates: ReturnType<typeof nameCandidates>): ReadSet["names"] =>
  [...new Set(candidates.flat())].map((name) => ({ roomId, name }));

/**
 * The members that the candidates name, each once, in the order of the text: behind each `@` the longest candidate that is the
 * name of exactly one member. Null when there is none.
 */
export function mentionsIn(
  tx: Transaction,
  roomId: string,
  candidates: ReturnType<typeof nameCandidates>,
): readonly string[] | null {
  const named = new Set<string>();
  for (const names of candidates) {
    const userId = names.map((name) => tx.memberNamed(roomId, name)).find((found) => found !== undefined);
    if (userId !== undefined) named.add(userId);
  }
  return named.size === 0 ? null : [...named];
}
