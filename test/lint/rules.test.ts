import { expect, test } from "vitest";
import { extract } from "./extract.ts";
import { type Finding, measure, passedLimits } from "./rules.ts";

const findings = (path: string, source: string, rule: Finding["rule"]) =>
  measure(path, extract(path, source)).findings.filter((finding) => finding.rule === rule);
const limitsOf = (...sources: string[]) =>
  passedLimits(sources.map((source) => measure("a.md", extract("a.md", source)))).map(({ limit }) => limit);

/** A document of 6,000 words. */
const LONG = `${"word ".repeat(20)}\n`.repeat(300);

test("finds words that name no thing, with their line, and ignores code spans", () => {
  const source = "/**\n * The user.\n * Anybody of `who`,\n * and Whose\n */";
  expect(
    findings("a.ts", source, "persons").map(({ line, text, advice }) => [line, text, advice.split(":")[0]]),
  ).toEqual([
    [3, "Anybody of `who`,", '"anybody"'],
    [4, "and Whose", '"whose"'],
  ]);
  expect(findings("a.md", "A `who\nwhom` and https://a/who and `who` whole.", "persons")).toEqual([]);
});

test("finds clauses at the beginning of a comment, and no later ones", () => {
  const source = "// Whether it is so.\nlet a;\n// True where it is so.\nlet b;\n/** What it is. */";
  expect(findings("a.ts", source, "openings").map(({ line, text }) => [line, text])).toEqual([
    [1, "Whether it is so."],
    [5, "What it is."],
  ]);
  expect(findings("a.md", "What it is.", "openings")).toEqual([]);
});

test("finds long lines of Markdown, aside from tables, code and lines of one link", () => {
  const long = "word ".repeat(25);
  const exempt = [
    `| ${long} |`,
    "```",
    long,
    "```",
    `- [a](https://a/${"b".repeat(120)})`,
    `[a]: https://a/${"b".repeat(120)}`,
  ];
  const source = [...exempt, long.trim(), "é".repeat(120)].join("\n");
  expect(findings("a.md", source, "columns").map(({ line, advice }) => [line, advice])).toEqual([
    [7, "124 columns, of 120"],
  ]);
});

test("finds names that were given up, with the one to use", () => {
  const source = "/** Each `Seat` of a draft. */\nconst seatsOf = scroll(dice.rollOf, createDraft, seating);";
  expect(findings("packages/core/src/a.ts", source, "names").map(({ line, advice }) => [line, advice])).toEqual([
    [1, '"Seat" was given up: say Subscriber'],
    [2, '"seatsOf" was given up: say Subscriber'],
    [2, '"rollOf" was given up: say PresenceTable'],
    [2, '"createDraft" was given up: say Transaction'],
  ]);
});

test("ignores a name outside the folder of its rule", () => {
  expect(findings("apps/console/src/a.ts", "const entrance = draft;", "names")).toEqual([]);
});

test("a rate, a file and a share below the limits pass none", () => {
  expect(limitsOf(`${LONG} who, whom`)).toEqual([]);
});

test("three findings in a file pass its limit, and a high rate passes that of all files", () => {
  expect(limitsOf(`${LONG} who, whom, whose`)).toEqual(['1 files with over 2 words like "who" and "somebody"']);
  expect(limitsOf("one two three who")).toEqual(['250.00 words like "who" and "somebody" per 1,000, of at most 0.6']);
});

test("a high share of all comments passes the limit of openings", () => {
  const source = (good: number) => `// What.\nlet a;\n${"// A noun.\nlet a;\n".repeat(good)}`;
  const passed = (good: number) =>
    passedLimits([measure("a.lua", extract("a.lua", source(good).replaceAll("//", "--")))]);
  expect(passed(33)).toEqual([]);
  expect(passed(30).map(({ limit }) => limit)).toEqual([
    '3.2 % of comments open with "What", "Whether" and the like, of at most 3',
  ]);
});
