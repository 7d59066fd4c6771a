/** Checks the documents: references lead to sections that exist, links to files and headings, and lines end at 120 columns. */
import { existsSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { expect, test } from "vitest";
import { anchorsOf, filesOf, proseOf, ROOT, read, sectionsOf } from "./markdown.ts";

const COLUMNS = 120;
/** The documents with that limit. */
const HELD = [
  ...filesOf([".md"], "docs"),
  "README.md",
  "CONTRIBUTING.md",
  "SECURITY.md",
  "CHANGELOG.md",
  "packages/client/README.md",
  "infra/matrix/README.md",
];

const documents = filesOf([".md"]);
const sources = filesOf([".ts", ".tsx", ".mjs", ".lua", ".sql", ".html", ".yaml", ".md"]);

/** "4", `4 "Rate"`, `4, "Rate"`, "1, 5 and 6", "5 to 8". */
const NUMBER = /\d+(?:\.\d+)?(?:,? "[^"]+")?/.source;
const LIST = `(${NUMBER}(?:(?:, | and | or | to )${NUMBER})*)`;
/** The form of references to each document, by its name in `docs`. */
const REFERENCES: Readonly<Record<string, RegExp>> = {
  "CONTRACT.md": new RegExp(`CONTRACT(?:\\.md)? sections? ${LIST}`, "g"),
  "PROTOCOL.md": new RegExp(`PROTOCOL\\.md sections? ${LIST}`, "g"),
  "DESIGN.md": new RegExp(`DESIGN ${LIST}`, "g"),
  "DECISIONS.md": new RegExp(`DECISIONS ${LIST}`, "g"),
};
/** References in another form, which no test would check. */
const MISSHAPEN = /\b(?:CONTRACT:|CONTRACT (?=\d)|PROTOCOL (?=\d|section)|DESIGN\.md section|DECISIONS, (?=\d))/g;

/** A text as one line, without the marks that continue a comment. */
const joined = (text: string): string => text.replaceAll(/\s*\n\s*(?:\*|\/\/|--|#)?\s*/g, " ");

interface Reference {
  readonly number: string;
  /** The title in quotes behind it. */
  readonly title: string | undefined;
}

function referencesIn(list: string): Reference[] {
  const named = [...list.matchAll(/(\d+(?:\.\d+)?)(?:,? "([^"]+)")?/g)];
  const references = named.map(([, number = "", title]) => ({ number, title }));
  const [first, last] = / to /.test(list) ? references.slice(-2).map(({ number }) => Number(number)) : [];
  if (first === undefined || last === undefined) return references;
  const between = Array.from({ length: Math.max(0, last - first - 1) }, (_, index) => String(first + index + 1));
  return [...references, ...between.map((number) => ({ number, title: undefined }))];
}

/** The references without a target: their numbers, with the title if only that is missing. */
function astray(sections: ReadonlyMap<string, string>, references: readonly Reference[]): string[] {
  return references.flatMap(({ number, title }) => {
    const section = sections.get(number);
    if (section === undefined) return [number];
    return title === undefined || joined(section).includes(title) ? [] : [`${number} "${title}"`];
  });
}

test.each(Object.entries(REFERENCES))("references to %s lead to sections that exist", (name, pattern) => {
  const sections = sectionsOf(read(`docs/${name}`));
  let found = 0;
  const wrong = sources.flatMap((path) =>
    [...joined(read(path)).matchAll(pattern)].flatMap(([text, list = ""]) => {
      found += 1;
      return astray(sections, referencesIn(list)).map((missing) => `${path}: ${text} (there is no ${missing})`);
    }),
  );
  expect(wrong).toEqual([]);
  expect(found).toBeGreaterThan(2);
});

test("references have the form that the tests check", () => {
  const held = sources.filter((path) => path !== "test/documents.test.ts");
  const wrong = held.flatMap((path) => [...joined(read(path)).matchAll(MISSHAPEN)].map(([text]) => `${path}: ${text}`));
  expect(wrong).toEqual([]);
});

test("a document's references to its own sections lead to sections that exist", () => {
  const own = new RegExp(`(?<!\\.md |CONTRACT )\\bsections? ${LIST}`, "g");
  const wrong = documents.flatMap((path) => {
    const markdown = read(path);
    const sections = sectionsOf(markdown);
    // A document without numbers refers to others.
    if (sections.size === 0) return [];
    const prose = joined(
      proseOf(markdown)
        .map(({ text }) => text)
        .join("\n"),
    );
    const lists = [...prose.matchAll(own)].map(([, list = ""]) => list);
    return lists.flatMap((list) => astray(sections, referencesIn(list)).map((each) => `${path}: ${each}`));
  });
  expect(wrong).toEqual([]);
});

/** The targets of a document's links and images, outside code. */
function linksIn(markdown: string): string[] {
  const prose = proseOf(markdown).map(({ text }) => text.replaceAll(/`[^`]*`/g, ""));
  const inline = [...prose.join("\n").matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = ""]) => target);
  const defined = prose.flatMap((text) => /^\[[^\]]+\]: (\S+)$/.exec(text)?.[1] ?? []);
  return [...inline, ...defined];
}

test("relative links lead to files that exist, and their anchors to headings", () => {
  const relative = documents.flatMap((path) =>
    linksIn(read(path))
      .filter((target) => !/^[a-z]+:/.test(target))
      .map((target) => ({ path, target })),
  );
  const wrong = relative.filter(({ path, target }) => {
    const [file = "", anchor] = target.split("#");
    const to = file === "" ? path : normalize(join(dirname(path), file));
    if (!existsSync(join(ROOT, to))) return true;
    return anchor !== undefined && !anchorsOf(read(to)).has(anchor);
  });
  expect(wrong).toEqual([]);
  expect(relative.length).toBeGreaterThan(20);
});

test(`lines end at ${COLUMNS} columns`, () => {
  // Rows of tables and lines of one image or link cannot be wrapped; `proseOf` leaves out blocks of code.
  const free = (text: string) => text.startsWith("|") || /^!?\[[^\]]*\]\([^)]*\)$/.test(text);
  const wrong = HELD.flatMap((path) =>
    proseOf(read(path))
      .filter(({ text }) => text.length > COLUMNS && !free(text))
      .map(({ number, text }) => `${path}:${number} has ${text.length}`),
  );
  expect(wrong).toEqual([]);
});
