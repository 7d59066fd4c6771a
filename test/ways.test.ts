/** Compares the ways that docs/ARCHITECTURE.md draws with the code: their files exist, and are few. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { ROOT, read } from "./markdown.ts";

/** The places that a way names, as folders. */
const FOLDERS: Record<string, string> = {
  "apps/gateway": "apps/gateway/src",
  "core/commands": "packages/core/src/commands",
  "core/delivery": "packages/core/src/delivery",
  "core/presence": "packages/core/src/presence",
  postgres: "packages/postgres/src",
  redis: "packages/redis/src",
};

/** The drawn ways, each as its files. */
const ways = [...read("docs/ARCHITECTURE.md").matchAll(/^```\n([\s\S]*?)^```$/gm)].map(([, drawing = ""]) => {
  let folder = "";
  return drawing.split("\n").flatMap((line) => {
    const [, place, file] = /^(\S+)?\s+([\w-]+\.ts)/.exec(line) ?? [];
    if (place !== undefined) folder = FOLDERS[place] ?? place;
    return file === undefined ? [] : [`${folder}/${file}`];
  });
});

const LONGEST = [
  { name: "a message, from the socket to the store", files: 6, index: 0 },
  { name: "a message, from the engine to the socket", files: 5, index: 1 },
  { name: "a presence change, from a session to the registry and its announcement", files: 6, index: 2 },
  { name: "a presence change, from the engine to the socket", files: 5, index: 3 },
];

test("the architecture draws four ways", () => {
  expect(ways).toHaveLength(LONGEST.length);
});

describe.each(LONGEST)("the way of $name", ({ files, index }) => {
  const way = ways[index] ?? [];

  test(`has at most ${files} files`, () => {
    expect(way.length).toBeGreaterThan(3);
    expect(way.length).toBeLessThanOrEqual(files);
  });

  test("names files that exist", () => {
    expect(way.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
  });
});
