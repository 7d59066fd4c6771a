/** The repository's files as text, and the parts of a Markdown document that tests look at. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT = fileURLToPath(new URL("..", import.meta.url));
const NOT_OURS = new Set(["node_modules", "dist", ".turbo", ".git", ".cache", "data", "coverage"]);

/** The text of a file, by its path from the root of the repository. */
export const read = (path: string): string => readFileSync(join(ROOT, path), "utf8");

/** Every file below `folder` with one of these endings, by its path from the root of the repository. */
export function filesOf(endings: readonly string[], folder = ""): string[] {
  return readdirSync(join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    if (NOT_OURS.has(entry.name)) return [];
    const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
    if (entry.isDirectory()) return filesOf(endings, path);
    return endings.some((ending) => entry.name.endsWith(ending)) ? [path] : [];
  });
}

export interface Line {
  /** From 1. */
  readonly number: number;
  readonly text: string;
}

/** The lines of a document outside its code blocks. */
export function proseOf(markdown: string): Line[] {
  let code = false;
  return markdown.split("\n").flatMap((text, index) => {
    const fence = /^\s*```/.test(text);
    if (fence) code = !code;
    return code || fence ? [] : [{ number: index + 1, text }];
  });
}

/** The anchors of a document's headings, as GitHub makes them. */
export function anchorsOf(markdown: string): Set<string> {
  const titles = proseOf(markdown).flatMap(({ text }) => /^#+ (.+)$/.exec(text)?.[1] ?? []);
  const slug = (title: string) =>
    title
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, "")
      .replaceAll(" ", "-");
  return new Set(titles.map(slug));
}

/**
 * The numbered sections of a document by their number ("3" of `## 3. Truth`), each with its text, and the numbered items at
 * the left margin of a section ("3.5").
 */
export function sectionsOf(markdown: string): Map<string, string> {
  const sections = new Map<string, string>();
  let section: string | undefined;
  let current: string | undefined;
  for (const { text } of proseOf(markdown)) {
    const heading = /^#+ (?:(\d+)\. )?/.exec(text);
    const item = /^(\d+)\. /.exec(text)?.[1];
    if (heading !== null) [section, current] = [heading[1], heading[1]];
    else if (section !== undefined && item !== undefined) current = `${section}.${item}`;
    for (const key of new Set([section, current]))
      if (key !== undefined) sections.set(key, `${sections.get(key) ?? ""}${text}\n`);
  }
  return sections;
}

/** The rows of the table under this head, cell by cell, with their backticks. Throws when there is no such table. */
export function tableOf(markdown: string, ...head: string[]): string[][] {
  const lines = markdown.split("\n");
  const start = lines.findIndex((line) => cellsOf(line).join("|") === head.join("|"));
  if (start < 0) throw new Error(`there is no table with the columns ${head.join(", ")}`);
  const rows = lines.slice(start + 2);
  const end = rows.findIndex((line) => !line.startsWith("|"));
  return rows.slice(0, end < 0 ? undefined : end).map(cellsOf);
}

const cellsOf = (line: string): string[] =>
  line.startsWith("|")
    ? line
        .split(/(?<!\\)\|/)
        .slice(1, -1)
        .map((cell) => cell.trim())
    : [];

/** The parts of this text in backticks. */
export const codeIn = (text: string): string[] => [...text.matchAll(/`([^`]+)`/g)].map(([, code = ""]) => code);
