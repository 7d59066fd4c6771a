/** Matrix in a store: its rooms and users, the events that came, the sends under way, and receipts read in private. */
import { randomUUID } from "node:crypto";
import type { MatrixRow, MessageRow, Rows } from "@signalbox/core/model/rows";
import type { Store } from "@signalbox/core/ports/store";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  change,
  createRoom,
  deleteRoom,
  HOUR_MS,
  load,
  NEEDS,
  NONE,
  newRoom,
  newUser,
  react,
  read,
  revise,
  send,
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

  // With what a list of texts is made of in Postgres: Matrix allows it in its ids.
  const roomOf = (roomId: string) => `!"${roomId}\\:matrix.org`;
  const userOf = (userId: string) => `@{${userId}","\\:matrix.org`;
  const byId = (a: string, b: string) => (a < b ? -1 : 1);
  const conflict = { code: "conflict" };

  describe("bridging", () => {
    test("makes rooms and users that nobody has seen, and knows them the next time", async () => {
      const [roomId, userId] = [randomUUID(), randomUUID()];
      const rooms = [{ matrixRoomId: roomOf(roomId), roomId }];
      const users = [{ matrixUserId: userOf(userId), userId, name: "Ada" }];
      const expected = {
        rooms: new Map([[roomOf(roomId), roomId]]),
        users: new Map([[userOf(userId), userId]]),
      };
      const all = await Promise.all(Array.from({ length: 8 }, () => store.bridge(rooms, users)));
      for (const bridged of all) expect(bridged).toMatchObject(expected);
      const [room] = (await load(store, { rooms: [roomId] })).rooms;
      const empty = {
        name: "",
        metadata: {},
        createdBy: "",
        lastSeq: 0,
        lastMark: 0,
        memberCount: 0,
        matrixRoomId: roomOf(roomId),
      };
      expect(room).toEqual({ ...newRoom(roomId, room!.createdAt), ...empty });
      expect((await store.users([userId])).get(userId)).toEqual(
        newUser(userId, { name: "Ada", matrixUserId: userOf(userId) }),
      );
      const elsewhere = await store.bridge([{ ...rooms[0]!, roomId: randomUUID() }], []);
      expect(elsewhere.rooms.get(roomOf(roomId))).toBe(roomId);
      expect((await store.bridge([], [])).users).toEqual(new Map());
    });

    test("takes a name for a user under the given id, also for one who was here before", async () => {
      const userId = randomUUID();
      await store.choosePresence(userId, "busy");
      const named = (name: string | null) => store.bridge([], [{ matrixUserId: userOf(userId), userId, name }]);
      for (const [name, known] of [
        [null, null],
        ["Ada", "Ada"],
        ["Eve", "Eve"],
        [null, "Eve"],
      ] as const) {
        await named(name);
        expect((await store.users([userId])).get(userId)).toMatchObject({
          name: known,
          choice: "busy",
          matrixUserId: userOf(userId),
        });
      }
    });

    test("leads to whom somebody mapped, who keeps their name, and who is nobody else's", async () => {
      const [native, derived] = [randomUUID(), randomUUID()];
      const mapped = await store.putUser(native, "Native", userOf(native));
      expect(mapped).toEqual(newUser(native, { name: "Native", matrixUserId: userOf(native) }));
      const { users } = await store.bridge([], [{ matrixUserId: userOf(native), userId: derived, name: "Matrix" }]);
      expect(users.get(userOf(native))).toBe(native);
      expect(await store.users([native, derived])).toEqual(new Map([[native, mapped]]));
      await expect(store.putUser(derived, null, userOf(native))).rejects.toMatchObject(conflict);
      expect(await store.putUser(native, "Renamed")).toMatchObject({ name: "Renamed", matrixUserId: userOf(native) });
      expect(await store.putUser(native, null, userOf(derived))).toMatchObject({ matrixUserId: userOf(derived) });
      expect(await store.putUser(derived, null, userOf(native))).toMatchObject({ name: null });
    });

    test("gives a Matrix room to one room: a second one is a conflict, whole", async () => {
      const bridged = async (roomId: string, matrixRoomId: string) => {
        await store.commit({ ...NEEDS, rooms: [roomId] }, (_, now) => ({
          ...NONE,
          rooms: [{ ...newRoom(roomId, now), matrixRoomId }],
        }));
        return roomId;
      };
      const matrixRoomId = roomOf(randomUUID());
      const first = await bridged(randomUUID(), matrixRoomId);
      const second = randomUUID();
      await expect(bridged(second, matrixRoomId)).rejects.toMatchObject(conflict);
      expect((await load(store, { rooms: [second] })).rooms).toEqual([]);
      const { rooms } = await store.bridge([{ matrixRoomId, roomId: second }], []);
      expect(rooms.get(matrixRoomId)).toBe(first);
    });

    test("fills an empty room by what a commit says of it", async () => {
      const roomId = randomUUID();
      await store.bridge([{ matrixRoomId: roomOf(roomId), roomId }], []);
      const createdAt = new Date(1_000);
      await change(store, roomId, {}, (lastSeq, { rooms }) => ({
        rooms: [{ ...rooms[0]!, lastSeq, name: "Named", createdBy: "ada", createdAt }],
      }));
      const [room] = (await load(store, { rooms: [roomId] })).rooms;
      expect(room).toMatchObject({
        name: "Named",
        createdBy: "ada",
        createdAt,
        lastSeq: 1,
        matrixRoomId: roomOf(roomId),
      });
    });

    test("lists the bridged rooms that stand, by id", async () => {
      const ids: readonly string[] = Array.from({ length: 5 }, () => randomUUID()).toSorted(byId);
      await store.bridge(
        ids.map((roomId) => ({ roomId, matrixRoomId: roomOf(roomId) })),
        [],
      );
      await createRoom(store);
      await deleteRoom(store, ids[1]!);
      const listed: string[] = [];
      for (let after: string | null = null; ; after = listed.at(-1)!) {
        const page = await store.bridgedRooms(after, 2);
        listed.push(...page.map(({ roomId }) => roomId));
        for (const { roomId, matrixRoomId } of page)
          if (ids.includes(roomId)) expect(matrixRoomId).toBe(roomOf(roomId));
        if (page.length < 2) break;
      }
      expect(listed).toEqual(listed.toSorted(byId));
      expect(listed.filter((roomId) => ids.includes(roomId))).toEqual(ids.filter((roomId) => roomId !== ids[1]));
    });
  });

  /** Events of a room as they came, in the order of the list, each with a seq of its own. */
  async function came(roomId: string, events: readonly Partial<MatrixRow>[]): Promise<readonly MatrixRow[]> {
    const rows = events.map((event, nth) => ({
      roomId,
      eventId: `$${nth}`,
      kind: "other" as const,
      targetId: null,
      subjectId: null,
      senderId: "ada",
      sentAt: new Date(nth),
      revision: null,
      redacted: false,
      seq: nth,
      ...event,
    }));
    await store.commit({ ...NEEDS, rooms: [roomId] }, () => ({ ...NONE, matrix: rows }));
    return rows;
  }

  const byEvent = (a: MatrixRow, b: MatrixRow) => (a.eventId < b.eventId ? -1 : 1);
  const matrixOf = async (roomId: string, ...eventIds: readonly string[]): Promise<Rows> => {
    const rows = await load(store, { matrix: eventIds.map((eventId) => ({ roomId, eventId })) });
    return { ...rows, matrix: rows.matrix.toSorted(byEvent) };
  };

  describe("events of Matrix", () => {
    test("come back as they were written, and as they were replaced", async () => {
      const roomId = await createRoom(store);
      const file = { filename: null, mime_type: "a/b", size: 1, mxc_uri: null };
      const revision = { content: "é 😀", type: "m.file", file, mentions: ["bob"] };
      const [row] = await came(roomId, [{ kind: "edit", targetId: "$t", revision, redacted: true }]);
      const given = await matrixOf(roomId, "$0", "$unknown");
      expect(given.matrix).toEqual([row]);
      expect(given.rooms.map((room) => room.roomId)).toEqual([roomId]);
      const [other_] = await came(roomId, [{ kind: "message", subjectId: randomUUID(), redacted: false }]);
      expect((await matrixOf(roomId, "$0")).matrix).toEqual([other_]);
      expect((await matrixOf(await createRoom(store), "$0")).matrix).toEqual([]);
    });

    test("bring along their targets, the edits and redactions of both, waiting reactions, and what all of these became", async () => {
      const roomId = await createRoom(store);
      const answered = await send(store, roomId);
      const message = await send(store, roomId, "ada", { replyTo: answered.messageId, eventId: "$m" });
      const reaction = { ...(await react(store, message, "bob", "👍")), eventId: "$r" };
      const key = { content: "🎉", type: randomUUID(), file: null, mentions: null };
      const rows = await came(roomId, [
        { eventId: "$m", kind: "message", subjectId: message.messageId },
        { eventId: "$r", kind: "reaction", targetId: "$m", subjectId: reaction.reactionId },
        { eventId: "$e1", kind: "edit", targetId: "$m" },
        { eventId: "$e2", kind: "edit", targetId: "$m" },
        { eventId: "$x", kind: "redaction", targetId: "$e1" },
        { eventId: "$w", kind: "reaction", targetId: "$unseen", revision: key },
        { eventId: "$y", kind: "redaction", targetId: "$unseen" },
        { eventId: "$z", kind: "other", targetId: "$m" },
      ]);
      const named = (...ids: readonly string[]) =>
        rows.filter(({ eventId }) => ids.includes(eventId)).toSorted(byEvent);
      const known = async (...asked: readonly string[]) => (await matrixOf(roomId, ...asked)).matrix;
      expect(await known("$m")).toEqual(named("$m", "$e1", "$e2"));
      expect(await known("$e1")).toEqual(named("$m", "$e1", "$e2", "$x"));
      expect(await known("$r")).toEqual(named("$m", "$r", "$e1", "$e2"));
      expect(await known("$x")).toEqual(named("$x", "$e1"));
      // An event that has not come has nothing but those that wait for it.
      expect(await known("$unseen")).toEqual(named("$w", "$y"));
      const { messages, reactions } = await matrixOf(roomId, "$r", "$e1");
      expect(messages).toHaveLength(2);
      expect(messages).toEqual(expect.arrayContaining([answered, message]));
      expect(reactions).toEqual([{ ...reaction, eventId: null }]);
    });

    test("find the reactions that stand to the message that an event became", async () => {
      const roomId = await createRoom(store);
      const message = await send(store, roomId, "ada", { eventId: "$m" });
      const standing = await react(store, message, "bob", "👍");
      const removed = await react(store, message, "bob", "👎");
      await change(store, roomId, {}, (seq) => ({ reactions: [{ ...removed, removedSeq: seq }] }));
      const asked = (eventId: string, reaction: string) => ({ roomId, eventId, senderId: "bob", reaction });
      const annotated = [asked("$m", "👍"), asked("$m", "👎"), asked("$m", "🎉"), asked("$n", "👍")];
      expect((await load(store, { annotated })).reactions).toEqual([standing]);
    });

    test("lead up to the last message that had come by then; one that has not come, to the last of all", async () => {
      const roomId = await createRoom(store);
      const nothing = await createRoom(store);
      const [first, second] = [await send(store, roomId), await send(store, roomId)];
      await came(roomId, [
        { eventId: "$before", seq: first.seq - 1 },
        { eventId: "$between", seq: first.seq },
        { eventId: "$after", seq: second.seq + 5 },
      ]);
      const upTo = async (room: string, eventId: string) => {
        const rows = await load(store, { lastMessagesAtEvents: [{ roomId: room, eventId }] });
        expect(rows.messages.map(({ messageId }) => messageId)).toEqual(
          rows.lastMessagesAtEvents.map(({ messageId }) => messageId),
        );
        return rows.lastMessagesAtEvents.map(({ messageId }) => messageId);
      };
      expect(await upTo(roomId, "$before")).toEqual([]);
      expect(await upTo(roomId, "$between")).toEqual([first.messageId]);
      expect(await upTo(roomId, "$after")).toEqual([second.messageId]);
      expect(await upTo(roomId, "$unseen")).toEqual([second.messageId]);
      expect(await upTo(nothing, "$unseen")).toEqual([]);
    });

    test("have our ids where they became messages, in a room or anywhere", async () => {
      const [here, there] = [await createRoom(store), await createRoom(store)];
      // Matrix allows it all, and so does an array's text of Postgres: as what parts its elements.
      const [a, b] = [`$"},{"${randomUUID()}\\`, `$${randomUUID()}","`];
      const [first, second] = [
        await send(store, here, "ada", { eventId: a }),
        await send(store, there, "ada", { eventId: b }),
      ];
      const both = new Map([
        [a, first.messageId],
        [b, second.messageId],
      ]);
      expect(await store.messageIds(null, [a, b, "$unseen"])).toEqual(both);
      expect(await store.messageIds(here, [a, b])).toEqual(new Map([[a, first.messageId]]));
      expect(await store.messageIds(null, [])).toEqual(new Map());
    });

    test("are taken once: a second message of the same event is refused", async () => {
      const roomId = await createRoom(store);
      await send(store, roomId, "ada", { eventId: "$once" });
      await expect(send(store, roomId, "ada", { eventId: "$once" })).rejects.toMatchObject({ code: "internal" });
      await send(store, await createRoom(store), "ada", { eventId: "$once" });
    });
  });

  describe("sends under way", () => {
    const known = async (write: { roomId: string; senderId: string; clientMessageId: string }) =>
      (await load(store, { writes: [write, { ...write, senderId: "eve" }] })).writes;

    test("are known by room, author and client id until a day has passed", async () => {
      const write = { roomId: await createRoom(store), senderId: "ada", clientMessageId: "c 1" };
      expect(await known(write)).toEqual([]);
      await store.recordPendingWrite(write);
      await store.recordPendingWrite(write);
      expect(await known(write)).toEqual([write]);
      await stage.age(write.roomId, 23 * HOUR_MS);
      await store.prune(10, 1);
      expect(await known(write)).toEqual([write]);
      await stage.age(write.roomId, 2 * HOUR_MS);
      await store.prune(10, 1);
      expect(await known(write)).toEqual([]);
    });
  });

  describe("a rebuild", () => {
    test("goes on from where it was noted to be, until it is done", async () => {
      const roomId = await createRoom(store);
      expect(await store.rebuildCursor(roomId)).toBeNull();
      for (const token of ["t 1", "t 2", null, null]) {
        await store.saveRebuildCursor(roomId, token);
        expect(await store.rebuildCursor(roomId)).toBe(token);
      }
    });
  });

  describe("private receipts", () => {
    const readIn = async (userId: string, message: MessageRow, hidden: boolean) =>
      read(store, message, userId, hidden, { private: hidden });
    const receiptsOf = async (roomId: string, userId: string) =>
      (await load(store, { receipts: [{ roomId, userId }] })).receipts.toSorted((a, b) => a.messageSeq - b.messageSeq);

    test("stay hidden whatever their user chooses, beside what others see and what shows itself", async () => {
      const user = randomUUID();
      const roomId = await createRoom(store, [user, "bob"]);
      const [first, second, third] = [await send(store, roomId), await send(store, roomId), await send(store, roomId)];
      const visible = await read(store, first, user);
      const alone = await readIn(user, third, true);
      expect(await receiptsOf(roomId, user)).toEqual([visible, alone]);
      await store.choosePresence(user, "appear_offline");
      const hidden = await read(store, second, user, true);
      expect(await receiptsOf(roomId, user)).toEqual([visible, hidden, alone]);
      await store.choosePresence(user, "online");
      expect(await receiptsOf(roomId, user)).toEqual([{ ...hidden, hidden: false }, alone]);
      const seenBy = async (asking: string) =>
        (await store.roomState(roomId, asking, false))!.members.find(({ userId }) => userId === user)?.read?.messageId;
      expect(await seenBy(user)).toBe(third.messageId);
      expect(await seenBy("bob")).toBe(second.messageId);
      expect((await store.counts([{ roomId, userId: user }]))[0]?.unread).toBe(0);
    });

    test("replace each other", async () => {
      const user = randomUUID();
      const roomId = await createRoom(store, [user]);
      await readIn(user, await send(store, roomId), true);
      const further = await readIn(user, await send(store, roomId), true);
      expect(await receiptsOf(roomId, user)).toEqual([further]);
    });
  });

  describe("a message of Matrix", () => {
    test("is replaced whole, as a redaction leaves it", async () => {
      const roomId = await createRoom(store);
      const file = { filename: "a", mime_type: null, size: null, mxc_uri: null };
      const full = { file, type: "m.image", threadRoot: "$t", mentions: ["bob"], eventId: "$m", clientMessageId: "c" };
      const message = await send(store, roomId, "ada", {
        ...full,
        replyTo: randomUUID(),
        editSeq: 2,
        editedAt: new Date(1),
      });
      const undone = { editSeq: null, editedAt: null, deleteSeq: 3, deletedAt: new Date(2), deletedBy: "bob" };
      const cleared = { content: "", type: "m.text", file: null, threadRoot: null, mentions: null, replyTo: null };
      const redacted = await revise(store, message, { ...cleared, ...undone });
      const { messages } = await load(store, { messages: [{ roomId, messageId: message.messageId }] });
      expect(messages).toEqual([redacted]);
    });
  });
});
