/** Whom a text names by `@name`. CONTRACT section 4, "NOTIFICATION". */

import type { ReadSet } from "../model/rows.ts";
import type { Transaction } from "./transaction.ts";

/** So many `@` of a text are looked at. */
const PLACES = 20;
/** So many spellings behind each: enough for four words, some of them with punctuation inside. */
const SPELLINGS = 12;
/** No name is longer, in UTF-16 units: `PutUser` of the protocol. */
const LONGEST = 200;

/** An `@` that is not in the middle of a word, as that of an e-mail address is. */
const AT = /(?<![\p{L}\p{M}\p{N}])@(?=\S)/gu;
/** Up to four words of one line. */
const WORDS = /^\S+(?:[^\S\r\n]+\S+){0,3}/u;
/** Where a name may end: not within a word, nor where one character joins a word to the next, as in "ada.l", "ann-marie" or "ada:server". */
const END = /(?<=\S)(?![\p{L}\p{M}\p{N}]|[._:@-][\p{L}\p{M}\p{N}])/gu;

/**
 * What may be a name in a text: for each `@` what stands behind it, the longest first. "@Ada L. (ops)" may be "Ada L. (ops)",
 * "Ada L. (ops", "Ada L.", "Ada L" or "Ada".
 */
export function spellings(text: string): readonly (readonly string[])[] {
  // Most texts have none: they are not to pay for the pattern.
  if (!text.includes("@")) return [];
  const places: string[][] = [];
  for (const { index } of text.matchAll(AT)) {
    if (places.length === PLACES) break;
    places.push(spellingsAt(text, index + 1));
  }
  return places;
}

function spellingsAt(text: string, start: number): string[] {
  // Some more than the longest, to see whether a word goes on behind it.
  const words = WORDS.exec(text.slice(start, start + LONGEST + 4))?.[0] ?? "";
  const found: string[] = [];
  for (const { index } of words.matchAll(END)) {
    if (index > LONGEST || found.length === SPELLINGS) break;
    found.unshift(words.slice(0, index));
  }
  return found;
}

/** What must be known to tell whom these name. */
export const namesNeeded = (roomId: string, spelled: ReturnType<typeof spellings>): ReadSet["names"] =>
  [...new Set(spelled.flat())].map((name) => ({ roomId, name }));

/** Whom they name, each once, in the order of the text: behind each `@` the longest that is the name of one member alone. Null: nobody. */
export function mentionsIn(
  tx: Transaction,
  roomId: string,
  spelled: ReturnType<typeof spellings>,
): readonly string[] | null {
  const named = new Set<string>();
  for (const names of spelled) {
    const userId = names.map((name) => tx.memberNamed(roomId, name)).find((found) => found !== undefined);
    if (userId !== undefined) named.add(userId);
  }
  return named.size === 0 ? null : [...named];
}
