/** Nodes that are killed or stopped under load. */
import { randomUUID } from "node:crypto";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { busyRooms } from "../support/cluster/busy-rooms.ts";
import { expectKept } from "../support/cluster/load.ts";
import { Stage } from "../support/cluster/stage.ts";
import { ask } from "../support/http.ts";
import { until } from "../support/until.ts";
import type { Person } from "../support/world.ts";

const stage = new Stage();
beforeAll(() => stage.start());
afterAll(() => stage.stop());
afterEach(() => stage.mend());

/** Milliseconds in which all sessions resume. */
const RESUME_MS = 5000;

describe("a gateway that is killed", () => {
  test("loses no event: its sessions resume at the other, and all acknowledged sends are kept", async () => {
    const scene = await busyRooms(stage);
    const { chatIds, sessions, load } = scene;
    await stage.gateways[0]!.kill();
    await stage.allLive(sessions, RESUME_MS);
    await load.goesOn(20_000);
    await stage.complete(sessions, chatIds);
    await stage.replace(stage.gateways, 0);
    await stage.gateways[1]!.kill();
    await stage.allLive(sessions, RESUME_MS);
    await load.goesOn(20_000);
    await scene.ends();
    for (const { closings } of sessions) expect(closings.map(({ code }) => code)).toContain(1006);
  });

  test("leaves no typing indicator: the other gateways end it 4 s after the last refresh", async () => {
    const [typist, watcher] = (await stage.people(2)) as [Person, Person];
    const chatId = await typist.makesRoom(watcher);
    const [typing, watching] = [await stage.connects(typist, 0), await stage.connects(watcher, 1)];
    const typedAt = Date.now();
    await typing.asks({ type: "TYPING", chatId });
    await until(
      () => watching.signals.length === 1,
      1000,
      () => stage.report([watching], ["no TYPING"]),
    );
    await stage.gateways[0]!.kill();
    typing.close();
    await until(
      () => watching.signals.length === 2,
      6000,
      () => stage.report([watching], ["no STOP_TYPING"]),
    );
    expect(watching.signals.map(({ type }) => type)).toEqual(["TYPING", "STOP_TYPING"]);
    expect(watching.signals[1]!.at - typedAt).toBeGreaterThanOrEqual(3990);
    expect(watching.signals[1]!.at - typedAt).toBeLessThan(4500);
  });
});

describe("an API node that is killed in the middle of a burst", () => {
  test("has its commits delivered within 2 s, and repeats at the other node change nothing", async () => {
    const [author, near, far] = (await stage.people(3)) as [Person, Person, Person];
    const chatId = await author.makesRoom(near, far);
    const sessions = await Promise.all([stage.connects(near, 0), stage.connects(far, 1)]);
    const actions = Array.from({ length: 90 }, (_, index) => {
      return { type: "SEND_MSG", chatId, message: `message ${index}`, clientMessageId: randomUUID() };
    });
    let answered = 0;
    const burst = actions.map((action) =>
      stage.posts(0, author, action).then(
        ({ status }) => {
          answered += Number(status === 200);
        },
        () => {},
      ),
    );
    await until(
      () => answered >= 20,
      10_000,
      () => stage.report([], ["the burst did not begin"]),
    );
    await stage.apis[0]!.kill();
    await Promise.all(burst);
    await stage.complete(sessions, [chatId], 2000);
    const committed = (await stage.truth(chatId)).length - 1;
    expect(committed).toBeGreaterThanOrEqual(answered);
    const repeats = await Promise.all(actions.map((action) => stage.posts(1, author, action)));
    expect(new Set(repeats.map(({ status }) => status))).toEqual(new Set([200]));
    await stage.complete(sessions, [chatId], 2000);
    await stage.replace(stage.apis, 0);
    await expectKept(
      stage,
      author,
      repeats.map(({ text }) => JSON.parse(text).data),
    );
    expect(await stage.truth(chatId)).toHaveLength(1 + actions.length);
  });
});

describe("a gateway that is stopped", () => {
  test("turns unready, closes its sessions with 1012 over up to 5 s, and exits 0; no session misses an event", async () => {
    const scene = await busyRooms(stage);
    const { owner, sessions } = scene;
    const leaving = await Promise.all((await stage.people(20)).map((person) => stage.connects(person, 0)));
    leaving.push(...sessions.filter((_, index) => index % 2 === 0));
    const [gateway] = stage.gateways;
    expect((await ask(`${gateway!.url}/readyz`)).status).toBe(200);
    const stoppedAt = Date.now();
    const exit = gateway!.stop();
    await until(
      async () => (await ask(`${gateway!.url}/readyz`)).status === 503,
      1000,
      () => "still ready",
    );
    await expect(stage.connects(owner, 0)).resolves.toMatchObject({ live: true });
    expect(await exit).toBe(0);
    await stage.allLive(leaving, RESUME_MS);
    await scene.ends();
    const closings = leaving.map(({ closings: [first] }) => first!);
    expect(new Set(closings.map(({ code }) => code))).toEqual(new Set([1012]));
    const times = closings.map(({ at }) => at - stoppedAt).sort((a, b) => a - b);
    expect(times.at(-1)).toBeLessThan(6000);
    // Spread over the time: the median is neither early nor late.
    expect(times[Math.floor(times.length / 2)]).toBeGreaterThan(1500);
    expect(times[Math.floor(times.length / 2)]).toBeLessThan(3500);
  });
});
