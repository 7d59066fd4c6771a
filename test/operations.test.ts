/** Compares the operator's documents with the code: they have every setting and every metric, and no others. */
import { createMetrics } from "@signalbox/node/metrics";
import { expect, test } from "vitest";
import { codeIn, filesOf, read, sectionsOf, tableOf } from "./markdown.ts";

const operations = read("docs/OPERATIONS.md");

/** The variables that `packages/node/src/config.ts` reads. */
function settings(): Set<string> {
  const body = /const Settings = v\.object\(\{\n([\s\S]*?)\n\}\);/.exec(read("packages/node/src/config.ts"))?.[1] ?? "";
  const names = [...body.matchAll(/^ {2}(\w+):/gm)].map(([, name = ""]) => name);
  return new Set(names.map((name) => name.replaceAll(/[A-Z]/g, "_$&").toUpperCase()));
}

/** The variables in a table of settings. */
const variablesIn = (markdown: string): Set<string> =>
  new Set(tableOf(markdown, "variable", "default", "").flatMap(([variables = ""]) => codeIn(variables)));

test("the contract and the operator's table name every setting", () => {
  expect(settings().size).toBeGreaterThan(20);
  expect(variablesIn(operations)).toEqual(settings());
  expect(variablesIn(sectionsOf(read("docs/CONTRACT.md")).get("9") ?? "")).toEqual(settings());
});

test("the README names settings that exist", () => {
  expect([...variablesIn(read("README.md"))].filter((name) => !settings().has(name))).toEqual([]);
});

test("the operator's table names every metric of our own, with its kind and labels", async () => {
  const metrics = createMetrics();
  metrics.observe(() => ({ sessions: 0, rooms: 0, users: 0, frames: 0, bytes: 0, flushes: 0, repaired: 0 }));
  const known = metrics.registry
    .getMetricsAsArray()
    .filter(({ name }) => name.startsWith("signalbox_"))
    .map((metric) => [metric.name, String(metric.type), [...(metric as unknown as Labelled).labelNames]]);
  known.push(...meteredIn("redis"), ...meteredIn("postgres"), ...meteredIn("matrix"));
  const written = tableOf(operations, "metric", "kind", "labels", "meaning").map(
    ([name = "", kind, labels = ""]) => [codeIn(name)[0], kind, codeIn(labels)] as const,
  );
  const byName = (rows: readonly (readonly unknown[])[]) =>
    [...rows].sort(([a], [b]) => String(a).localeCompare(String(b)));
  expect(byName(written)).toEqual(byName(known));
});

/** The metrics that a package without a metrics library makes by its `Meter`. */
function meteredIn(name: string): [name: string, kind: string, labels: string[]][] {
  const calls = filesOf([".ts"], `packages/${name}/src`).flatMap((path) => [
    ...read(path).matchAll(/meter\.(counter|total|gauge)\(\s*"(\w+)",\s*"[^"]*"(?:,\s*\[([^\]]*)\])?/g),
  ]);
  return calls.map(([, kind, metric, labels = ""]) => [
    `signalbox_${metric}`,
    kind === "gauge" ? "gauge" : "counter",
    labels.split(",").flatMap((label) => /\w+/.exec(label)?.[0] ?? []),
  ]);
}

interface Labelled {
  readonly labelNames: readonly string[];
}
