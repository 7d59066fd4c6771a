import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import type { Figures, Ratios } from "./figures.ts";
import { labelOf, newestRatios, withRow } from "./figures-file.ts";

const kept = readFileSync(new URL("../../docs/FIGURES.md", import.meta.url), "utf8");
const head = { label: "0.2", date: "2026-12-01" };
const figures: Figures = {
  deliveriesPerSecond: 599_998,
  p50Ms: 16.04,
  p99Ms: 120,
  microsPerDelivery: 1.4,
  corePercent: 82,
  sendsPerSecond: 8000.4,
  timesOneByOne: 5.5,
  idleKb: 20.04,
};
const ratios: Ratios = { p50Ms: 2, p99Ms: 3, microsPerDelivery: 2.216, sendsPerSecond: 1234.5, idleKb: 4 };
const added = (before: string, after: string) => after.split("\n").filter((line) => !before.split("\n").includes(line));

test("a row of figures goes to the end of its table, and nothing else changes", () => {
  const page = withRow(kept, head, figures);
  const row = "| 0.2 | 2026-12-01 | 599,998 | 16.0 | 120.0 | 1.40 | 82.0 | 8,000 | 5.5 | 20.0 |";
  expect(added(kept, page)).toEqual([row]);
  expect(page.replace(`${row}\n`, "")).toBe(kept);
  expect(page).toContain(`${row}\n\n## Ratios to the bare floor`);
});

test("the next comparison reads the recorded ratios", () => {
  const page = withRow(kept, head, figures, ratios);
  expect(added(kept, page)).toHaveLength(2);
  const newest = newestRatios(page);
  expect(newest?.label).toBe("0.2");
  expect(newest?.ratios).toMatchObject({ p50Ms: 2, p99Ms: 3, microsPerDelivery: 2.22, idleKb: 4 });
});

test("a ratio that is missing in a row is not compared", () => {
  const page = withRow(kept, head, figures, ratios).replace("| 3.00 |", "| – |");
  expect(Object.keys(newestRatios(page)?.ratios ?? {})).not.toContain("p99Ms");
});

test("a table without rows has no newest one", () => {
  const [before = "", table = ""] = kept.split(/(?<=## Ratios to the bare floor\n)/);
  const lines = table.split("\n");
  const empty = lines.filter((line, index) => !line.startsWith("|") || lines.slice(0, index).filter(isRow).length < 2);
  expect(newestRatios(before + empty.join("\n"))).toBeUndefined();
});
const isRow = (line: string) => line.startsWith("|");

test("a page without the table, or with other columns, is refused", () => {
  expect(() => withRow("# Figures\n", head, figures)).toThrow('no table below "## Per version"');
  expect(() => newestRatios(kept.replace("fan-out, CPU", "CPU"))).toThrow("other columns");
});

test("a label fits into a cell", () => {
  expect(labelOf(" 0.2, folded sockets ")).toBe("0.2, folded sockets");
  for (const label of ["", "  ", "a|b", "a\nb", "x".repeat(33)]) expect(() => labelOf(label)).toThrow("--record");
});
