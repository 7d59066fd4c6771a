/** User id, initials and colour of a user, by their name. */
import type { User } from "./chat.ts";

/** The user with this name. Characters that an id cannot hold become `=XX`. Undefined for a name that is blank or too long. */
export function userNamed(name: string): User | undefined {
  const plain = name.trim();
  const words = plain.toLowerCase().replace(/\s+/g, "-");
  const userId = encodeURIComponent(words)
    .replace(/['()*]/g, "-")
    .replace(/%/g, "=")
    .toLowerCase();
  return userId.length >= 1 && userId.length <= 128 ? { userId, name: plain } : undefined;
}

/** One or two letters for an avatar. */
export function initials(name: string): string {
  const words = name.split(/[\s._-]+/).filter((word) => word !== "");
  const [first = "?", last] = words.length > 1 ? [words[0], words.at(-1)] : words;
  return [first, last]
    .map((word) => Array.from(word ?? "")[0] ?? "")
    .join("")
    .toUpperCase();
}

/** The colour of a user, from 0 to `count` - 1: always the same one. */
export function hue(userId: string, count: number): number {
  let hash = 0;
  for (const letter of userId) hash = (hash * 31 + (letter.codePointAt(0) ?? 0)) % 1_000_003;
  return hash % count;
}
