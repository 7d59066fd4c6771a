/** Rows of one user: choices, hidden receipts, names, mutes; and a room's state as that user sees it. */
import { randomUUID } from "node:crypto";
import type { ReceiptRow } from "@signalbox/core/model/rows";
import type { Store } from "@signalbox/core/ports/store";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { receiptOf, told } from "./store-outbox.ts";
import {
  change,
  createRoom,
  deleteRoom,
  leave,
  load,
  NEEDS,
  NONE,
  newRoom,
  newUser,
  read,
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

  const soon = () => new Date(Date.now() + 3_600_000);
  const over = () => new Date(Date.now() - 1);

  const receiptsOf = async (roomId: string, userId: string): Promise<readonly ReceiptRow[]> =>
    (await load(store, { receipts: [{ roomId, userId }] })).receipts;

  const countsOf = async (roomId: string, userId: string) => (await store.counts([{ roomId, userId }]))[0]!;

  const byUser = (a: { userId: string }, b: { userId: string }) => (a.userId < b.userId ? -1 : 1);

  describe("choosing", () => {
    test("makes a user who was not there, counts the choices, and leaves the rest alone", async () => {
      const userId = randomUUID();
      expect(await store.choosePresence(userId, "busy")).toEqual(newUser(userId, { choice: "busy", choiceVersion: 1 }));
      await store.putUser(userId, "Ada");
      const chosen = newUser(userId, { name: "Ada", choice: "idle", choiceVersion: 2 });
      expect(await store.choosePresence(userId, "idle")).toEqual(chosen);
      expect((await store.users([userId])).get(userId)).toEqual(chosen);
      expect((await load(store, { users: [userId] })).users).toEqual([chosen]);
    });

    test("to show oneself moves hidden receipts over the visible ones, and reports both so", async () => {
      const user = randomUUID();
      const [read_, unread] = [await createRoom(store, [user]), await createRoom(store, [user])];
      const first = await send(store, read_);
      const second = await send(store, read_);
      const elsewhere = await send(store, unread);
      const visible = await read(store, first, user);
      await store.choosePresence(user, "appear_offline");
      const hidden = await read(store, second, user, true);
      const onlyHidden = await read(store, elsewhere, user, true);
      expect(await receiptsOf(read_, user)).toEqual(expect.arrayContaining([visible, hidden]));
      await send(store, read_);
      await store.choosePresence(user, "appear_offline");
      expect(await told(store, [user, read_, unread])).toEqual([
        [user, { kind: "user changed" }],
        [user, { kind: "user changed" }],
      ]);
      await store.choosePresence(user, "idle");
      const shown = [
        { ...hidden, hidden: false, stampSeq: 4 },
        { ...onlyHidden, hidden: false },
      ];
      expect(await receiptsOf(read_, user)).toEqual([shown[0]]);
      expect(await receiptsOf(unread, user)).toEqual([shown[1]]);
      const frames = await told(store, [user, read_, unread], 3);
      expect(frames).toHaveLength(5);
      expect(frames).toEqual(
        expect.arrayContaining([
          [user, { kind: "user changed" }],
          ...shown.map((row) => [row.roomId, { kind: "receipts", receipts: [receiptOf(row)] }]),
        ]),
      );
      expect(await store.receiptsSince(new Map([[read_, 4]]))).toContainEqual(shown[0]);
    });

    test("leaves no receipt hidden that a commit was just about to hide", async ({ skip }) => {
      const { server } = stage;
      if (server === undefined) return skip("Calls in one process never overlap: each is one step.");
      const user = randomUUID();
      const roomId = await createRoom(store, [user]);
      const [first, second] = [await send(store, roomId), await send(store, roomId)];
      await store.choosePresence(user, "appear_offline");
      await read(store, first, user, true);
      await server.beside.sql`begin`;
      await server.beside.sql`select from users where user_id = ${user} for update`;
      const shows = store.choosePresence(user, "online");
      await waiting(server.beside, 1);
      const reads = read(store, second, user, true);
      await waiting(server.beside, 2);
      await server.beside.sql`commit`;
      await Promise.all([shows, reads]);
      const rows = await receiptsOf(roomId, user);
      expect(rows).toMatchObject([{ hidden: false, messageId: second.messageId }]);
      // The room learns of both, each by the transaction that showed it.
      expect(await told(store, [roomId])).toEqual([
        [roomId, { kind: "receipts", receipts: [expect.objectContaining({ messageId: first.messageId })] }],
        [roomId, { kind: "receipts", receipts: rows.map(receiptOf) }],
      ]);
    });

    test("loses no receipt, and leaves none hidden, while people hide, show themselves and read all at once", async () => {
      const people = [randomUUID(), randomUUID(), randomUUID()];
      const rooms = await Promise.all([1, 2, 3].map(() => createRoom(store, people)));
      const pairs = rooms.flatMap((roomId) => people.map((userId) => ({ roomId, userId })));
      // Each of many commits reads one message more of every room for all users, hidden or not as they chose.
      const readOn = () =>
        store.commit({ ...NEEDS, receipts: pairs, users: people }, ({ receipts, users }, readAt) => ({
          ...NONE,
          receipts: pairs.map(({ roomId, userId }) => {
            const own = receipts.filter((row) => row.roomId === roomId && row.userId === userId);
            const place = Math.max(0, ...own.map(({ messageOrdinal }) => messageOrdinal)) + 1;
            const hidden = users.some((user) => user.userId === userId && user.choice === "appear_offline");
            const message = { messageId: randomUUID(), eventId: null, messageSeq: place, messageOrdinal: place };
            return { roomId, userId, hidden, private: false, ...message, readAt, stampSeq: 1 };
          }),
        }));
      const waver = async (userId: string) => {
        for (let turn = 0; turn < 20; turn++)
          await store.choosePresence(userId, turn % 2 === 0 ? "appear_offline" : "online");
      };
      await Promise.all([...people.map(waver), ...Array.from({ length: 40 }, readOn)]);
      const { receipts } = await load(store, { receipts: pairs });
      expect(receipts.map(({ hidden, messageOrdinal }) => ({ hidden, messageOrdinal }))).toEqual(
        pairs.map(() => ({ hidden: false, messageOrdinal: 40 })),
      );
    });

    test("hidden receipts are among what a session may have missed: the caller knows whose they are", async () => {
      const user = randomUUID();
      const roomId = await createRoom(store, [user]);
      await store.choosePresence(user, "appear_offline");
      const hidden = await read(store, await send(store, roomId), user, true);
      expect(await store.receiptsSince(new Map([[roomId, 1]]))).toEqual([hidden]);
    });
  });

  describe("activity", () => {
    test("is noted for users who exist, and only ever later", async () => {
      const [ada, bob, nobody] = [randomUUID(), randomUUID(), randomUUID()];
      await store.putUser(ada, "Ada");
      await store.putUser(bob, "Bob");
      const [early, late] = [new Date(1_000), new Date(2_000)];
      const noted = (at: Date) => new Map([ada, nobody, bob].map((userId) => [userId, at]));
      await Promise.all([noted(late), noted(early), noted(late)].map((active) => store.saveLastActive(active)));
      const users = await store.users([ada, bob, nobody]);
      expect(users.get(ada)).toEqual(newUser(ada, { name: "Ada", activeAt: late }));
      expect(users.get(bob)).toMatchObject({ activeAt: late });
      expect(users.has(nobody)).toBe(false);
      await store.saveLastActive(new Map());
    });
  });

  describe("companions", () => {
    test("are those who exist and share a room that stands now, and the user; a service has everybody", async () => {
      const [me, here, left, gone, stranger, unknown] = Array.from({ length: 6 }, () => randomUUID());
      const asked = [me!, here!, left!, gone!, stranger!, unknown!];
      const known = asked.slice(0, 5);
      await Promise.all(known.map((userId) => store.putUser(userId, null)));
      const roomId = await createRoom(store, [me!, here!, left!, unknown!]);
      await leave(store, roomId, left!);
      await deleteRoom(store, await createRoom(store, [me!, gone!]));
      await createRoom(store, [gone!, stranger!]);
      const found = await store.visibleUsers(me!, false, asked);
      expect([...found.keys()].toSorted()).toEqual([me!, here!].toSorted());
      expect(found.get(here!)).toEqual(newUser(here!));
      expect([...(await store.visibleUsers("backend", true, asked)).keys()].toSorted()).toEqual(known.toSorted());
      expect(await store.visibleUsers(randomUUID(), false, asked)).toEqual(new Map());
    });
  });

  describe("names", () => {
    /** The users that the name leads to in the room. */
    const whom = async (roomId: string, name: string) =>
      (await load(store, { names: [{ roomId, name }] })).named.map((row) => row.userId);

    test("lead to the one member who has them in the room", async () => {
      const [ada, twin, eve] = [randomUUID(), randomUUID(), randomUUID()];
      const name = `Ada ${ada}`;
      await Promise.all([store.putUser(ada, name), store.putUser(twin, name), store.putUser(eve, "Eve")]);
      const [alone, together] = [await createRoom(store, [ada, eve]), await createRoom(store, [ada, twin])];
      const names = [alone, together].map((roomId) => ({ roomId, name }));
      expect((await load(store, { names: [...names, ...names] })).named).toEqual([
        { roomId: alone, name, userId: ada },
      ]);
      await leave(store, together, twin);
      expect(await whom(together, name)).toEqual([ada]);
      expect(await whom(together, name.toLowerCase())).toEqual([]);
    });

    test("lead there too when very many people elsewhere have the same", async () => {
      const [ada, twin] = [randomUUID(), randomUUID()];
      const name = `Popular ${ada}`;
      const others = Array.from({ length: 200 }, (_, n) => newUser(`${name} ${n}`, { name }));
      await store.commit(NEEDS, () => ({ ...NONE, users: others }));
      await Promise.all([store.putUser(ada, name), store.putUser(twin, name)]);
      const [alone, together] = [await createRoom(store, [ada, "eve"]), await createRoom(store, [ada, twin])];
      expect(await whom(alone, name)).toEqual([ada]);
      expect(await whom(together, name)).toEqual([]);
    });
  });

  describe("sections and markers", () => {
    test("a section replaces its predecessor; one without a body is there no more", async () => {
      const roomId = await createRoom(store);
      const put = (section: string, body: Record<string, unknown> | null) =>
        change(store, roomId, {}, () => ({ sections: [{ roomId, section: section, body }] }));
      const partsOf = async () => (await load(store, { sections: [{ roomId, section: "plan" }] })).sections;
      await put("plan", { z: 1, a: "é" });
      await put("plan", { title: "next" });
      await put("call", { id: "1" });
      expect(await partsOf()).toEqual([{ roomId, section: "plan", body: { title: "next" } }]);
      await put("plan", null);
      expect(await partsOf()).toEqual([]);
      const { sections } = (await store.roomState(roomId, "ada", false))!;
      expect(sections).toEqual([{ roomId, section: "call", body: { id: "1" } }]);
    });

    test("a marker moves forwards and backwards", async () => {
      const roomId = await createRoom(store);
      const [first, second] = [await send(store, roomId), await send(store, roomId)];
      for (const { messageId } of [first, second, first]) {
        const markers = [{ roomId, userId: "ada", messageId }];
        await store.commit({ ...NEEDS, rooms: [roomId] }, () => ({ ...NONE, markers }));
        expect((await store.roomState(roomId, "ada", false))?.markerId).toBe(messageId);
      }
    });
  });

  describe("mutes and snoozes", () => {
    test("a mute lasts until it is over, replaced or ended, for members of a room that stands", async () => {
      const user = randomUUID();
      const [roomId, deleted] = [await createRoom(store, ["ada", user]), await createRoom(store, [user])];
      const muted = async () => {
        const { mutedUntil } = (await store.roomState(roomId, user, false))!;
        expect((await countsOf(roomId, user)).mutedUntil).toEqual(mutedUntil);
        return mutedUntil;
      };
      for (const until of [soon(), new Date(soon().getTime() + 1)]) {
        expect(await store.mute(roomId, user, until)).toBe(true);
        expect(await muted()).toEqual(until);
      }
      expect((await store.roomState(roomId, "ada", false))?.mutedUntil).toBeNull();
      expect(await store.mute(roomId, user, over())).toBe(true);
      expect(await muted()).toBeNull();
      await store.mute(roomId, user, soon());
      expect(await store.mute(roomId, user, null)).toBe(true);
      expect(await muted()).toBeNull();
      await deleteRoom(store, deleted);
      for (const [room, who] of [
        [roomId, randomUUID()],
        [deleted, user],
        [randomUUID(), user],
      ] as const) {
        expect([await store.mute(room, who, soon()), await store.mute(room, who, null)]).toEqual([false, false]);
      }
    });

    test("a snooze lasts until it is over, replaced or ended, for members and messages that are there", async () => {
      const user = randomUUID();
      const roomId = await createRoom(store, [user]);
      const [first, second] = [(await send(store, roomId)).messageId, (await send(store, roomId)).messageId];
      const snoozed = async () => (await store.roomState(roomId, user, false))!.snoozed.toSorted();
      expect(await store.snooze(roomId, user, first, soon())).toBe(true);
      expect(await store.snooze(roomId, user, second, over())).toBe(true);
      expect(await snoozed()).toEqual([first]);
      expect(await store.snooze(roomId, user, second, soon())).toBe(true);
      expect(await store.snooze(roomId, user, first, soon())).toBe(true);
      expect(await snoozed()).toEqual([first, second].toSorted());
      expect(await store.snooze(roomId, user, first, null)).toBe(true);
      expect(await store.snooze(roomId, user, first, null)).toBe(true);
      expect(await snoozed()).toEqual([second]);
      const elsewhere = (await send(store, await createRoom(store, [user]))).messageId;
      for (const id of [randomUUID(), "$event:matrix.org", elsewhere]) {
        expect([await store.snooze(roomId, user, id, soon()), await store.snooze(roomId, user, id, null)]).toEqual([
          false,
          false,
        ]);
      }
      expect(await store.snooze(roomId, randomUUID(), first, soon())).toBe(false);
    });
  });

  describe("the state of a room", () => {
    test("is everything of it, as one member sees it", async () => {
      const [ada, bob, eve] = [randomUUID(), randomUUID(), randomUUID()];
      const roomId = await createRoom(store, [ada, bob, eve]);
      await store.putUser(ada, "Ada");
      const activeAt = new Date(1_234_567);
      await store.saveLastActive(new Map([[ada, activeAt]]));
      const message = await send(store, roomId, ada, { mentions: [bob], eventId: "$1" });
      const receipt = await read(store, message, ada);
      await leave(store, roomId, eve);
      const state = (await store.roomState(roomId, bob, false))!;
      const { joinedAt } = (await load(store, { members: [{ roomId, userId: ada }] })).members[0]!;
      const member = { name: null, role: "member", joinedAt: joinedAt.toISOString(), activeAt: null, read: null };
      expect(state).toEqual({
        room: (await load(store, { rooms: [roomId] })).rooms[0],
        roomId,
        userId: bob,
        unread: 1,
        mentions: 1,
        mutedUntil: null,
        members: [
          { ...member, userId: ada, name: "Ada", role: "owner", activeAt, read: readOf(receipt) },
          { ...member, userId: bob },
        ].toSorted(byUser),
        sections: [],
        lastReadId: null,
        markerId: null,
        snoozed: [],
      });
      expect(JSON.stringify(state.room.metadata)).toBe(JSON.stringify(newRoom(roomId, joinedAt).metadata));
    });

    test("is null for strangers, former members and deleted rooms; a service sees any room that stands", async () => {
      const [user, former] = [randomUUID(), randomUUID()];
      const [roomId, deleted] = [await createRoom(store, [user, former]), await createRoom(store, [user])];
      await leave(store, roomId, former);
      await deleteRoom(store, deleted);
      expect(await store.roomState(roomId, former, false)).toBeNull();
      expect(await store.roomState(roomId, randomUUID(), false)).toBeNull();
      expect(await store.roomState(deleted, user, false)).toBeNull();
      expect(await store.roomState(deleted, "backend", true)).toBeNull();
      expect(await store.roomState(randomUUID(), "backend", true)).toBeNull();
      expect((await store.roomState(roomId, "backend", true))?.members).toHaveLength(1);
    });

    test("lists members by the time of joining", async () => {
      const [early, late] = ["zoe", "ann"].map((name) => `${name}-${randomUUID()}`);
      const roomId = await createRoom(store, [early!]);
      await change(store, roomId, {}, (joinedSeq, _, now) => ({
        members: [
          {
            roomId,
            userId: late!,
            role: "member",
            joinedAt: new Date(now.getTime() + 1),
            joinedSeq,
            firstSeq: joinedSeq,
            leftSeq: null,
          },
        ],
      }));
      const { members } = (await store.roomState(roomId, early!, false))!;
      expect(members.map(({ userId }) => userId)).toEqual([early, late]);
    });
  });

  const readOf = ({ messageId, eventId, readAt }: ReceiptRow) => ({ messageId, eventId, readAt: readAt.toISOString() });
});
