/** The promises of `Tickets`, held by every engine. */
import { randomUUID } from "node:crypto";
import type { Tickets } from "@signalbox/core/ports/tickets";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { engines, holds, type Nodes } from "./engine-nodes.ts";

// No promise here is about the limit of an answer: a call may take as long as a busy machine needs.
vi.mock("@signalbox/redis/connection", async (actual) => ({ ...(await actual<object>()), ANSWER_MS: 5_000 }));

describe.each(engines)("tickets on the $name engine", ({ start }) => {
  let nodes: Nodes;
  let near: Tickets;
  let far: Tickets;

  beforeAll(async () => {
    nodes = await start();
    const [one, other] = await nodes.open();
    near = one.engine.tickets;
    far = other.engine.tickets;
  });
  afterAll(() => nodes.stop());

  test("what is kept under a ticket is handed out once, on any node", async () => {
    const ticket = randomUUID();
    const content = JSON.stringify({ userId: "ada", name: "Ada Löwe 🦁", text: 'a "quote"\n' });
    await near.put(ticket, content, 60_000);
    expect(await far.take(ticket)).toBe(content);
    expect(await far.take(ticket)).toBeNull();
    expect(await near.take(ticket)).toBeNull();
  });

  test("of many that take a ticket, one gets it", async () => {
    const ticket = randomUUID();
    await near.put(ticket, "content", 60_000);
    const takes = Array.from({ length: 20 }, (_, turn) => (turn % 2 === 0 ? near : far).take(ticket));
    expect((await Promise.all(takes)).filter((taken) => taken !== null)).toEqual(["content"]);
  });

  test("an unknown ticket holds nothing, and neither does one that ran out", async () => {
    expect(await far.take(randomUUID())).toBeNull();
    const [spent, running] = [randomUUID(), randomUUID()];
    await near.put(running, "content", 60_000);
    await near.put(spent, "content", 1);
    const began = performance.now();
    await holds(() => performance.now() - began > 5);
    expect(await far.take(spent)).toBeNull();
    expect(await far.take(running)).toBe("content");
  });
});
