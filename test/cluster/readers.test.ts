/** Readers that are slow, far behind, in very many rooms, or very many at once. */
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

/** The number of sessions that the first gateway has closed as too slow. */
async function closedAsSlow(): Promise<number> {
  const { text } = await ask(`${stage.gateways[0]!.url}/metrics`);
  return Number(/^\S*closed\S*\{code="4001"\} (\d+)/m.exec(text)?.[1] ?? 0);
}

/** Has a service, which no rate limits, send `count` messages to each room; resolves when all are acknowledged. */
async function fill(service: ResumingClient, chatIds: readonly string[], count: number, bytes: number): Promise<void> {
  const message = "x".repeat(bytes);
  const rounds = Array.from({ length: count }, () => chatIds).flat();
  const answers = await Promise.all(rounds.map((chatId) => service.asks({ type: "SEND_MSG", chatId, message })));
  expect(answers.filter(({ type }) => type !== "ACK")).toEqual([]);
}

describe("a session", () => {
  test("that stops reading is closed and resumes without a loss, and no other waits for it", async () => {
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
    expect(Math.max(...delays), "the others' wait for 20 messages of 30 KB, in milliseconds").toBeLessThan(2000);
    stalled.readOn();
    await until(
      () => stalled.closings.length > 0 && stalled.live,
      10_000,
      () => stage.report([stalled], []),
    );
    // 4001 when it read the close frame within a second; otherwise the connection was cut.
    expect([4001, 1006]).toContain(stalled.closings[0]!.code);
    await stage.complete([stalled, ...others], [chatId]);
    for (const { closings } of others) expect(closings).toEqual([]);
  });

  test("that is 10,000 events behind and reads slowly catches up, while the room is written to", async () => {
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
    // Short reads and longer pauses: slower than the replay, and never fast enough to empty the socket.
    for (let breath = 0; breath < 15; breath++) {
      await pause(20);
      session.stopReading();
      await pause(80);
      session.readOn();
    }
    await stage.allLive([session], 20_000);
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
    await stage.allLive([session], 10_000);
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
    await stage.allLive(sessions, 20_000);
    await stage.complete(sessions, [chatId]);
    expect(Date.now() - resumedAt).toBeLessThan(10_000);
  });
});
