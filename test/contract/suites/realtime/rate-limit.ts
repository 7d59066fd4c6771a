/** CONTRACT section 4, "Rate": 50 actions a second with bursts of 200 per user, over all nodes. */
import { describe, expect, test } from "vitest";
import { expectProblem } from "../../../support/http.ts";
import { times } from "../../../support/lists.ts";
import type { Client, Frame } from "../../../support/socket-client.ts";
import { passed } from "../../../support/until.ts";
import type { World } from "../../../support/world.ts";

const RATE = 50;
const BURST = 200;

/** Sends `count` numbered messages at once; resolves with their answers, in that order. */
async function bursts(client: Client, chatId: string, count: number): Promise<readonly Frame[]> {
  for (let ref = 0; ref < count; ref++) client.send({ type: "SEND_MSG", chatId, message: `message ${ref}`, ref });
  const isAnswer = ({ type }: Frame) => type === "ACK" || type === "ERROR";
  let left = count;
  await client.receives((frame) => isAnswer(frame) && --left === 0, 30_000);
  return client.frames.filter(isAnswer).sort((a, b) => Number(a.ref) - Number(b.ref));
}

/** Fails when the limit permits fewer in the time since `since` (milliseconds since the epoch). */
function expectWithinLimit(granted: number, since: number): void {
  expect(granted).toBeGreaterThanOrEqual(BURST);
  expect(granted).toBeLessThanOrEqual(BURST + (RATE * (Date.now() - since)) / 1000 + 1);
}

export function rateLimit(world: World): void {
  describe("the rate limit", () => {
    limited(world);
    unlimited(world);
  });
}

function limited(world: World): void {
  test("refuses the excess on a socket, with retryAfterMs, and passes the rest in order", async () => {
    const { alice, bob, chatId } = await world.chat();
    const [phone, bobs] = await Promise.all([alice.connects(0), bob.connects(1)]);
    const since = Date.now();
    const answers = await bursts(phone, chatId, 300);
    const through = answers.filter(({ type }) => type === "ACK");
    // Making the room was one action.
    expectWithinLimit(through.length + 1, since);
    const refused = answers.filter(({ type }) => type === "ERROR");
    expect(refused.length).toBeGreaterThan(0);
    for (const error of refused) {
      expect(error).toMatchObject({ code: "rate_limited", retryAfterMs: expect.any(Number) });
      expect(error.retryAfterMs).toBeGreaterThan(0);
    }
    const seqs = through.map(({ data }) => data.seq);
    expect(seqs).toEqual([...seqs].sort((a, b) => a - b));
    await bobs.receives({ messageId: through.at(-1)!.data.messageId });
    expect(bobs.of("SEND_MSG").map(({ messageId }) => messageId)).toEqual(through.map(({ data }) => data.messageId));
  });

  test("is shared by all nodes, and answers 429 with Retry-After over REST", async () => {
    const { alice, chatId } = await world.chat();
    const [near, far] = await Promise.all([alice.connects(0), alice.connects(1)]);
    const since = Date.now();
    // Making the room was one action.
    let granted = 1;
    const post = async () => {
      const answer = await alice.posts({ type: "READ_MSG", chatId, messageId: chatId });
      if (answer.status !== 429) return void granted++;
      expect(expectProblem(answer, "rate_limited")).toMatchObject({ code: "rate_limited" });
      expect(Number(answer.headers.get("retry-after"))).toBeGreaterThanOrEqual(1);
    };
    const answers = await Promise.all([bursts(near, chatId, 150), bursts(far, chatId, 150), times(150, post)]);
    granted += answers[0].concat(answers[1]).filter(({ type }) => type === "ACK").length;
    expectWithinLimit(granted, since);
  });

  test("is per user: others are not limited, and the user may act again after retryAfterMs", async () => {
    const { alice, bob, chatId } = await world.chat();
    const phone = await alice.connects();
    const answers = await bursts(phone, chatId, 250);
    await bob.says(chatId, "not limited");
    const { retryAfterMs } = answers.find(({ type }) => type === "ERROR")!;
    await passed(Date.now(), retryAfterMs + 50);
    await phone.acts({ type: "SEND_MSG", chatId, message: "again" });
  });

  test("counts neither PING nor ACTIVE", async () => {
    const phone = await (await world.person()).connects();
    for (let count = 0; count < 400; count++) phone.send({ type: count % 2 === 0 ? "PING" : "ACTIVE" });
    await phone.settled();
    expect(phone.of("PONG")).toHaveLength(201);
    expect(phone.of("ERROR")).toEqual([]);
  });

  test("holds against 10,000 actions in one burst, while another session is answered quickly", async () => {
    const { alice, bob, chatId } = await world.chat();
    const [phone, bobs] = await Promise.all([alice.connects(0), bob.connects(0)]);
    const answers = bursts(phone, chatId, 10_000);
    const waits: number[] = [];
    for (let ping = 0; ping < 10; ping++) {
      const since = performance.now();
      await bobs.settled();
      waits.push(performance.now() - since);
    }
    expect(Math.max(...waits)).toBeLessThan(1000);
    const granted = (await answers).filter(({ type }) => type === "ACK").length;
    expect(granted).toBeGreaterThanOrEqual(BURST - 1);
    expect(granted).toBeLessThan(1000);
    await phone.settled();
  });
}

function unlimited(world: World): void {
  test("does not apply to a service, which may act on any room", async () => {
    const [service, { alice, chatId }] = [await world.service(), await world.chat()];
    const socket = await service.connects(1);
    const answers = await bursts(socket, chatId, 500);
    expect(answers.filter(({ type }) => type === "ACK")).toHaveLength(500);
    const { messageId } = await alice.says(chatId, "alice's");
    expect((await service.acts({ type: "DELETE_MSG", chatId, messageId })).senderId).toBe(service.id);
    const history = await service.history(chatId, "?limit=2");
    expect(history[0]).toMatchObject({ messageId, deleted: true });
  });
}

/** Tests that wait for seconds; they run beside each other. */
export function rateLimitOverTime(world: World): void {
  test.concurrent("a socket that exceeds it for 10 s is closed with 4029", async () => {
    const { alice, chatId } = await world.chat();
    const phone = await alice.connects();
    const since = Date.now();
    const going = setInterval(() => {
      for (let count = 0; count < 30; count++) phone.send({ type: "READ_MSG", chatId, messageId: chatId });
    }, 150);
    const { code, at } = await phone.closed;
    clearInterval(going);
    expect(code).toBe(4029);
    expect(at - since).toBeGreaterThan(9500);
    expect(at - since).toBeLessThan(15_000);
  });
}
