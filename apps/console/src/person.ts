/** Who somebody is, by their name. */
import type { Person } from "./chat.ts";

/** A name as a user id: what may not stand in one is written as `=XX`. Undefined for a name that is blank or too long. */
export function personOf(name: string): Person | undefined {
  const plain = name.trim();
  const words = plain.toLowerCase().replace(/\s+/g, "-");
  const userId = encodeURIComponent(words)
    .replace(/['()*]/g, "-")
    .replace(/%/g, "=")
    .toLowerCase();
  return userId.length >= 1 && userId.length <= 128 ? { userId, name: plain } : undefined;
}

/** One or two letters for a circle. */
export function initials(name: string): string {
  const words = name.split(/[\s._-]+/).filter((word) => word !== "");
  const [first = "?", last] = words.length > 1 ? [words[0], words.at(-1)] : words;
  return [first, last]
    .map((word) => Array.from(word ?? "")[0] ?? "")
    .join("")
    .toUpperCase();
}

/** Which of `count` colours somebody has: always the same one. */
export function hue(userId: string, count: number): number {
  let hash = 0;
  for (const letter of userId) hash = (hash * 31 + (letter.codePointAt(0) ?? 0)) % 1_000_003;
  return hash % count;
}
