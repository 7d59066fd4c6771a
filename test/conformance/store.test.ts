import { randomUUID } from "node:crypto";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Rows } from "@signalbox/core/model/rows";
import type { Store } from "@signalbox/core/ports/store";
import { Connection } from "@signalbox/postgres/connection";
import { type Embedded, startEmbedded } from "@signalbox/postgres/embedded";
import { createStore } from "@signalbox/postgres/store";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  change,
  createRoom,
  deleteRoom,
  leave,
  load,
  NEEDS,
  NONE,
  newMessage,
  newRoom,
  newUser,
  react,
  read,
  remove,
  send,
  waiting,
} from "./store-rows.ts";

let server: Embedded;
let store: Store;
/** A connection beside the store, for what only somebody else can do. */
let other: Connection;

beforeAll(async () => {
  server = await startEmbedded({ dir: await mkdtemp(join(tmpdir(), "signalbox-store-")), ephemeral: true });
  store = await createStore(server);
  other = new Connection(server.url);
});
afterAll(async () => {
  await store?.close();
  other?.destroy();
  await server?.stop();
});

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
        rooms: [{ ...newRoom(roomId, now), lastSeq: 2, messageCount: 1, matrixRoomId: `!${roomId}:matrix.org` }],
        members: [{ roomId, userId: "ada", role: "owner", joinedAt: now, joinedSeq: 1, leftSeq: null }],
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
        events: [{ roomId, seq: 1, type: "REPLY", userId: "ada", body: Buffer.from("é 😀").toString("latin1") }],
        markers: [],
        sections: [{ roomId, section: "sidekick 1", body: { z: ["é"], a: null } }],
        named: [],
        matrix: [],
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
    expect({ ...given, receipts: given.receipts.toSorted((a, b) => a.messageSeq - b.messageSeq) }).toEqual(written);
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

  test("gives a repeat with its event, and without it once that is pruned", async () => {
    const roomId = await createRoom(store);
    const message = await send(store, roomId, "ada", { clientMessageId: "once" });
    const repeats = [{ roomId, senderId: "ada", clientMessageId: "once" }];
    const kept = await load(store, { repeats, messages: [{ roomId, messageId: message.messageId }] });
    expect(kept.messages).toEqual([message]);
    expect(kept.events).toEqual([{ roomId, seq: 2, type: "SEND_MSG", userId: "ada", body: "sent 2" }]);
    await store.prune(0, 0);
    expect(await load(store, { repeats })).toMatchObject({ messages: [message], events: [] });
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

  test("writes all or nothing, and says nothing of rows, when a row is refused", async () => {
    const roomId = await createRoom(store);
    const refused = change(store, roomId, {}, (seq) => ({
      members: [
        { roomId, userId: "secret", role: "king" as "owner", joinedAt: new Date(), joinedSeq: seq, leftSeq: null },
      ],
    }));
    const error = await refused.catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: "internal", message: "the store refused a statement (SQLSTATE 23514)" });
    expect(JSON.stringify([error, Object.getOwnPropertyDescriptors(error)])).not.toContain("secret");
    expect(await store.resumable("ada", [roomId])).toEqual(new Map([[roomId, 1]]));
  });

  test("never makes a room over one that somebody else has just made", async () => {
    const roomId = randomUUID();
    const results = await Promise.allSettled([createRoom(store, ["ada"], roomId), createRoom(store, ["bob"], roomId)]);
    const rooms = (await load(store, { rooms: [roomId] })).rooms;
    expect(rooms).toHaveLength(1);
    expect(results.some(({ status }) => status === "fulfilled")).toBe(true);
  });

  test("one that waits for the lock sees what the first one wrote: seqs have no gap", async () => {
    const roomId = await createRoom(store, ["ada", "bob"]);
    await other.sql`begin`;
    await other.sql`select from rooms where room_id = ${roomId} for update`;
    let seen: Rows | undefined;
    const second = change(store, roomId, { members: [{ roomId, userId: "bob" }] }, (_, rows) => {
      seen = rows;
      return {};
    });
    await waiting(other, 1);
    await other.sql`update rooms set last_seq = 7 where room_id = ${roomId}`;
    await other.sql`update members set left_seq = 7 where room_id = ${roomId} and user_id = 'bob'`;
    await other.sql`commit`;
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
    const ahead = new Date(Date.now() + 3_600_000);
    await other.sql`update rooms set last_at = ${ahead} where room_id = ${roomId}`;
    await change(store, roomId, {}, (_, __, now) => {
      expect(now).toEqual(ahead);
      return {};
    });
  });

  test("keeps a revocation, a choice and an activity that came in while users were written", async () => {
    const userId = randomUUID();
    const revokedAt = await store.revoke(userId);
    const activeAt = new Date();
    await store.choosePresence(userId, "busy");
    await store.saveLastActive(new Map([[userId, activeAt]]));
    await store.commit(NEEDS, () => ({ ...NONE, users: [newUser(userId, { name: "Late" })] }));
    const kept = newUser(userId, { name: "Late", revokedAt, choice: "busy", choiceVersion: 1, activeAt });
    expect((await store.users([userId])).get(userId)).toEqual(kept);
  });
});

