/** A transaction of a store: the rows that it is given and writes, and the order that it keeps with others. */
import { randomUUID } from "node:crypto";
import type { Rows } from "@signalbox/core/model/rows";
import type { Store } from "@signalbox/core/ports/store";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  change,
  createRoom,
  HOUR_MS,
  load,
  NEEDS,
  NONE,
  newEvent,
  newMessage,
  newRoom,
  newUser,
  react,
  send,
  waiting,
} from "./store-rows.ts";
import { type StoreUnderTest, stores } from "./stores.ts";

describe.each(stores)("the store $name", ({ start }) => {
  let stage: StoreUnderTest;
  let store: Store;

  beforeAll(async () => {
    stage = await start();
    ({ store } = stage);
  });
  afterAll(() => stage.stop());

  describe("commit", () => {
    test("gives back every row as it was written", async () => {
      const roomId = randomUUID();
      const [messageId, reactionId, userId] = [randomUUID(), randomUUID(), randomUUID()];
      let written: Rows = NONE;
      await store.commit({ ...NEEDS, rooms: [roomId] }, (rows, now) => {
        expect(rows).toEqual(NONE);
        const edits = {
          replyTo: randomUUID(),
          mentions: ["bob", 'q"\\{}'],
          textMentions: ["eve"],
          editSeq: 2,
          editedAt: now,
        };
        const file = { filename: "é.png", mime_type: null, size: 1, mxc_uri: "mxc://matrix.org/a" };
        const arrived = { type: "m.image", file, threadRoot: "$root", eventId: "$1" };
        const receipt = { roomId, userId, messageId, readAt: now, stampSeq: 2 };
        const matrixUserId = `@${userId}:matrix.org`;
        const content = 'text "with" \\ everything: é 😀 \n';
        written = {
          rooms: [
            {
              ...newRoom(roomId, now),
              lastSeq: 2,
              lastMark: 2,
              messageCount: 1,
              matrixRoomId: `!${roomId}:matrix.org`,
            },
          ],
          members: [{ roomId, userId: "ada", role: "owner", joinedAt: now, joinedSeq: 1, firstSeq: 1, leftSeq: null }],
          messages: [
            { ...newMessage(roomId, 1, "ada", now), messageId, content, clientMessageId: "c 1", ...edits, ...arrived },
          ],
          reactions: [
            {
              roomId,
              messageId,
              reactionId,
              senderId: "ada",
              reaction: "👍",
              seq: 2,
              sentAt: now,
              removedSeq: null,
              eventId: "$r",
            },
          ],
          receipts: [
            { ...receipt, hidden: false, private: false, eventId: null, messageSeq: 1, messageOrdinal: 1 },
            { ...receipt, hidden: true, private: false, eventId: null, messageSeq: 2, messageOrdinal: 2 },
            { ...receipt, hidden: true, private: true, eventId: "$1", messageSeq: 3, messageOrdinal: 3 },
          ],
          users: [
            newUser(userId, {
              name: "Ada",
              revokedAt: now,
              choice: "appear_offline",
              choiceVersion: 3,
              activeAt: now,
              matrixUserId,
            }),
          ],
          events: [{ ...newEvent(roomId, 1, "REPLY", now), subjectId: messageId, details: { timeStamp: "é 😀" } }],
          marks: [],
          markers: [],
          sections: [{ roomId, section: "sidekick 1", body: { z: ["é"], a: null } }],
          named: [],
          matrix: [],
          outbox: [],
          writes: [],
          lastMessagesAtEvents: [],
        };
        return written;
      });
      const senderId = "ada";
      const given = await load(store, {
        members: [{ roomId, userId: "ada" }],
        messages: [{ roomId, messageId }],
        repeats: [{ roomId, senderId, clientMessageId: "c 1" }],
        activeReactions: [{ roomId, messageId, senderId, reaction: "👍" }],
        reactions: [{ reactionId, userId: "ada" }],
        receipts: [{ roomId, userId }],
        users: [userId],
        sections: [{ roomId, section: "sidekick 1" }],
      });
      const { marks, ...read } = { ...given, receipts: given.receipts.toSorted((a, b) => a.messageSeq - b.messageSeq) };
      // Events are not read, only their marks: once for each way to them.
      const { marks: _, ...expected } = { ...written!, events: [] };
      expect(read).toEqual(expected);
      expect(new Set(marks.map(({ roomId: room, seq, mark }) => `${room} ${seq} ${mark}`))).toEqual(
        new Set([`${roomId} 1 1`]),
      );
      // Metadata comes back in the order of its keys.
      expect(JSON.stringify(given.rooms[0]!.metadata)).toBe('{"z":1,"a":"é"}');
    });

    test("leaves out rows that do not exist, ids of Matrix among them", async () => {
      const roomId = await createRoom(store);
      const given = await load(store, {
        rooms: [randomUUID()],
        members: [{ roomId, userId: "nobody" }],
        messages: [
          { roomId, messageId: randomUUID() },
          { roomId, messageId: "$event:matrix.org" },
        ],
        reactions: [{ reactionId: randomUUID(), userId: "ada" }],
        activeReactions: [{ roomId, messageId: "$event:matrix.org", senderId: "ada", reaction: "👍" }],
        users: [randomUUID()],
        sections: [{ roomId, section: "plan" }],
        names: [{ roomId, name: "Nobody" }],
      });
      expect(given.rooms.map((room) => room.roomId)).toEqual([roomId]);
      expect({ ...given, rooms: [] }).toEqual(NONE);
    });

    test("gives rooms in the order of their ids, each once, whatever names them", async () => {
      const rooms = await Promise.all([1, 2, 3, 4, 5].map(() => createRoom(store)));
      const [a, b, c, d, e] = rooms.toSorted().toReversed();
      const given = await load(store, {
        rooms: [a!, b!],
        receipts: [{ roomId: c!, userId: "ada" }],
        members: [{ roomId: a!, userId: "ada" }],
        sections: [{ roomId: d!, section: "plan" }],
        names: [{ roomId: e!, name: "Ada" }],
      });
      expect(given.rooms.map(({ roomId }) => roomId)).toEqual(rooms.toSorted());
    });

    test("follows a reaction's id to its room, its message and the actor's membership", async () => {
      const roomId = await createRoom(store, ["ada", "bob"]);
      const message = await send(store, roomId);
      const reaction = await react(store, message, "bob", "🎉");
      const given = await load(store, { reactions: [{ reactionId: reaction.reactionId, userId: "bob" }] });
      expect(given.rooms.map((room) => room.roomId)).toEqual([roomId]);
      expect(given.members.map(({ userId }) => userId)).toEqual(["bob"]);
      expect(given.messages).toEqual([message]);
      expect(given.reactions).toEqual([reaction]);
    });

    test("gives a removed reaction by its id, and not as standing; its successor may stand in the same commit", async () => {
      const roomId = await createRoom(store);
      const message = await send(store, roomId);
      const first = await react(store, message, "ada", "👍");
      const second = { ...first, reactionId: randomUUID() };
      await change(store, roomId, {}, (seq) => ({ reactions: [second, { ...first, removedSeq: seq }] }));
      const standing = [{ roomId, messageId: message.messageId, senderId: "ada", reaction: "👍" }];
      expect((await load(store, { activeReactions: standing })).reactions).toEqual([second]);
      const byId = await load(store, { reactions: [{ reactionId: first.reactionId, userId: "ada" }] });
      expect(byId.reactions).toEqual([{ ...first, removedSeq: 4 }]);
    });

    test("gives a repeat with the mark of its event, and without it once that is pruned", async () => {
      const roomId = await createRoom(store);
      const message = await send(store, roomId, "ada", { clientMessageId: "once" });
      const repeats = [{ roomId, senderId: "ada", clientMessageId: "once" }];
      const kept = await load(store, { repeats, messages: [{ roomId, messageId: message.messageId }] });
      expect(kept.messages).toEqual([message]);
      expect(kept.marks.length).toBeGreaterThan(0);
      for (const mark of kept.marks) expect(mark).toMatchObject({ roomId, seq: 2, mark: 2 });
      await store.prune(0, 0);
      expect(await load(store, { repeats })).toMatchObject({ messages: [message], marks: [] });
    });

    test("writes nothing when `decide` throws, passes the error on, and goes on", async () => {
      const roomId = await createRoom(store);
      const thrown = new TypeError("of a rule");
      const failing = store.commit({ ...NEEDS, rooms: [roomId] }, () => {
        throw thrown;
      });
      await expect(failing).rejects.toBe(thrown);
      expect(await store.events(roomId, 1, 10)).toEqual([]);
      expect(await change(store, roomId, {}, () => ({}))).toBe(2);
    });

    test("writes all or nothing when a row is refused, and says nothing of rows", async () => {
      const roomId = await createRoom(store);
      const first = await send(store, roomId, "ada", { eventId: "$secret" });
      const refused = change(store, roomId, {}, (seq, _, now) => ({
        members: [
          { roomId, userId: "secret", role: "member", joinedAt: now, joinedSeq: seq, firstSeq: seq, leftSeq: null },
        ],
        messages: [{ ...newMessage(roomId, seq, "secret", now, 2), eventId: first.eventId }],
      }));
      const error = await refused.catch((caught: unknown) => caught);
      expect(error).toMatchObject({ code: "internal" });
      expect(JSON.stringify([error, Object.getOwnPropertyDescriptors(error)])).not.toContain("secret");
      expect(await store.resumable("ada", [roomId])).toEqual(
        new Map([[roomId, expect.objectContaining({ seq: first.seq, mark: first.seq, from: 0 })]]),
      );
      expect(await store.roomsOf("secret")).toEqual(new Map());
      expect((await store.history(roomId, 10, null)).map(({ messageId }) => messageId)).toEqual([first.messageId]);
    });

    test("takes once what there can be once: a client id, a reaction that stands, an event's seq", async () => {
      const roomId = await createRoom(store);
      const message = await send(store, roomId, "ada", { clientMessageId: "once" });
      const reaction = await react(store, message, "ada", "👍");
      const doubles: readonly ((seq: number, now: Date) => Partial<Rows>)[] = [
        (seq, now) => ({ messages: [{ ...newMessage(roomId, seq, "ada", now, 2), clientMessageId: "once" }] }),
        (seq) => ({ reactions: [{ ...reaction, reactionId: randomUUID(), seq }] }),
        (_, now) => ({ events: [newEvent(roomId, message.seq, "ROOM_STATE", now)] }),
      ];
      for (const double of doubles) {
        const refused = change(store, roomId, {}, (seq, _, now) => double(seq, now));
        await expect(refused).rejects.toMatchObject({ code: "internal" });
      }
      expect(await store.resumable("ada", [roomId])).toEqual(
        new Map([[roomId, expect.objectContaining({ seq: reaction.seq, mark: reaction.seq, from: 0 })]]),
      );
      await send(store, roomId, "bob", { clientMessageId: "once" });
      await change(store, roomId, {}, (removedSeq) => ({ reactions: [{ ...reaction, removedSeq }] }));
      await react(store, message, "ada", "👍");
    });

    test("names the rule of the server that refused a row, and nothing else", async ({ skip }) => {
      if (stage.server === undefined) return skip("There is no server whose words could reach the caller.");
      const roomId = await createRoom(store);
      const refused = change(store, roomId, {}, (seq, _, joinedAt) => ({
        members: [
          { roomId, userId: "secret", role: "king" as "owner", joinedAt, joinedSeq: seq, firstSeq: seq, leftSeq: null },
        ],
      }));
      const error = await refused.catch((caught: unknown) => caught);
      expect(error).toMatchObject({ code: "internal", message: "the store refused a statement (SQLSTATE 23514)" });
      expect(JSON.stringify([error, Object.getOwnPropertyDescriptors(error)])).not.toContain("secret");
    });

    test("never makes a room over one that somebody else has just made", async () => {
      const roomId = randomUUID();
      const results = await Promise.allSettled([
        createRoom(store, ["ada"], roomId),
        createRoom(store, ["bob"], roomId),
      ]);
      const rooms = (await load(store, { rooms: [roomId] })).rooms;
      expect(rooms).toHaveLength(1);
      expect(results.some(({ status }) => status === "fulfilled")).toBe(true);
    });

    test("one that waits for the lock sees what the first one wrote: seqs have no gap", async ({ skip }) => {
      const { server } = stage;
      if (server === undefined) return skip("Commits in one process never wait: each is one step.");
      const roomId = await createRoom(store, ["ada", "bob"]);
      await server.beside.sql`begin`;
      await server.beside.sql`select from rooms where room_id = ${roomId} for update`;
      let seen: Rows | undefined;
      const second = change(store, roomId, { members: [{ roomId, userId: "bob" }] }, (_, rows) => {
        seen = rows;
        return {};
      });
      await waiting(server.beside, 1);
      await server.beside.sql`update rooms set last_seq = 7 where room_id = ${roomId}`;
      await server.beside.sql`update members set left_seq = 7 where room_id = ${roomId} and user_id = 'bob'`;
      await server.beside.sql`commit`;
      expect(await second).toBe(8);
      expect(seen?.members[0]).toMatchObject({ userId: "bob", leftSeq: 7 });
    });

    test("gives out seqs without a gap and without a double under many writers", async () => {
      const roomId = await createRoom(store);
      const seqs = await Promise.all(Array.from({ length: 60 }, () => change(store, roomId, {}, () => ({}))));
      const expected = Array.from({ length: 60 }, (_, place) => place + 2);
      expect(seqs.toSorted((a, b) => a - b)).toEqual(expected);
      expect((await store.events(roomId, 1, 100)).map(({ seq }) => seq)).toEqual(expected);
    });

    test("sets of rooms in opposite orders do not wait for each other for ever", async () => {
      const rooms = await Promise.all(Array.from({ length: 12 }, () => createRoom(store)));
      const both = Array.from({ length: 80 }, (_, turn) =>
        store.commit({ ...NEEDS, rooms: turn % 2 === 0 ? rooms : rooms.toReversed() }, ({ rooms: rows }) => ({
          ...NONE,
          rooms: (turn % 3 === 0 ? rows : rows.toReversed()).map((room) => ({ ...room, lastSeq: room.lastSeq + 1 })),
        })),
      );
      await Promise.all(both);
      const { rooms: after } = await load(store, { rooms });
      expect(new Set(after.map(({ lastSeq }) => lastSeq))).toEqual(new Set([81]));
    });

    test("its clock never runs backwards in a room, even when the system's does", async () => {
      const roomId = await createRoom(store);
      const { sentAt } = await send(store, roomId);
      await stage.age(roomId, -HOUR_MS);
      expect((await send(store, roomId)).sentAt).toEqual(new Date(sentAt.getTime() + HOUR_MS));
    });

    test("keeps a revocation, a choice and an activity that came in while users were written", async () => {
      const userId = randomUUID();
      const revokedAt = await store.revoke(userId, randomUUID());
      const activeAt = new Date();
      await store.choosePresence(userId, "busy");
      await store.saveLastActive(new Map([[userId, activeAt]]));
      await store.commit(NEEDS, () => ({ ...NONE, users: [newUser(userId, { name: "Late" })] }));
      const kept = newUser(userId, { name: "Late", revokedAt, choice: "busy", choiceVersion: 1, activeAt });
      expect((await store.users([userId])).get(userId)).toEqual(kept);
    });
  });
});
