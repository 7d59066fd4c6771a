/** Reads of rooms and users, and of receipts that a session may have missed; and pruning. */
import { randomUUID } from "node:crypto";
import type { Store } from "@signalbox/core/ports/store";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { change, createRoom, deleteRoom, HOUR_MS, leave, newUser, react, read, remove, send } from "./store-rows.ts";
import { type StoreUnderTest, stores } from "./stores.ts";

describe.each(stores)("the store $name", ({ start }) => {
  let stage: StoreUnderTest;
  let store: Store;

  beforeAll(async () => {
    stage = await start();
    ({ store } = stage);
  });
  afterAll(() => stage.stop());

  describe("reading rooms", () => {
    test("`roomsOf` names the rooms that stand and that one is a member of now", async () => {
      const user = randomUUID();
      const [stays, left, deleted] = await Promise.all([1, 2, 3].map(() => createRoom(store, ["ada", user])));
      await send(store, stays!);
      await leave(store, left!, user);
      await deleteRoom(store, deleted!);
      const headFrom = (from: number): unknown => expect.objectContaining({ seq: 2, mark: 2, from });
      const head = headFrom(0);
      expect(await store.roomsOf(user)).toEqual(new Map([[stays, head]]));
      const asked = [stays!, left!, deleted!, randomUUID()];
      expect(await store.resumable(user, asked)).toEqual(
        new Map([
          [stays, head],
          [deleted, headFrom(1)],
        ]),
      );
      const member = await Promise.all(asked.map((room) => store.headOf(room, user, false)));
      expect(member).toEqual([head, null, null, null]);
      const service = await Promise.all(asked.map((room) => store.headOf(room, "backend", true)));
      expect(service).toEqual([head, head, null, null]);
    });

    test("`roomsOfAll` and `membersOf` go both ways between several users and their rooms", async () => {
      const [both, one] = [randomUUID(), randomUUID()];
      const [first, second, gone] = await Promise.all(
        [[both, one], [both], [both]].map((members) => createRoom(store, members)),
      );
      await leave(store, first!, one);
      await deleteRoom(store, gone!);
      const rooms = await store.roomsOfAll([both, one, randomUUID()]);
      expect([...rooms.keys()]).toEqual([both]);
      expect(rooms.get(both)?.toSorted()).toEqual([first, second].toSorted());
      const asked = [first!, second!, randomUUID()];
      expect(await store.membersOf(asked)).toEqual(new Map(asked.slice(0, 2).map((room) => [room, [both]])));
    });

    test("`events` pages through a room in order, and shows where pruning began", async () => {
      const roomId = await createRoom(store);
      for (let count = 0; count < 5; count++) await send(store, roomId);
      expect((await store.events(roomId, 0, 3)).map(({ seq }) => seq)).toEqual([1, 2, 3]);
      expect((await store.events(roomId, 3, 10)).map(({ seq }) => seq)).toEqual([4, 5, 6]);
      await store.prune(2, 0);
      expect((await store.events(roomId, 1, 10)).map(({ seq }) => seq)).toEqual([5, 6]);
    });

    test("`history` goes from the newest down, with standing reactions and the answered message as it is now", async () => {
      const roomId = await createRoom(store);
      const first = await send(store, roomId);
      const second = await send(store, roomId, "bob", { replyTo: first.messageId });
      const third = await send(store, roomId);
      const thumb = await react(store, second, "bob", "👍");
      const party = await react(store, second, "ada", "🎉");
      const gone = await react(store, second, "ada", "👎");
      await change(store, roomId, {}, (seq) => ({ reactions: [{ ...gone, removedSeq: seq }] }));
      await remove(store, first);
      const newest = await store.history(roomId, 2, null);
      expect(newest.map(({ messageId }) => messageId)).toEqual([third.messageId, second.messageId]);
      expect(newest[1]!.reactions).toEqual([thumb, party]);
      expect(newest[1]!.original).toEqual({
        chatId: roomId,
        timeStamp: first.sentAt.toISOString(),
        messageId: first.messageId,
        senderId: "ada",
        content: "",
        edited: false,
        editedAt: null,
      });
      const older = await store.history(roomId, 10, second.messageId);
      expect(older).toMatchObject([{ messageId: first.messageId, content: "", original: null, reactions: [] }]);
    });

    test("`history` from below an unknown message is `not_found`", async () => {
      const roomId = await createRoom(store);
      const elsewhere = await send(store, await createRoom(store));
      for (const before of [randomUUID(), "$event:matrix.org", elsewhere.messageId]) {
        await expect(store.history(roomId, 10, before)).rejects.toMatchObject({ code: "not_found" });
      }
    });

    test("`roomPage` goes down the ids, with role, newest message and unread", async () => {
      const user = randomUUID();
      const rooms = (await Promise.all([1, 2, 3].map(() => createRoom(store, ["ada", user])))).toSorted().toReversed();
      const message = await send(store, rooms[0]!);
      const page = await store.roomPage(user, 2, null);
      expect(page).toMatchObject([
        { roomId: rooms[0], role: "member", unread: 1, lastMessage: message, memberCount: 2 },
        { roomId: rooms[1], unread: 0, lastMessage: null },
      ]);
      expect((await store.roomPage(user, 2, rooms[1]!)).map(({ roomId }) => roomId)).toEqual([rooms[2]]);
    });
  });

  describe("what a session may have missed", () => {
    test("`receiptsSince` gives those stamped at or after the cursor, and those of the seconds before that event", async () => {
      const roomId = await createRoom(store);
      const other_ = await createRoom(store);
      const message = await send(store, roomId);
      const early = await read(store, message, "early");
      await stage.age(roomId, 60_000);
      const justBefore = await read(store, message, "just before");
      const cursor = (await send(store, roomId)).seq;
      const after = await read(store, message, "after");
      const since = async (seq: number) =>
        (
          await store.receiptsSince(
            new Map([
              [roomId, seq],
              [other_, 1],
            ]),
          )
        ).toSorted((a, b) => a.userId.localeCompare(b.userId));
      expect(await since(cursor)).toEqual([after, justBefore]);
      await store.prune(1, 0);
      // Event 2 is not kept: nothing tells what came before it.
      expect(await since(2)).toEqual([after, early, justBefore]);
      expect(await store.receiptsSince(new Map())).toEqual([]);
    });
  });

  describe("users", () => {
    test("are made, named and renamed; no name leaves a name alone", async () => {
      const userId = randomUUID();
      expect((await store.users([userId])).get(userId)).toBeUndefined();
      expect(await store.putUser(userId, null)).toEqual(newUser(userId));
      expect(await store.putUser(userId, "Ada")).toEqual(newUser(userId, { name: "Ada" }));
      expect(await store.putUser(userId, null)).toMatchObject({ name: "Ada" });
      expect(await store.putUser(userId, "Eve")).toMatchObject({ name: "Eve" });
      const at = await store.revoke(userId, randomUUID());
      expect((await store.users([userId])).get(userId)).toEqual(newUser(userId, { name: "Eve", revokedAt: at }));
    });

    test("may be revoked before they are known, and again", async () => {
      const userId = randomUUID();
      const first = await store.revoke(userId, randomUUID());
      expect((await store.users([userId])).get(userId)).toEqual(newUser(userId, { revokedAt: first }));
      expect((await store.revoke(userId, randomUUID())).getTime()).toBeGreaterThanOrEqual(first.getTime());
    });
  });

  describe("prune", () => {
    const seqs = async (room: string) => (await store.events(room, 0, 100)).map(({ seq }) => seq);

    test("keeps the last events of each room, and the young", async () => {
      const [busy, quiet] = [await createRoom(store), await createRoom(store)];
      for (let count = 0; count < 6; count++) await send(store, busy);
      await store.prune(3, 1);
      expect(await seqs(busy)).toEqual([1, 2, 3, 4, 5, 6, 7]);
      expect(await store.prune(3, 0)).toBeGreaterThanOrEqual(4);
      expect(await seqs(busy)).toEqual([5, 6, 7]);
      expect(await seqs(quiet)).toEqual([1]);
      expect(await store.prune(3, 0)).toBe(0);
      await send(store, busy);
      expect(await store.prune(3, 0)).toBe(1);
      // Fewer to keep: what was passed by before goes now.
      await store.prune(1, 0);
      expect(await seqs(busy)).toEqual([8]);
    });

    test("deletes only what is old enough of a room that has both", async () => {
      const roomId = await createRoom(store);
      for (let count = 0; count < 2; count++) await send(store, roomId);
      await stage.age(roomId, 8 * 24 * HOUR_MS);
      for (let count = 0; count < 2; count++) await send(store, roomId);
      await store.prune(0, 7);
      expect(await seqs(roomId)).toEqual([4, 5]);
    });

    test("leaves the work to a node that is at it", async ({ skip }) => {
      const { server } = stage;
      if (server === undefined) return skip("No other node prunes what this process keeps.");
      const roomId = await createRoom(store);
      await server.beside.sql`begin`;
      await server.beside.sql`select from pruning for update`;
      expect(await store.prune(0, 0)).toBe(0);
      await server.beside.sql`rollback`;
      await store.prune(0, 0);
      expect(await seqs(roomId)).toEqual([]);
    });
  });
});
