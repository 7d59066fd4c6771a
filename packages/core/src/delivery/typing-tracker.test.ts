import { expect, test } from "vitest";
import { TypingTracker } from "../delivery/typing-tracker.ts";
import { ManualClock } from "../testing/manual-clock.fake.ts";

function setUp() {
  const clock = new ManualClock();
  const told: [string, boolean][] = [];
  return {
    clock,
    told,
    typing: new TypingTracker(clock, (userId, remainingMs) => told.push([userId, remainingMs > 0])),
  };
}

test("who falls silent stops after exactly the time that was said", async () => {
  const { clock, told, typing } = setUp();
  typing.started("ann", 4000);
  await clock.pass(3999);
  expect(told).toEqual([["ann", true]]);
  await clock.pass(1);
  expect(told).toEqual([
    ["ann", true],
    ["ann", false],
  ]);
});

test("a refresh tells nobody again and counts from anew", async () => {
  const { clock, told, typing } = setUp();
  typing.started("ann", 4000);
  await clock.pass(3000);
  typing.started("ann", 4000);
  await clock.pass(3999);
  expect(told).toEqual([["ann", true]]);
  await clock.pass(1);
  expect(told.at(-1)).toEqual(["ann", false]);
});

test("who stops by word is told once, and not again when the time is over", async () => {
  const { clock, told, typing } = setUp();
  typing.started("ann", 4000);
  typing.stopped("ann");
  typing.stopped("ann");
  await clock.pass(10_000);
  expect(told).toEqual([
    ["ann", true],
    ["ann", false],
  ]);
  expect(clock.waiting).toBe(0);
});

test("who never started does not stop", () => {
  const { told, typing } = setUp();
  typing.stopped("ann");
  expect(told).toEqual([]);
});

test("several type independently of each other", async () => {
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

test("nobody types for longer than 30 s without saying so again, whatever number arrives", async () => {
  const { clock, told, typing } = setUp();
  typing.started("ann", 1e12);
  await clock.pass(30_000);
  expect(told.at(-1)).toEqual(["ann", false]);
});

test("a time that is already over ends at once", async () => {
  const { clock, told, typing } = setUp();
  typing.started("ann", -1);
  await clock.pass(0);
  expect(told.at(-1)).toEqual(["ann", false]);
});

test("closing leaves no timer and tells nobody", async () => {
  const { clock, told, typing } = setUp();
  typing.started("ann", 4000);
  typing.close();
  expect(clock.waiting).toBe(0);
  await clock.pass(5000);
  expect(told).toEqual([["ann", true]]);
});
