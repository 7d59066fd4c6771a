import { expect, test } from "vitest";
import { ManualClock } from "../testing/manual-clock.fake.ts";
import { TypingTracker } from "./typing-tracker.ts";

function setUp() {
  const clock = new ManualClock();
  const changes: [string, boolean][] = [];
  return {
    clock,
    changes,
    typing: new TypingTracker(clock, (userId, remainingMs) => changes.push([userId, remainingMs > 0])),
  };
}

test("typing without a refresh ends after exactly its time", async () => {
  const { clock, changes, typing } = setUp();
  typing.started("ann", 4000);
  await clock.pass(3999);
  expect(changes).toEqual([["ann", true]]);
  await clock.pass(1);
  expect(changes).toEqual([
    ["ann", true],
    ["ann", false],
  ]);
});

test("a refresh is no change, and restarts the time", async () => {
  const { clock, changes, typing } = setUp();
  typing.started("ann", 4000);
  await clock.pass(3000);
  typing.started("ann", 4000);
  await clock.pass(3999);
  expect(changes).toEqual([["ann", true]]);
  await clock.pass(1);
  expect(changes.at(-1)).toEqual(["ann", false]);
});

test("a stop on request is one change, with no further one when the time is over", async () => {
  const { clock, changes, typing } = setUp();
  typing.started("ann", 4000);
  typing.stopped("ann");
  typing.stopped("ann");
  await clock.pass(10_000);
  expect(changes).toEqual([
    ["ann", true],
    ["ann", false],
  ]);
  expect(clock.waiting).toBe(0);
});

test("a stop of a user that does not type is no change", () => {
  const { changes, typing } = setUp();
  typing.stopped("ann");
  expect(changes).toEqual([]);
});

test("users type independently of each other", async () => {
  const { clock, typing } = setUp();
  typing.started("ann", 4000);
  await clock.pass(1000);
  typing.started("ben", 4000);
  expect(typing.now()).toEqual([
    ["ann", 3000],
    ["ben", 4000],
  ]);
  await clock.pass(3000);
  expect(typing.now().map(([userId]) => userId)).toEqual(["ben"]);
});

test("typing lasts at most 30 s without a refresh, for any number that arrives", async () => {
  const { clock, changes, typing } = setUp();
  typing.started("ann", 1e12);
  await clock.pass(30_000);
  expect(changes.at(-1)).toEqual(["ann", false]);
});

test("typing with a time in the past ends at once", async () => {
  const { clock, changes, typing } = setUp();
  typing.started("ann", -1);
  await clock.pass(0);
  expect(changes.at(-1)).toEqual(["ann", false]);
});

test("closing leaves no timer and makes no change", async () => {
  const { clock, changes, typing } = setUp();
  typing.started("ann", 4000);
  typing.close();
  expect(clock.waiting).toBe(0);
  await clock.pass(5000);
  expect(changes).toEqual([["ann", true]]);
});
