/** The promises of `TypingStore`, held by every engine. */
import { randomUUID } from "node:crypto";
import type { TypingStore } from "@signalbox/core/ports/typing-store";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { engines, holds, type Nodes } from "./engine-nodes.ts";

// No promise here is about the limit of an answer: a call may take as long as a busy machine needs.
vi.mock("@signalbox/redis/connection", async (actual) => ({ ...(await actual<object>()), ANSWER_MS: 5_000 }));

describe.each(engines)("typing on the $name engine", ({ start }) => {
  let nodes: Nodes;
  let near: TypingStore;
  let far: TypingStore;

  beforeAll(async () => {
    nodes = await start();
    const [one, other] = await nodes.open();
    near = one.engine.typing;
    far = other.engine.typing;
  });
  afterAll(() => nodes.stop());

  const typists = async (id: string) => ((await far.list([id])).get(id) ?? []).map(({ userId }) => userId);
  /** Starts an entry, again until it is seen: a short one may be over before. */
  const begin = (id: string, userId: string, ttlMs: number) =>
    holds(async () => {
      near.start(id, userId, ttlMs);
      return (await typists(id)).includes(userId);
    });

  test("lists typists by room, each for as long as the entry lasts, and no room without any", async () => {
    const [busy, other, empty] = [randomUUID(), randomUUID(), randomUUID()];
    const began = Date.now();
    await begin(busy, "ada", 30_000);
    await begin(busy, "bob", 20_000);
    await begin(other, "ada", 10_000);
    const listed = await far.list([busy, other, empty]);
    expect(new Set(listed.keys())).toEqual(new Set([busy, other]));
    const [ada, bob, ...others] = [...listed.get(busy)!].sort((a, b) => b.remainingMs - a.remainingMs);
    expect([ada!.userId, bob!.userId, others]).toEqual(["ada", "bob", []]);
    expect(ada!.remainingMs).toBeGreaterThan(20_000);
    expect(ada!.remainingMs).toBeLessThanOrEqual(30_000);
    expect(bob!.remainingMs).toBeLessThanOrEqual(20_000);
    // The engine runs on this machine: its clock is ours.
    expect(ada!.startedAt).toBeGreaterThanOrEqual(began - 5);
    expect(ada!.startedAt).toBeLessThanOrEqual(Date.now() + 5);
  });

  test("a repeat prolongs the entry and keeps its start", async () => {
    const id = randomUUID();
    const typist = async () => (await far.list([id])).get(id)?.[0];
    await begin(id, "ada", 15_000);
    const first = await typist();
    await holds(async () => (await typist())!.remainingMs < first!.remainingMs - 20);
    near.start(id, "ada", 60_000);
    await holds(async () => (await typist())!.remainingMs > 15_000);
    expect(Math.abs((await typist())!.startedAt - first!.startedAt)).toBeLessThanOrEqual(1);
  });

  test("an entry that is removed is gone at once, one that ran out by itself, and a new one starts anew", async () => {
    const id = randomUUID();
    await begin(id, "ada", 60_000);
    await begin(id, "bob", 400);
    near.stop(id, "ada");
    near.stop(id, "eve");
    await holds(async () => !(await typists(id)).includes("ada"));
    const ended = Date.now();
    await holds(async () => (await typists(id)).length === 0);
    await begin(id, "bob", 60_000);
    expect((await far.list([id])).get(id)![0]!.startedAt).toBeGreaterThanOrEqual(ended - 5);
  });

  test("many rooms are asked in one call", async () => {
    const ids = Array.from({ length: 300 }, () => randomUUID());
    for (const id of ids) near.start(id, "ada", 60_000);
    await holds(async () => (await far.list(ids)).size === 300);
  });
});
