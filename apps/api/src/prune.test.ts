import { createLog } from "@signalbox/node/log";
import { expect, it } from "vitest";
import { startPruning } from "./prune.ts";

it("looks once a minute, goes on after a failure, and ends", async () => {
  const timers: (() => void)[] = [];
  const clock = {
    now: () => 0,
    after(_: number, then: () => void) {
      timers.push(then);
      return () => void timers.splice(timers.indexOf(then), 1);
    },
  };
  const asked: number[][] = [];
  const prune = async (...how: number[]) => {
    asked.push(how);
    if (asked.length === 1) throw new Error("the store is away");
    return 5;
  };
  const log = createLog({ kind: "api", logLevel: "silent" });
  const stop = startPruning({ store: { prune }, keep: 10, days: 7, clock, log });

  for (const round of [1, 2]) {
    timers.shift()?.();
    await expect.poll(() => timers.length).toBe(1);
    expect(asked).toEqual(Array(round).fill([10, 7]));
  }
  await stop();
  expect(timers).toEqual([]);
});
