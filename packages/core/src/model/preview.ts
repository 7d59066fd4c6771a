/** The longest preview, in characters: UTF-16 units would cut some of them in two. */
const LENGTH = 200;

/** The beginning of a message on one line: its first 200 characters, white space between words as one space. */
export function preview(content: string): string {
  const line = content.replace(/\s+/gu, " ").trim();
  return line.length <= LENGTH ? line : [...line.slice(0, 2 * LENGTH)].slice(0, LENGTH).join("");
}
