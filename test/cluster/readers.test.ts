/** Readers who are slow, far behind, in very many rooms, or very many at once. */
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { ResumingClient } from "../support/cluster/resuming-client.ts";
import { Stage } from "../support/cluster/stage.ts";
import { ask } from "../support/http.ts";
import { until } from "../support/until.ts";
import type { Person } from "../support/world.ts";

const stage = new Stage();
beforeAll(() => stage.start());
afterAll(() => stage.stop());
afterEach(() => stage.mend());

/** How many sessions the first gateway has closed because they read too slowly. */
async function closedAsSlow(): Promise<number> {
  const { text } = await ask(`${stage.gateways[0]!.url}/metrics`);
  return Number(/^\S*closed\S*\{code="4001"\} (\d+)/m.exec(text)?.[1] ?? 0);
}

/** Has a service, whom no rate holds up, send `count` messages to each room; resolves when all are acknowledged. */
async function fill(service: ResumingClient, chatIds: readonly string[], count: number, bytes: number): Promise<void> {
  const message = "x".repeat(bytes);
  const rounds = Array.from({ length: count }, () => chatIds).flat();
  const answers = await Promise.all(rounds.map((chatId) => service.asks({ type: "SEND_MSG", chatId, message })));
  expect(answers.filter(({ type }) => type !== "ACK")).toEqual([]);
}

const everyLive = (clients: readonly ResumingClient[], ms: number) =>
  until(
    () => clients.every(({ live }) => live),
    ms,
    () =>
      stage.report(
        clients.filter(({ live }) => !live),
        ["not all are live"],
      ),
  );

describe("a session", () => {
  test("that stops reading is ended and resumes with nothing lost, and nobody else waits for it", async () => {
    const [author, slow, near, far] = (await stage.people(4)) as [Person, Person, Person, Person];
    const chatId = await author.makesRoom(slow, near, far);
    const service = await stage.connects(await stage.service(), 1, "the author's session");
    const stalled = await stage.connects(slow, 0, "the slow session");
    const others = await Promise.all([stage.connects(near, 0), stage.connects(far, 1)]);
    const before = await closedAsSlow();
    stalled.stopReading();
    const delays: number[] = [];
    for (let sent = 0; (await closedAsSlow()) === before; sent += 20) {
      expect(sent, "messages, and the slow session is still there").toBeLessThan(1500);
      const sentAt = Date.now();
      await fill(service, [chatId], 20, 30_000);
      await stage.complete(others, [chatId]);
      delays.push(Date.now() - sentAt);
    }
    expect(Math.max(...delays), "what others waited for 20 messages of 30 KB, in milliseconds").toBeLessThan(2000);
    stalled.readOn();
    await until(
      () => stalled.closings.length > 0 && stalled.live,
      10_000,
      () => stage.report([stalled], []),
    );
    // 4001 when it came so far as to read its close frame within a second, else the connection was cut.
    expect([4001, 1006]).toContain(stalled.closings[0]!.code);
    await stage.complete([stalled, ...others], [chatId]);
    for (const { closings } of others) expect(closings).toEqual([]);
  });

  test("that is 10,000 events behind and reads slowly is brought to the present, while the room goes on", async () => {
    const [author, reader] = (await stage.people(2)) as [Person, Person];
    const chatId = await author.makesRoom(reader);
    const service = await stage.connects(await stage.service(), 1, "the author's session");
    const session = await stage.connects(reader, 0);
    session.drop();
    await fill(service, [chatId], 10_000, 1000);
    session.reconnect();
    let going: boolean = true;
    const goingOn = (async () => {
      while (going) await Promise.all([fill(service, [chatId], 1, 1000), pause(20)]);
    })();
    // It reads for a moment, then not: slower than the replay could be, and never fast enough to empty its socket.
    for (let breath = 0; breath < 15; breath++) {
      await pause(20);
      session.stopReading();
      await pause(80);
      session.readOn();
    }
    await everyLive([session], 20_000);
    going = false;
    await goingOn;
    await stage.complete([session], [chatId]);
    expect(session.closings).toHaveLength(1);
    expect(session.resets).toEqual([]);
  });

  test("in 1,400 rooms resumes all of them", async () => {
    const [owner, person] = [await stage.service(), await stage.person()];
    const chatIds: string[] = [];
    for (let made = 0; made < 1400; made += 100)
      chatIds.push(...(await Promise.all(Array.from({ length: 100 }, () => owner.makesRoom(person)))));
    const service = await stage.connects(owner, 1, "the author's session");
    const session = await stage.connects(person, 0);
    session.drop();
    await fill(service, chatIds, 2, 10);
    const resumedAt = Date.now();
    session.reconnect();
    await everyLive([session], 10_000);
    expect(Date.now() - resumedAt).toBeLessThan(5000);
    expect(chatIds.filter((chatId) => session.cursor(chatId) !== 3)).toEqual([]);
    await stage.complete([session], chatIds.slice(0, 50));
    expect(session.faults).toEqual([]);
  });
});

describe("five hundred sessions of one room", () => {
  test("resume all at once", async () => {
    const people = await stage.people(500);
    const [owner, ...others] = people as [Person, ...Person[]];
    const chatId = await owner.makesRoom(...others);
    const sessions: ResumingClient[] = [];
    for (let at = 0; at < people.length; at += 50)
      sessions.push(
        ...(await Promise.all(people.slice(at, at + 50).map((each, index) => stage.connects(each, index % 2)))),
      );
    const service = await stage.connects(await stage.service(), 1, "the author's session");
    for (const session of sessions) session.drop();
    await fill(service, [chatId], 100, 100);
    const resumedAt = Date.now();
    for (const session of sessions) session.reconnect();
    await everyLive(sessions, 20_000);
    await stage.complete(sessions, [chatId]);
    expect(Date.now() - resumedAt).toBeLessThan(10_000);
  });
});
