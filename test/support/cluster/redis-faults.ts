/** Faults of the Redis Cluster of a stage. */
import { setTimeout as pause } from "node:timers/promises";
import { busyRooms } from "./busy-rooms.ts";
import type { Stage } from "./stage.ts";

/** Freezes every server while `work` runs: connections stay open, and nothing answers. */
export async function freezeRedis({ cluster: { redis } }: Stage, work: () => Promise<unknown>): Promise<void> {
  redis.pause();
  try {
    await work();
  } finally {
    redis.resume();
  }
}

/** Fails unless sends are acknowledged while Redis is frozen for `ms`, and all of them are delivered 2 s after its return. */
export async function expectSendsWhileRedisIsFrozen(stage: Stage, ms: number): Promise<void> {
  const scene = await busyRooms(stage);
  await freezeRedis(stage, () => Promise.all([pause(ms), scene.load.goesOn(Math.min(ms, 5000))]));
  await scene.endsWhole();
  await stage.cluster.redis.ready();
}

/** Deletes every key of every primary. */
export async function flushRedis({ cluster: { redis } }: Stage): Promise<void> {
  const primaries = await redis.primaries();
  await Promise.all(primaries.map((primary) => primary.command("FLUSHALL")));
}
