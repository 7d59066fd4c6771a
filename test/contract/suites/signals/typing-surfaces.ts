/** CONTRACT sections 4 to 6: typing, from every door to every door. */
import { describe, expect, test } from "vitest";
import { dataOf, jsonOf } from "../../../support/http.ts";
import { conversation, memberOf, snapshotOf, stateOf, typistsOf } from "../../../support/queries.ts";
import type { Person, World } from "../../../support/world.ts";
import { ANY_TIME } from "../../support/shapes.ts";

/** Types, or stops typing, by one door, and holds the answer to that of the source document. */
type Door = (person: Person, chatId: string, typing: boolean) => Promise<void>;

const DOORS: Readonly<Record<string, Door>> = {
  async "PUT /v1/typing"(person, chatId, typing) {
    const asked = Date.now();
    const answer = await person.asks("PUT", "/v1/typing", { room_id: `room-${chatId}`, typing });
    const { expires_at } = dataOf<{ expires_at: string }>(answer);
    expect(jsonOf(answer)).toStrictEqual({ data: { room_id: chatId, typing, expires_at: typing ? ANY_TIME : null } });
    if (typing) expect(Math.abs(Date.parse(expires_at) - asked - 4000)).toBeLessThan(1000);
  },
  async "POST …/typing"(person, chatId, typing) {
    const answer = await person.asks("POST", `${conversation(`room-${chatId}`)}/typing`, { typing });
    expect(answer.status, answer.text).toBe(200);
    expect(jsonOf(answer)).toStrictEqual({ message: "Typing indicator sent." });
  },
  async "a frame"(person, chatId, typing) {
    const client = await person.connects(1);
    await client.acts({ type: typing ? "TYPING" : "STOP_TYPING", chatId });
  },
};

export function typingDoors(world: World): void {
  describe("typing", () => {
    test.each(Object.entries(DOORS))("by %s is seen at every door until it ends by the same", (_, door) =>
      reachesEveryDoor(world, door),
    );

    test("is said as the source document says it, with the Content-Type that curl makes up", async () => {
      const { alice, bob, chatId } = await world.chat();
      const bobs = await bob.connects(1);
      const body = `{"room_id": "room-${chatId}", "typing": true}`;
      dataOf(await alice.asks("PUT", "/v1/typing", body, { "content-type": "application/x-www-form-urlencoded" }));
      await bobs.receives({ type: "TYPING", chatId, senderId: alice.id });
    });

    test("ends on a stream, too, when their message arrives", async () => {
      const { alice, bob, chatId } = await world.chat();
      const stream = await bob.streams(chatId, 1);
      await alice.acts({ type: "TYPING", chatId });
      await stream.receives("typing", { user_id: alice.id, typing: true });
      await alice.says(chatId, "written");
      await stream.receives("typing", { user_id: alice.id, typing: false });
      expect(await typistsOf(bob, chatId)).toEqual([]);
      expect(stream.of("typing").map(({ typing }) => typing)).toEqual([true, false]);
    });

    test("of somebody whose last session goes ends at once, not while another session is open", async () => {
      const { alice, bob, chatId } = await world.chat();
      const [phone, laptop, bobs] = await Promise.all([alice.connects(0), alice.streams(chatId, 1), bob.connects(1)]);
      await phone.acts({ type: "TYPING", chatId });
      await bobs.receives({ type: "TYPING", senderId: alice.id });
      phone.close();
      await phone.closed;
      await bob.acts({ type: "TYPING", chatId });
      await bobs.receives({ type: "TYPING", senderId: bob.id });
      expect(bobs.of("STOP_TYPING")).toEqual([]);
      const since = Date.now();
      laptop.close();
      await bobs.receives({ type: "STOP_TYPING", senderId: alice.id });
      expect(Date.now() - since).toBeLessThan(2000);
      expect((await typistsOf(bob, chatId)).map(({ user_id }) => user_id)).not.toContain(alice.id);
    });
  });
}

