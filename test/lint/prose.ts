/**
 * `npm run lint:prose`: checks the repository's English by the rules of `rules.ts`, and exits with 1 when a limit is passed.
 * `-- --list` prints every finding, `-- --stats` the totals of each folder; paths narrow it to the files below them.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { extract, isReadable } from "./extract.ts";
import {
  type Finding,
  measure,
  ofRule,
  type Passed,
  passedLimits,
  percent,
  perThousand,
  sum,
  type Tally,
} from "./rules.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const NOT_OURS = new Set(["node_modules", "dist", "data", "coverage"]);
/** Findings shown for a limit without `--list`. */
const SHOWN = 5;

function walk(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    if (NOT_OURS.has(entry.name) || entry.name.startsWith(".")) return [];
    const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
    return entry.isDirectory() ? walk(path) : [path];
  });
}

const print = (lines: readonly string[]) => process.stdout.write(lines.map((line) => `${line}\n`).join(""));
const lineOf = ({ path, line, text, advice }: Finding) => `${path}:${line}: ${text} [${advice}]`;

/** Up to three levels, without `src`: `packages/core/delivery`. */
const folderOf = (path: string) =>
  path
    .split("/")
    .slice(0, -1)
    .filter((name) => name !== "src")
    .slice(0, 3)
    .join("/") || ".";

function statsOf(tallies: ReadonlyMap<string, Tally>): string[] {
  const folders = new Map<string, Tally[]>();
  for (const [path, tally] of tallies) folders.set(folderOf(path), [...(folders.get(folderOf(path)) ?? []), tally]);
  const rows = [...folders].map(([folder, files]) => rowOf(folder, sum(files)));
  const head = ["folder", "files", "words", "persons", "per 1,000", "comments", "openings", "%", "columns", "names"];
  return [head, ...rows, rowOf("total", sum([...tallies.values()]))].map(([folder = "", ...cells]) =>
    [folder.padEnd(28), ...cells.map((cell) => cell.padStart(9))].join(" "),
  );
}

function rowOf(folder: string, tally: Tally): string[] {
  const count = (rule: Finding["rule"]) => String(ofRule(tally, rule).length);
  const rates = { persons: perThousand(tally).toFixed(1), openings: percent(tally).toFixed(1) };
  const { files, words, comments } = tally;
  return [
    ...[folder, String(files), String(words), count("persons"), rates.persons],
    ...[String(comments), count("openings"), rates.openings, count("columns"), count("names")],
  ];
}

function reportOf({ limit, findings }: Passed): string[] {
  const more = findings.length - SHOWN;
  const shown = findings.slice(0, SHOWN).map((finding) => `  ${lineOf(finding)}`);
  return [`${limit}:`, ...shown, ...(more > 0 ? [`  and ${more} more: npm run lint:prose -- --list`] : [])];
}

const { values, positionals } = parseArgs({
  options: { list: { type: "boolean", default: false }, stats: { type: "boolean", default: false } },
  allowPositionals: true,
});
const below = positionals.map((path) => path.replace(/^\.\/|\/$/g, ""));
const isMeant = (path: string) => below.length === 0 || below.some((each) => `${path}/`.startsWith(`${each}/`));
const paths = walk("")
  .filter((path) => isReadable(path) && isMeant(path))
  .sort((a, b) => a.localeCompare(b));
if (paths.length === 0) throw new Error(`No file to read below ${below.join(", ")}`);
const tallies = new Map(
  paths.map((path) => [path, measure(path, extract(path, readFileSync(join(ROOT, path), "utf8")))]),
);
const passed = passedLimits([...tallies.values()]);
if (values.list) print(sum([...tallies.values()]).findings.map(lineOf));
if (values.stats) print(statsOf(tallies));
print(values.list ? passed.map(({ limit }) => limit) : passed.flatMap(reportOf));
if (passed.length > 0) process.exitCode = 1;