describe("reading rooms", () => {
  test("`roomsOf` names the rooms that stand and that one is a member of now", async () => {
    const user = randomUUID();
    const [stays, left, deleted] = await Promise.all([1, 2, 3].map(() => createRoom(store, ["ada", user])));
    await send(store, stays!);
    await leave(store, left!, user);
    await deleteRoom(store, deleted!);
    expect(await store.roomsOf(user)).toEqual([{ roomId: stays, lastSeq: 2 }]);
    const asked = [stays!, left!, deleted!, randomUUID()];
    expect(await store.resumable(user, asked)).toEqual(
      new Map([
        [stays, 2],
        [deleted, 2],
      ]),
    );
    const member = await Promise.all(asked.map((room) => store.seqOf(room, user, false)));
    expect(member).toEqual([2, null, null, null]);
    const service = await Promise.all(asked.map((room) => store.seqOf(room, "backend", true)));
    expect(service).toEqual([2, 2, null, null]);
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
    const justBefore = await read(store, message, "just before");
    await other.sql`update receipts set changed_at = now() - interval '1 minute' where room_id = ${roomId} and user_id = 'early'`;
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

  test("`changes` starts with nothing, then reports rooms, members, receipts, markers and users", async () => {
    const { snapshot, ...nothing } = await store.changes(null);
    expect(nothing).toEqual({ rooms: [], members: [], receipts: [], markers: [], users: [] });
    const user = randomUUID();
    const roomId = await createRoom(store, [user]);
    const message = await send(store, roomId);
    const receipt = await read(store, message, user);
    const marker = { roomId, userId: user, messageId: message.messageId };
    await store.commit({ ...NEEDS, rooms: [roomId] }, () => ({ ...NONE, markers: [marker] }));
    await store.putUser(user, "Ada");
    await store.choosePresence(user, "busy");
    const revokedAt = await store.revoke(user);
    const changes = await store.changes(snapshot);
    expect(changes.rooms).toContainEqual({ roomId, lastSeq: 2 });
    expect(changes.members).toContainEqual(expect.objectContaining({ roomId, userId: user, leftSeq: null }));
    expect(changes.receipts).toContainEqual(receipt);
    expect(changes.markers).toContainEqual(marker);
    const changed = newUser(user, { name: "Ada", revokedAt, choice: "busy", choiceVersion: 1 });
    expect(changes.users).toContainEqual(changed);
    await leave(store, roomId, user);
    const later = await store.changes(changes.snapshot);
    expect(later.rooms).toContainEqual({ roomId, lastSeq: 3 });
    expect(later.members).toContainEqual(expect.objectContaining({ roomId, userId: user, leftSeq: 3 }));
    const { rooms } = await store.changes(later.snapshot);
    expect(rooms.filter((room) => room.roomId === roomId && room.lastSeq < 3)).toEqual([]);
  });

  test("`changes` finds rows of a transaction that began before the snapshot and committed after it", async () => {
    const roomId = await createRoom(store);
    await other.sql`begin`;
    await other.sql`insert into events (room_id, seq, type, user_id, body, created_at) values (${roomId}, 2, 0, 'ada', 'x', now())`;
    await createRoom(store);
    const { snapshot } = await store.changes(null);
    await createRoom(store);
    const before = await store.changes(snapshot);
    expect(before.rooms).not.toContainEqual({ roomId, lastSeq: 2 });
    await other.sql`commit`;
    expect((await store.changes(before.snapshot)).rooms).toContainEqual({ roomId, lastSeq: 2 });
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
    const at = await store.revoke(userId);
    expect((await store.users([userId])).get(userId)).toEqual(newUser(userId, { name: "Eve", revokedAt: at }));
  });

  test("may be revoked before they are known, and again", async () => {
    const userId = randomUUID();
    const first = await store.revoke(userId);
    expect((await store.users([userId])).get(userId)).toEqual(newUser(userId, { revokedAt: first }));
    expect((await store.revoke(userId)).getTime()).toBeGreaterThanOrEqual(first.getTime());
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
    for (let count = 0; count < 4; count++) await send(store, roomId);
    await other.sql`update events set created_at = now() - interval '8 days' where room_id = ${roomId} and seq <= 3`;
    await store.prune(0, 7);
    expect(await seqs(roomId)).toEqual([4, 5]);
  });

  test("leaves the work to a node that is at it", async () => {
    const roomId = await createRoom(store);
    await other.sql`begin`;
    await other.sql`select from pruning for update`;
    expect(await store.prune(0, 0)).toBe(0);
    await other.sql`rollback`;
    await store.prune(0, 0);
    expect(await seqs(roomId)).toEqual([]);
  });
});
