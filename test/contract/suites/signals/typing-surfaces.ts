/** CONTRACT sections 4 to 6: typing, from every surface to every surface. */
import { describe, expect, test } from "vitest";
import { dataOf, jsonOf } from "../../../support/http.ts";
import { conversation, memberOf, snapshotOf, stateOf, typistsOf } from "../../../support/queries.ts";
import { passed } from "../../../support/until.ts";
import type { Person, World } from "../../../support/world.ts";
import { ANY_TIME } from "../../support/shapes.ts";

/** Starts or stops typing on one surface. Fails unless the answer is that of the source document. */
type Surface = (person: Person, chatId: string, typing: boolean) => Promise<void>;

const SURFACES: Readonly<Record<string, Surface>> = {
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

export function typingSurfaces(world: World): void {
  describe("typing", () => {
    test.each(Object.entries(SURFACES))("by %s reaches every surface until it ends by the same", (_, surface) =>
      reachesEverySurface(world, surface),
    );

    test("is taken as in the source document, with the Content-Type of curl", async () => {
      const { alice, bob, chatId } = await world.chat();
      const bobs = await bob.connects(1);
      const body = `{"room_id": "room-${chatId}", "typing": true}`;
      dataOf(await alice.asks("PUT", "/v1/typing", body, { "content-type": "application/x-www-form-urlencoded" }));
      await bobs.receives({ type: "TYPING", chatId, senderId: alice.id });
    });

    test("ends on a stream as well when the user's message arrives", async () => {
      const { alice, bob, chatId } = await world.chat();
      const stream = await bob.streams(chatId, 1);
      await alice.acts({ type: "TYPING", chatId });
      await stream.receives("typing", { user_id: alice.id, typing: true });
      await alice.says(chatId, "written");
      await stream.receives("typing", { user_id: alice.id, typing: false });
      expect(await typistsOf(bob, chatId)).toEqual([]);
      expect(stream.of("typing").map(({ typing }) => typing)).toEqual([true, false]);
    });

    test("ends at once with the user's last session, and not before", async () => {
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

async function reachesEverySurface(world: World, surface: Surface): Promise<void> {
  const { alice, bob, chatId } = await world.chat();
  const sockets = await Promise.all([alice.connects(0), bob.connects(0), bob.connects(1)]);
  const streams = await Promise.all([alice.streams(chatId, 1), bob.streams(chatId, 0), bob.streams(chatId, 1)]);
  const asked = Date.now();
  await surface(alice, chatId, true);
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

  await surface(alice, chatId, false);
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

/** Tests that wait for seconds; they run beside each other. */
export function typingSurfacesOverTime(world: World): void {
  test.concurrent("typing on any surface ends on every surface 4 s after its last refresh, once", async () => {
    const { alice, bob, chatId } = await world.chat();
    const typists = await Promise.all(
      Object.values(SURFACES).map(async (surface) => ({ surface, user: await world.person() })),
    );
    for (const { user } of typists) await alice.adds(chatId, user);
    const [near, far, stream] = await Promise.all([bob.connects(0), bob.connects(1), bob.streams(chatId, 1)]);
    for (const { surface, user } of typists) await surface(user, chatId, true);
    for (const { user } of typists) await far.receives({ type: "TYPING", senderId: user.id });
    // A part of the time passes, so that an end counted from the start would come too early.
    await passed(Date.now(), 1500);
    // A new stream gets the remaining time, not the whole.
    const late = await bob.streams(chatId, 0);
    for (const { user } of typists) {
      const { expires_in_ms } = await late.receives("typing", { user_id: user.id, typing: true });
      expect(expires_in_ms).toBeLessThanOrEqual(2600);
    }
    await Promise.all(
      typists.map(async ({ surface, user }) => {
        const asked = Date.now();
        await surface(user, chatId, true);
        const taken = Date.now();
        await Promise.all([
          near.receives({ type: "STOP_TYPING", senderId: user.id }),
          far.receives({ type: "STOP_TYPING", senderId: user.id }),
          stream.receives("typing", { user_id: user.id, typing: false }),
        ]);
        expect(Date.now() - asked).toBeGreaterThanOrEqual(3990);
        expect(Date.now() - taken).toBeLessThan(4500);
        expect((await typistsOf(bob, chatId)).map(({ user_id }) => user_id)).not.toContain(user.id);
        expect((await memberOf(bob, chatId, user))?.typing).toBe(false);
      }),
    );
    for (const { user } of typists) {
      const isTheirs = ({ senderId }: { senderId: string }) => senderId === user.id;
      for (const socket of [near, far]) {
        expect(socket.of("TYPING").filter(isTheirs)).toHaveLength(1);
        expect(socket.of("STOP_TYPING").filter(isTheirs)).toHaveLength(1);
      }
      const told = stream.of("typing").filter(({ user_id }) => user_id === user.id);
      expect(told.map(({ typing }) => typing)).toEqual([true, false]);
    }
  });
}
