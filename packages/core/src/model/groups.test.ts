import { expect, test } from "vitest";
import { addTo, chunksOf, groupBy, removeFrom } from "./groups.ts";

test("groups keep the order of their items, and come in the order of their first ones", () => {
  const groups = groupBy(new Set([3, 1, 5, 2, 4]), (number) => (number % 2 === 0 ? "even" : "odd"));
  expect([...groups]).toEqual([
    ["odd", [3, 1, 5]],
    ["even", [2, 4]],
  ]);
  expect(groupBy([], String)).toEqual(new Map());
});

test("chunks hold every item once, in order, and only the last may be shorter", () => {
  expect(chunksOf([1, 2, 3, 4, 5], 2)).toEqual([[1, 2], [3, 4], [5]]);
  expect(chunksOf([1, 2, 3, 4], 2)).toEqual([
    [1, 2],
    [3, 4],
  ]);
  expect(chunksOf([1, 2], 5)).toEqual([[1, 2]]);
  expect(chunksOf([], 2)).toEqual([]);
});

test("a set is made for its first value, and goes with its last", () => {
  const sets = new Map<string, Set<number>>();
  for (const [key, value] of [
    ["a", 1],
    ["a", 2],
    ["a", 1],
    ["b", 1],
  ] as const)
    addTo(sets, key, value);
  expect(sets).toEqual(
    new Map([
      ["a", new Set([1, 2])],
      ["b", new Set([1])],
    ]),
  );
  removeFrom(sets, "a", 1);
  removeFrom(sets, "b", 1);
  removeFrom(sets, "b", 1);
  expect(sets).toEqual(new Map([["a", new Set([2])]]));
});
