/** The promises of `RateTokens`, held by every engine. */
import type { RateTokens } from "@signalbox/core/ports/rate-tokens";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { engines, holds, type Nodes, user } from "./engine-nodes.ts";

// No promise here is about the limit of an answer: a call may take as long as a busy machine needs.
vi.mock("@signalbox/redis/connection", async (actual) => ({ ...(await actual<object>()), ANSWER_MS: 5_000 }));

/** Two clocks of this machine may tell one moment so differently. */
const SLACK_MS = 5;

describe.each(engines)("rate tokens on the $name engine", ({ start }) => {
  let nodes: Nodes;
  let near: RateTokens;
  let far: RateTokens;

  beforeAll(async () => {
    nodes = await start();
    const [one, other] = await nodes.open();
    near = one.engine.rateTokens;
    far = other.engine.rateTokens;
  });
  afterAll(() => nodes.stop());

  test("a bucket grants its burst, and says when the next token is there", async () => {
    const { id } = user();
    // A token in 100 seconds: none comes back meanwhile, however slow the machine is.
    expect(await near.take(id, 3, 0.01, 4)).toEqual({ granted: 3, retryAfterMs: 0 });
    const rest = await far.take(id, 3, 0.01, 4);
    expect(rest.granted).toBe(1);
    expect(rest.retryAfterMs).toBeGreaterThan(50_000);
    expect(rest.retryAfterMs).toBeLessThanOrEqual(100_000);
    expect((await near.take(id, 1, 0.01, 4)).granted).toBe(0);
  });

  test("an empty bucket grants what has come back, at the time that it said", async () => {
    const { id } = user();
    const began = performance.now();
    const { granted, retryAfterMs } = await near.take(id, 4, 2, 4);
    expect(granted).toBe(4);
    expect(retryAfterMs).toBeLessThanOrEqual(500);
    await holds(async () => (await far.take(id, 1, 2, 4)).granted === 1);
    expect(performance.now() - began).toBeGreaterThanOrEqual(500 - SLACK_MS);
  });

  test("a bucket never holds more than its burst, and buckets of two users are two", async () => {
    const [ada, bob] = [user().id, user().id];
    await near.take(ada, 1, 10_000, 5);
    await holds(async () => (await near.take(ada, 0, 10_000, 5)).retryAfterMs === 0);
    expect((await near.take(ada, 100, 10_000, 5)).granted).toBeLessThanOrEqual(5);
    expect((await near.take(bob, 100, 0.01, 7)).granted).toBe(7);
  });

  test("all nodes together are granted no more than the burst", async () => {
    const id = user().id;
    const takes = Array.from({ length: 100 }, (_, turn) => (turn % 2 === 0 ? near : far).take(id, 1, 0.01, 30));
    const granted = (await Promise.all(takes)).reduce((sum, take) => sum + take.granted, 0);
    expect(granted).toBe(30);
  });

  test("tokens come back at the rate, not faster", async () => {
    const id = user().id;
    const began = performance.now();
    let granted = (await near.take(id, 10, 200, 10)).granted;
    await holds(async () => {
      granted += (await near.take(id, 10, 200, 10)).granted;
      return granted >= 60;
    });
    expect(granted).toBeLessThanOrEqual(10 + (200 * (performance.now() - began)) / 1000);
  });
});
