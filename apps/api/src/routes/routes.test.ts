/** Holds the files of routes to their paths, so that a path leads to its file. */
import { readdirSync } from "node:fs";
import type { Hono } from "hono";
import { expect, test } from "vitest";

/** The folders, and what all paths in them begin with. */
const PREFIXES: Readonly<Record<string, string>> = {
  v1: "/v1/",
  "chat-api-v1": "/chat/api/v1/",
  "core-api-v1": "/core/api/v1/",
};
/** The one file with several names in its paths: the sections of a room's state. */
const SECTIONS = ["engagement", "plan", "call", "sidekicks"];

const files = Object.keys(PREFIXES).flatMap((folder) =>
  readdirSync(new URL(folder, import.meta.url))
    .filter((name) => !/\.(test|fake)\.ts$/.test(name))
    .map((name) => [folder, name.replace(".ts", "")] as const),
);

const pass = (_: unknown, next: () => Promise<void>) => next();
const GUARDS = { auth: pass, limited: pass, acting: pass };

/** The paths of all routes that a file exports, by the names of its functions. */
async function pathsIn(folder: string, name: string): Promise<[maker: string, paths: string[]][]> {
  const module = (await import(`./${folder}/${name}.ts`)) as Record<string, (deps: object) => Hono>;
  return Object.entries(module).map(([maker, make]) => [maker, make(GUARDS).routes.map(({ path }) => path)]);
}

test.each(files)("the paths of %s/%s.ts have its names", async (folder, name) => {
  const names = name === "sections" ? SECTIONS : [name];
  const paths = (await pathsIn(folder, name)).flatMap(([, each]) => each);
  expect(paths).not.toEqual([]);
  const wrong = paths.filter(
    (path) => !path.startsWith(PREFIXES[folder] ?? "") || !path.split("/").some((part) => names.includes(part)),
  );
  expect(wrong).toEqual([]);
});

test("no two functions that make routes have the same name", async () => {
  const makers = (await Promise.all(files.map((file) => pathsIn(...file)))).flatMap((each) =>
    each.map(([maker]) => maker),
  );
  expect(makers.filter((maker, index) => makers.indexOf(maker) !== index)).toEqual([]);
});
