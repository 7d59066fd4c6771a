import { expect, it } from "vitest";
import { createMetrics } from "./metrics.ts";

it("prints commits as a group's size and seconds", async () => {
  const metrics = createMetrics();
  metrics.commit(20, 4);
  const text = await metrics.registry.metrics();
  expect(text).toContain('signalbox_commit_group_size_bucket{le="20"} 1');
  expect(text).toContain("signalbox_commit_seconds_sum 0.004");
});

it("reads a gateway's counts at every scrape", async () => {
  const metrics = createMetrics();
  const counts = { sessions: 2, rooms: 1, users: 2, frames: 10, bytes: 500, flushes: 4, repaired: 0 };
  metrics.observe(() => counts);
  await metrics.registry.metrics();
  counts.frames = 12;
  counts.sessions = 1;
  const text = await metrics.registry.metrics();
  expect(text).toContain("signalbox_deliveries_total 12\n");
  expect(text).toContain("signalbox_sessions 1\n");
  expect(text).toContain("signalbox_flushes_total 4\n");
});
