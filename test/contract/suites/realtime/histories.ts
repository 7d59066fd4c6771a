/** CONTRACT sections 2 and 4: cursors name events by seq and mark; those of another history are reset. */
import { describe, expect, test } from "vitest";
import { cursorOf, diverged } from "../../../support/cursors.ts";
import { range } from "../../../support/lists.ts";
import { snapshotOf, stateOf } from "../../../support/queries.ts";
import type { World } from "../../../support/world.ts";
import { endOf } from "../../support/cursors.ts";

export function histories(world: World): void {
  describe("a cursor", () => places(world));
  describe("a cursor with another mark", () => otherMarks(world));
}

function places(world: World): void {
  test("is the same in READY, a snapshot, the state, the list of rooms, and as the id of a stream's event", async () => {
    const { alice, bob, chatId } = await world.chat();
    const stream = await bob.streams(chatId, 1);
    await alice.says(chatId, "first");
    const last = await alice.says(chatId, "last");
    const cursor = cursorOf(last);
    await stream.reaches(3);
    expect(stream.cursors.at(-1)).toBe(cursor);
    expect(stream.events.at(-1)?.lastEventId).toBe(cursor);
    for (const door of [0, 1] as const)
      expect((await bob.connects(door, "?resume=1")).frames[0]?.rooms).toEqual({ [chatId]: cursor });
    expect((await snapshotOf(bob, chatId)).cursor).toBe(cursor);
    expect((await stateOf(bob, chatId)).cursor).toBe(cursor);
    expect((await bob.rooms()).data[0]?.cursor).toBe(cursor);
    expect(await endOf(bob, chatId)).toBe(cursor);
  });

  test("with its mark, as a text of its seq, and as a seq begins at the same event, by RESUME and Last-Event-ID", async () => {
    const { alice, bob, chatId } = await world.chat();
    const sent = await alice.says(chatId, "first");
    for (const message of ["second", "third"]) await alice.says(chatId, message);
    for (const from of [cursorOf(sent), "2", 2]) {
      const client = await bob.resumes(1, { [chatId]: from });
      expect(client.seqs(chatId)).toEqual([3, 4]);
      expect(client.of("RESET")).toEqual([]);
    }
    for (const from of [cursorOf(sent), "2"]) {
      const headers = { "last-event-id": from };
      const stream = await world.opensStream(chatId, 0, { token: bob.token, headers });
      await stream.reaches(4);
      expect(stream.ids).toEqual([3, 4]);
      expect(stream.of("reset")).toEqual([]);
    }
    const whole = await bob.resumes(0, { [chatId]: "0-00000000" });
    expect(whole.seqs(chatId)).toEqual(range(1, 4));
  });

  test("of the end has nothing after it, and is live", async () => {
    const { alice, bob, chatId } = await world.chat();
    const cursor = cursorOf(await alice.says(chatId, "the end"));
    const client = await bob.resumes(1, { [chatId]: cursor });
    expect(client.events(chatId)).toEqual([]);
    await client.receives({ seq: (await alice.says(chatId, "live")).seq });
    expect(client.seqs(chatId)).toEqual([3]);
    expect(client.of("RESET")).toEqual([]);
  });
}

function otherMarks(world: World): void {
  /** The seq of the cursor in a room whose last seq is 4. */
  const depths = [
    ["within the room", 3],
    ["at its end", 4],
    ["beyond its end", 9],
  ] as const;

  test.each(depths)("%s: RESUME gets a reset, diverged, with the room's cursor, and is live", async (_, seq) => {
    const { alice, bob, chatId } = await world.chat();
    const sent = [];
    for (const message of ["first", "second", "third"]) sent.push(await alice.says(chatId, message));
    const last = sent.at(-1)!;
    const cursor = diverged(cursorOf({ seq, mark: (sent.find((event) => event.seq === seq) ?? last).mark }));
    const clients = [await bob.resumes(0, { [chatId]: cursor }), await bob.resumes(1, { [chatId]: cursor })];
    const live = await alice.says(chatId, "live");
    for (const client of clients) {
      await client.receives({ messageId: live.messageId });
      expect(client.of("RESET")).toStrictEqual([
        { type: "RESET", chatId, reason: "diverged", seq: 4, cursor: cursorOf(last) },
      ]);
      expect(client.seqs(chatId)).toEqual([5]);
    }
  });

  test.each(depths)("%s: a stream gets a reset, diverged, with the room's cursor, and is live", async (_, seq) => {
    const { alice, bob, chatId } = await world.chat();
    const sent = [];
    for (const message of ["first", "second", "third"]) sent.push(await alice.says(chatId, message));
    const last = sent.at(-1)!;
    const cursor = diverged(cursorOf({ seq, mark: (sent.find((event) => event.seq === seq) ?? last).mark }));
    const { token } = bob;
    const streams = [
      await world.opensStream(chatId, 0, { token, headers: { "last-event-id": cursor } }),
      await world.opensStream(chatId, 1, { token, query: `?last_event_id=${cursor}` }),
    ];
    for (const stream of streams)
      expect(await stream.receives("reset")).toStrictEqual({ reason: "diverged", cursor: cursorOf(last) });
    const live = await alice.says(chatId, "live");
    for (const stream of streams) {
      await stream.receives("message", { id: `msg-${live.messageId}` });
      expect(stream.of("reset")).toHaveLength(1);
      expect(stream.cursors.at(-1)).toBe(cursorOf(live));
      expect(stream.of("message")).toHaveLength(1);
    }
  });

  test("in one room leaves the resume of others as it is", async () => {
    const { alice, bob, chatId } = await world.chat();
    const other = await alice.makesRoom(bob);
    const [first, second] = [await alice.says(chatId, "first"), await alice.says(other, "second")];
    await alice.says(other, "third");
    const client = await bob.resumes(1, { [chatId]: diverged(cursorOf(first)), [other]: cursorOf(second) });
    expect(client.of("RESET")).toMatchObject([{ chatId, reason: "diverged", cursor: cursorOf(first) }]);
    expect(client.seqs(other)).toEqual([3]);
    expect(client.seqs(chatId)).toEqual([]);
  });
}
