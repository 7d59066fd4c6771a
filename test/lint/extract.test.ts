import { expect, test } from "vitest";
import { extract } from "./extract.ts";

const pieces = (path: string, source: string) =>
  extract(path, source).pieces.map(({ kind, line, text }) => [kind, line, text.trim()]);

test("reads line comments below each other as one, and a comment behind code as another", () => {
  const source = ["// One", "// and the same.", "", "// Two.", "const a = 1; // Three.", "// Four."].join("\n");
  expect(pieces("core/a.ts", source)).toEqual([
    ["comment", 1, "One\n and the same."],
    ["comment", 4, "Two."],
    ["comment", 5, "Three."],
    ["comment", 6, "Four."],
  ]);
});

test("reads a block comment without its stars, in TypeScript and in JSX", () => {
  expect(pieces("core/a.ts", "\n/**\n * One.\n * Two.\n */\nlet a;")).toEqual([["comment", 2, "One.\nTwo."]]);
  expect(pieces("web/a.tsx", "const a = <p title='// no'>don't {/* Yes. */} // no</p>;")).toEqual([
    ["comment", 1, "Yes."],
  ]);
});

test("takes no string, template or regular expression for a comment", () => {
  const typescript = ['const a = "http://a";', `const b = \`// \${a /* Yes. */} // no\`;`, "const c = /\\/\\/ [/*]/;"];
  expect(pieces("core/a.ts", typescript.join("\n"))).toEqual([["comment", 2, "Yes."]]);
  expect(pieces("a.lua", "local a = '-- no' -- Yes.\nlocal b = [[\n-- no]]")).toEqual([["comment", 1, "Yes."]]);
  expect(pieces("a.sql", "SELECT '-- it''s no', \"/*\" -- Yes.\n/* And\nthis. */")).toEqual([
    ["comment", 1, "Yes."],
    ["comment", 2, "And\nthis."],
  ]);
  expect(pieces("a.css", 'a::after { content: "/* no */" } b { background: url(//a/*b) } /* Yes. */')).toEqual([
    ["comment", 1, "Yes."],
  ]);
});

test("reads a Markdown document without its code blocks, and keeps its lines", () => {
  expect(pieces("a.md", "One.\n```sh\nwho\n```\nTwo.")).toEqual([["document", 1, "One.\n\n\n\nTwo."]]);
});

test("reads log lines, error details and valibot's descriptions, and no other string", () => {
  const source = [
    'log.warn({ err }, "a line of the log");',
    `throw new Problem("not_found", away ? "no such room" : \`no\${kind}\`);`,
    'const schema = v.pipe(v.string(), v.description("the id of a room"));',
    'const other = "neither of these";',
  ];
  const found = [
    ["string", 1, "a line of the log"],
    ["string", 2, "no such room"],
    ["string", 3, "the id of a room"],
  ];
  expect(pieces("packages/core/src/a.ts", source.join("\n"))).toEqual(found);
  expect(pieces("packages/core/src/a.test.ts", source.join("\n"))).toEqual([]);
});

test("keeps a code span around an expression of a template whole", () => {
  const source = `throw new Problem("invalid", \`the field \\\`\${name}\\\` is missing\`);`;
  expect(pieces("packages/core/src/a.ts", source)).toEqual([["string", 1, "the field `…` is missing"]]);
});

test("reads every string of several words in the API's documents", () => {
  const source = 'export const room = { summary: "Read a room", id: "room" };';
  expect(pieces("apps/api/src/docs/a.ts", source)).toEqual([["string", 1, "Read a room"]]);
});

test("names each word of the code with its first line, outside comments and quoted strings", () => {
  const source = `// comment\nconst first = "quoted";\nfirst.second(\`\${third}\`);`;
  const { names } = extract("core/a.ts", source);
  expect([...names]).toEqual([
    ["const", 2],
    ["first", 2],
    ["second", 3],
    ["third", 3],
  ]);
});

test("refuses TypeScript that cannot be parsed", () => {
  expect(() => extract("core/a.ts", "const = 1;")).toThrow("core/a.ts cannot be parsed");
});