async function reachesEveryDoor(world: World, door: Door): Promise<void> {
  const { alice, bob, chatId } = await world.chat();
  const sockets = await Promise.all([alice.connects(0), bob.connects(0), bob.connects(1)]);
  const streams = await Promise.all([alice.streams(chatId, 1), bob.streams(chatId, 0), bob.streams(chatId, 1)]);
  const asked = Date.now();
  await door(alice, chatId, true);
  for (const socket of sockets) await socket.receives({ type: "TYPING", chatId, senderId: alice.id });
  for (const stream of streams) {
    const started = await stream.receives("typing");
    expect(started).toStrictEqual({ user_id: alice.id, typing: true, expires_in_ms: expect.any(Number) });
    expect(started.expires_in_ms).toBeGreaterThan(3000);
    expect(started.expires_in_ms).toBeLessThanOrEqual(4000);
  }
  const [typist, ...others] = await typistsOf(bob, chatId);
  expect(others).toEqual([]);
  expect(typist).toMatchObject({ user_id: alice.id, started_at: ANY_TIME });
  expect(Math.abs(Date.parse(typist!.started_at) - asked)).toBeLessThan(1500);
  const { typing } = await snapshotOf(bob, chatId);
  expect(typing).toStrictEqual([{ user_id: alice.id, started_at: typist!.started_at, expires_at: ANY_TIME }]);
  expect(Math.abs(Date.parse(typing[0]!.expires_at) - asked - 4000)).toBeLessThan(1500);
  const { members } = await stateOf(bob, chatId);
  for (const { user_id, typing } of members) expect(typing).toBe(user_id === alice.id);

  await door(alice, chatId, false);
  for (const socket of sockets)
    expect(await socket.receives({ type: "STOP_TYPING" })).toStrictEqual({
      type: "STOP_TYPING",
      chatId,
      senderId: alice.id,
    });
  for (const stream of streams)
    expect(await stream.receives("typing", { typing: false })).toStrictEqual({
      user_id: alice.id,
      typing: false,
      expires_in_ms: 0,
    });
  expect(await typistsOf(bob, chatId)).toEqual([]);
  expect((await snapshotOf(alice, chatId)).typing).toEqual([]);
  expect((await memberOf(bob, chatId, alice))?.typing).toBe(false);
  for (const socket of sockets) expect(socket.of("TYPING")).toHaveLength(1);
}

/** What takes seconds by its nature; this test runs beside others. */
export function typingDoorsPatience(world: World): void {
  test.concurrent("typing by any door ends at every door 4 s after its last refresh, once", async () => {
    const { alice, bob, chatId } = await world.chat();
    const typists = await Promise.all(Object.values(DOORS).map(async (door) => ({ door, who: await world.person() })));
    for (const { who } of typists) await alice.adds(chatId, who);
    const [near, far, stream] = await Promise.all([bob.connects(0), bob.connects(1), bob.streams(chatId, 1)]);
    for (const { door, who } of typists) await door(who, chatId, true);
    for (const { who } of typists) await far.receives({ type: "TYPING", senderId: who.id });
    // A part of the first ones' time goes by, so that an end counted from there would come too early.
    await new Promise((resolve) => setTimeout(resolve, 1500));
    // Whoever comes now is told who types, and how long for: not from the beginning again.
    const late = await bob.streams(chatId, 0);
    for (const { who } of typists) {
      const { expires_in_ms } = await late.receives("typing", { user_id: who.id, typing: true });
      expect(expires_in_ms).toBeLessThanOrEqual(2600);
    }
    await Promise.all(
      typists.map(async ({ door, who }) => {
        const asked = Date.now();
        await door(who, chatId, true);
        const taken = Date.now();
        await Promise.all([
          near.receives({ type: "STOP_TYPING", senderId: who.id }),
          far.receives({ type: "STOP_TYPING", senderId: who.id }),
          stream.receives("typing", { user_id: who.id, typing: false }),
        ]);
        expect(Date.now() - asked).toBeGreaterThanOrEqual(3990);
        expect(Date.now() - taken).toBeLessThan(4500);
        expect((await typistsOf(bob, chatId)).map(({ user_id }) => user_id)).not.toContain(who.id);
        expect((await memberOf(bob, chatId, who))?.typing).toBe(false);
      }),
    );
    for (const { who } of typists) {
      const isTheirs = ({ senderId }: { senderId: string }) => senderId === who.id;
      for (const socket of [near, far]) {
        expect(socket.of("TYPING").filter(isTheirs)).toHaveLength(1);
        expect(socket.of("STOP_TYPING").filter(isTheirs)).toHaveLength(1);
      }
      const told = stream.of("typing").filter(({ user_id }) => user_id === who.id);
      expect(told.map(({ typing }) => typing)).toEqual([true, false]);
    }
  });
}
