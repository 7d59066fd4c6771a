/** The outbox, what audits compare, and the pruning of both events and outbox. */
import { randomUUID } from "node:crypto";
import type { OutboxRow } from "@signalbox/core/model/outbox";
import { encodeHeadFrame, encodeReceiptsFrame } from "@signalbox/core/ports/engine-frames";
import type { Store } from "@signalbox/core/ports/store";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { rowsOf, told } from "./store-outbox.ts";
import { createRoom, deleteRoom, HOUR_MS, leave, NEEDS, NONE, newUser, read, send } from "./store-rows.ts";
import { type StoreUnderTest, stores } from "./stores.ts";

describe.each(stores)("the store $name", ({ start }) => {
  let stage: StoreUnderTest;
  let store: Store;

  beforeAll(async () => {
    stage = await start();
    ({ store } = stage);
  });
  afterAll(() => stage.stop());

  const newRow = (): OutboxRow => ({
    id: randomUUID(),
    // Bytes of UTF-8, as a frame has them, and a user's own text as the channel's id.
    frames: [
      ["room", randomUUID(), encodeHeadFrame(7)],
      ["user", 'é "😀"', Buffer.from("h 😀\n\u0001").toString("latin1")],
    ],
  });
  const note = (...outbox: OutboxRow[]) => store.commit(NEEDS, () => ({ ...NONE, outbox }));
  const ids = async (seen: readonly string[] = []) =>
    (await store.outbox(new Date(0), seen, 10_000)).rows.map(({ id }) => id);

  describe("the outbox", () => {
    test("has a row as it was committed, half a second later, until it is confirmed", async () => {
      const [one, two] = [newRow(), newRow()];
      const before = (await store.outbox(null, [], 0)).now;
      await note(one);
      await note(two);
      expect(await ids()).not.toContain(one.id);
      await expect.poll(() => ids()).toEqual(expect.arrayContaining([one.id, two.id]));
      const { now, rows } = await store.outbox(before, [], 10_000);
      expect(now.getTime() - before.getTime()).toBeGreaterThanOrEqual(500);
      const read_ = rows.filter(({ id }) => id === one.id || id === two.id);
      expect(read_).toMatchObject([one, two]);
      for (const { at } of read_) expect(at.getTime()).toBeGreaterThanOrEqual(before.getTime());
      await store.confirm([one.id, randomUUID()]);
      expect(await ids()).not.toContain(one.id);
      expect(await ids()).toContain(two.id);
      await store.confirm([]);
    });

    test("gives pages of the oldest rows, without those that were seen, and without those of long before", async () => {
      const rows = [newRow(), newRow(), newRow()];
      for (const row of rows) await note(row);
      await expect.poll(() => ids()).toContain(rows[2]!.id);
      const older = (await ids()).filter((id) => rows.every((row) => row.id !== id));
      const page = await store.outbox(new Date(0), [...older, rows[0]!.id], 1);
      expect(page.rows.map(({ id }) => id)).toEqual([rows[1]!.id]);
      const later = new Date(page.rows[0]!.at.getTime() + 10_001);
      expect((await store.outbox(later, [], 10_000)).rows.map(({ id }) => id)).not.toContain(rows[1]!.id);
      const earlier = new Date(page.rows[0]!.at.getTime() + 9_000);
      expect((await store.outbox(earlier, [], 10_000)).rows.map(({ id }) => id)).toContain(rows[1]!.id);
      expect((await store.outbox(null, [], 10_000)).rows).toEqual([]);
    });

    test("has no row of a transaction that failed", async () => {
      const [row, kept] = [newRow(), newRow()];
      await expect(
        store.commit(NEEDS, () => {
          throw new Error("no");
        }),
      ).rejects.toThrow("no");
      const matrixUserId = `@${randomUUID()}:example.org`;
      await store.putUser(randomUUID(), null, matrixUserId);
      const users = [newUser(randomUUID(), { matrixUserId })];
      const failed = store.commit(NEEDS, () => ({ ...NONE, users, outbox: [row] }));
      await expect(failed).rejects.toMatchObject({ code: "conflict" });
      await note(kept);
      await expect.poll(() => ids()).toContain(kept.id);
      expect(await ids()).not.toContain(row.id);
    });

    test("finds the row of a transaction that took long to commit", async ({ skip }) => {
      const { server } = stage;
      if (server === undefined) return skip("Commits in one process never overlap: each is one step.");
      const [slow, quick] = [newRow(), newRow()];
      await server.beside.sql`begin`;
      await server.beside.sql`insert into outbox (id, frames) values (${slow.id}, '[]')`;
      await note(quick);
      await expect.poll(() => ids()).toContain(quick.id);
      const { now } = await store.outbox(new Date(0), [], 10_000);
      expect(await ids()).not.toContain(slow.id);
      await server.beside.sql`commit`;
      expect((await store.outbox(now, [quick.id], 10_000)).rows.map(({ id }) => id)).toContain(slow.id);
    });

    test("has a row of each revocation and choice, with the receipts that it shows", async () => {
      const [userId, id] = [randomUUID(), randomUUID()];
      const roomId = await createRoom(store, [userId]);
      const at = await store.revoke(userId, id);
      await store.choosePresence(userId, "appear_offline");
      const message = await send(store, roomId, "ada", { eventId: `$é😀 ${id}:example.org`.replace(" ", "") });
      const receipt = await read(store, message, userId, true);
      await store.choosePresence(userId, "busy");
      expect(await told(store, [userId, roomId])).toEqual([
        [userId, { kind: "revoked", at }],
        [userId, { kind: "user changed" }],
        [userId, { kind: "user changed" }],
        [roomId, { kind: "receipts", receipts: [expect.objectContaining({ readAt: receipt.readAt })] }],
      ]);
      const rows = await rowsOf(store);
      expect(rows.find((row) => row.id === id)?.frames).toHaveLength(1);
      const shown = rows.flatMap(({ frames }) => frames).filter(([, channelId]) => channelId === roomId);
      expect(shown).toEqual([["room", roomId, encodeReceiptsFrame([receipt])]]);
    });

    test("tells the room of a receipt that was to be hidden, of a user that is visible by now", async () => {
      const userId = randomUUID();
      const roomId = await createRoom(store, [userId]);
      const message = await send(store, roomId);
      const receipt = await read(store, message, userId, true);
      const alone = await read(store, message, userId, true, { private: true });
      expect(await told(store, [roomId])).toEqual([
        [roomId, { kind: "receipts", receipts: [expect.objectContaining({ readAt: receipt.readAt })] }],
      ]);
      expect(alone.private).toBe(true);
    });

    test("is pruned after a minute", async ({ skip }) => {
      const { server } = stage;
      if (server === undefined) return skip("The rows of this store age by the clock of the process.");
      const [old, young] = [newRow(), newRow()];
      await note(old);
      await note(young);
      await server.beside.sql`update outbox set at = at - interval '61 seconds' where id = ${old.id}`;
      await store.prune(1_000, 1);
      await expect.poll(() => ids()).toContain(young.id);
      expect(await ids()).not.toContain(old.id);
    });
  });

  describe("an audit", () => {
    test("reads the heads of rooms, deleted ones too", async () => {
      const [one, two, deleted] = await Promise.all([1, 2, 3].map(() => createRoom(store)));
      await send(store, two!);
      await deleteRoom(store, deleted!);
      const head = (roomId: string, seq: number, found: number | null, deleted = false) =>
        [roomId, expect.objectContaining({ seq, mark: seq, found, deleted })] as const;
      const asked = new Map([one!, two!, deleted!, randomUUID()].map((roomId, seq) => [roomId, seq]));
      expect(await store.heads(asked)).toEqual(
        new Map([head(one!, 1, 0), head(two!, 2, 1), head(deleted!, 2, 2, true)]),
      );
      expect(await store.heads(new Map([[one!, 9]]))).toEqual(new Map([head(one!, 1, null)]));
      expect(await store.heads(new Map())).toEqual(new Map());
    });

    test("reads receipts of a room that were written lately, hidden ones too", async () => {
      const [ada, bob, eve] = [randomUUID(), randomUUID(), randomUUID()];
      const [roomId, other] = [await createRoom(store), await createRoom(store)];
      const message = await send(store, roomId);
      await read(store, message, ada);
      await stage.age(roomId, HOUR_MS);
      await store.choosePresence(eve, "appear_offline");
      const late = [await read(store, message, bob), await read(store, message, eve, true)];
      await read(store, await send(store, other), bob);
      const recent = await store.recentReceipts([roomId, randomUUID()], HOUR_MS / 2);
      expect(recent).toHaveLength(2);
      expect(recent).toEqual(expect.arrayContaining(late));
      expect(await store.recentReceipts([roomId], 2 * HOUR_MS)).toHaveLength(3);
    });

    test("reads memberships that have not ended, and markers, by their keys", async () => {
      const [ada, bob] = [randomUUID(), randomUUID()];
      const roomId = await createRoom(store, [ada, bob]);
      const { messageId } = await send(store, roomId);
      const marker = { roomId, userId: ada, messageId };
      await store.commit({ ...NEEDS, rooms: [roomId] }, () => ({ ...NONE, markers: [marker] }));
      await leave(store, roomId, bob);
      const keys = [ada, bob, randomUUID()].map((userId) => ({ roomId, userId }));
      expect(await store.members(keys)).toMatchObject([{ roomId, userId: ada, joinedSeq: 1, leftSeq: null }]);
      expect(await store.markers(keys)).toEqual([marker]);
      expect([await store.members([]), await store.markers([])]).toEqual([[], []]);
    });
  });

  describe("pruning", () => {
    test("reads each event once it is old enough, whatever came before", async () => {
      const roomId = await createRoom(store);
      await send(store, roomId);
      await store.prune(0, 7);
      expect(await store.events(roomId, 0, 10)).toHaveLength(2);
      await stage.age(roomId, 8 * 24 * HOUR_MS);
      await store.prune(0, 7);
      expect(await store.events(roomId, 0, 10)).toEqual([]);
    });
  });
});
