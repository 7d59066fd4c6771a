/** Lists of messages, searches in them, and statistics of them: against the plainest way to find the same. */
import { randomUUID } from "node:crypto";
import type { MessageRow } from "@signalbox/core/model/rows";
import { uuidv7 } from "@signalbox/core/model/uuid";
import type { Projection, ProjectionFilter, Statistics, Store } from "@signalbox/core/ports/store";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createRoom, deleteRoom, leave, NEEDS, NONE, newMessage, newRoom, remove, revise, send } from "./store-rows.ts";
import { type StoreUnderTest, stores } from "./stores.ts";

describe.each(stores)("the store $name", ({ start }) => {
  let stage: StoreUnderTest;
  let store: Store;

  beforeAll(async () => {
    stage = await start();
    ({ store } = stage);
  });
  afterAll(() => stage.stop());

  const ALL: ProjectionFilter = {
    roomId: null,
    type: null,
    hasFile: null,
    senderId: null,
    threadRoot: null,
    from: null,
    until: null,
    words: null,
    after: null,
  };
  const FILE = { filename: "a.png", mime_type: "image/png", size: 1, mxc_uri: "mxc://matrix.org/a" };

  /** A message sent at this time, as its id says too. */
  const sendAt = (roomId: string, ms: number, fields: Partial<MessageRow> = {}, senderId = "ada") =>
    send(store, roomId, senderId, { sentAt: new Date(ms), messageId: uuidv7(ms), ...fields });

  const listed = async (userId: string, filter: Partial<ProjectionFilter>, limit = 100) =>
    (await store.projections(userId, false, { ...ALL, ...filter }, limit)).map(({ messageId }) => messageId);

  const ids = (...messages: readonly MessageRow[]) => messages.map(({ messageId }) => messageId);

  function projected({ mentions: _, textMentions: __, clientMessageId: ___, ...message }: MessageRow): Projection {
    return message;
  }

  describe("a list of projections", () => {
    test("holds messages as they are now, deleted ones too, by the time at which they were sent, whenever they came", async () => {
      const user = randomUUID();
      const roomId = await createRoom(store, [user]);
      const late = await sendAt(roomId, 3_000, {
        file: FILE,
        type: "m.image",
        eventId: `$${user}`,
        threadRoot: "$root",
      });
      const early = await sendAt(roomId, 1_000);
      const middle = await remove(store, await sendAt(roomId, 2_000));
      const page = await store.projections(user, false, { ...ALL, roomId }, 10);
      expect(page).toEqual([late, middle, early].map(projected));
      expect(await listed(user, { roomId }, 2)).toEqual(ids(late, middle));
    });

    test("is of all rooms that stand and that the user is a member of; a service sees every room that stands", async () => {
      const [user, ms] = [randomUUID(), Date.UTC(2040, 0)];
      const rooms = await Promise.all([1, 2, 3, 4].map(() => createRoom(store, ["ada", user])));
      const [here, there, gone, left] = rooms as [string, string, string, string];
      const elsewhere = await createRoom(store);
      const sent = [];
      for (const [nth, roomId] of [here, there, gone, left, elsewhere, there].entries())
        sent.push(await sendAt(roomId, ms + nth));
      await deleteRoom(store, gone);
      await leave(store, left, user);
      const [first, second, , third, fourth, last] = sent as [MessageRow, MessageRow, MessageRow, ...MessageRow[]];
      expect(await listed(user, {})).toEqual(ids(last!, second, first));
      expect(await listed(user, {}, 1)).toEqual(ids(last!));
      for (const roomId of [gone, left, elsewhere, randomUUID()]) expect(await listed(user, { roomId })).toEqual([]);
      const any = await store.projections("backend", true, { ...ALL, from: new Date(ms) }, 100);
      expect(any.map(({ messageId }) => messageId)).toEqual(ids(last!, fourth!, third!, second, first));
      const one = await store.projections("backend", true, { ...ALL, roomId: elsewhere }, 100);
      expect(one).toEqual([projected(fourth!)]);
      expect(await store.projections("backend", true, { ...ALL, roomId: gone }, 100)).toEqual([]);
    });

    const filters = fc.record({
      type: fc.constantFrom(null, "m.text", "m.image", "m.nothing"),
      hasFile: fc.constantFrom(null, true, false),
      sender: fc.constantFrom(null, "ada", "bob", "nobody"),
      threadRoot: fc.constantFrom(null, "$1", "$2", "$3"),
      from: fc.option(fc.nat(12), { nil: null }),
      until: fc.option(fc.nat(12), { nil: null }),
      words: fc.constantFrom(null, "common", "odd", "odd common", "-odd", '"number 7"', "none", ""),
      after: fc.option(fc.nat(23), { nil: null }),
      everywhere: fc.boolean(),
      limit: fc.integer({ min: 1, max: 30 }),
    });

    test("lets through what every filter lets through, in any combination, in one room or in all", async () => {
      const user = randomUUID();
      const rooms = [await createRoom(store, [user]), await createRoom(store, [user])];
      const sent: MessageRow[] = [];
      for (let n = 0; n < 24; n++) {
        const fields = {
          content: `Common, number ${n} ${n % 2 === 1 ? "ODD" : ""}`,
          type: n % 3 === 0 ? "m.image" : "m.text",
          file: n % 3 === 0 || n % 5 === 0 ? FILE : null,
          threadRoot: n % 4 === 0 ? `$${1 + (n % 3)}` : null,
        };
        sent.push(await sendAt(rooms[n % 5 === 0 ? 1 : 0]!, (n >> 1) * 1_000, fields, n % 7 === 0 ? "bob" : "ada"));
      }
      const newest = sent.toSorted((a, b) => (a.messageId < b.messageId ? 1 : -1));
      const property = fc.asyncProperty(filters, async ({ everywhere, sender, from, until, after, limit, ...rest }) => {
        const at = (seconds: number | null) => (seconds === null ? null : new Date(seconds * 1_000));
        const filter = {
          ...rest,
          roomId: everywhere ? null : rooms[0]!,
          senderId: sender,
          from: at(from),
          until: at(until),
          after: after === null ? null : sent[after]!.messageId,
        };
        const expected = newest.filter((message) => passes(message, filter)).slice(0, limit);
        expect(await store.projections(user, false, filter, limit)).toEqual(expected.map(projected));
      });
      await fc.assert(property, { numRuns: 200 });
    });

    test("neither skips nor repeats, page by page, while messages arrive", async () => {
      const user = randomUUID();
      const rooms = [await createRoom(store, [user]), await createRoom(store, [user])];
      const before = [];
      for (let n = 0; n < 20; n++) before.push(await sendAt(rooms[n % 2]!, n));
      const found: string[] = [];
      for (let after: string | null = null; ; ) {
        const page = await listed(user, { after }, 3);
        found.push(...page);
        if (page.length < 3) break;
        after = page.at(-1)!;
        await sendAt(rooms[0]!, 1_000 + found.length);
      }
      expect(found).toEqual(ids(...before.toReversed()));
    });
  });

  /** The filter in the plainest way; words as the test above has them. */
  function passes(message: MessageRow, filter: ProjectionFilter): boolean {
    const { roomId, type, hasFile, senderId, threadRoot, from, until, words, after } = filter;
    const text = message.content.toLowerCase();
    const searched: Record<string, boolean> = {
      common: true,
      odd: text.includes("odd"),
      "odd common": text.includes("odd"),
      "-odd": !text.includes("odd"),
      '"number 7"': text.includes("number 7 "),
    };
    return [
      roomId === null || message.roomId === roomId,
      type === null || message.type === type,
      hasFile === null || (message.file !== null) === hasFile,
      senderId === null || message.senderId === senderId,
      threadRoot === null || message.threadRoot === threadRoot,
      from === null || message.sentAt >= from,
      until === null || message.sentAt < until,
      words === null || searched[words] === true,
      after === null || message.messageId < after,
    ].every(Boolean);
  }

  describe("a search", () => {
    const found = async (contents: readonly string[], words: string): Promise<readonly string[]> => {
      const user = randomUUID();
      const roomId = await createRoom(store, [user]);
      for (const [ms, content] of contents.entries()) await sendAt(roomId, ms, { content });
      const filter = { ...ALL, words };
      const [here, all] = [
        await store.projections(user, false, { ...filter, roomId }, 10),
        await store.projections(user, false, filter, 10),
      ];
      expect(all).toEqual(here);
      return here.map(({ content }) => content);
    };

    test("finds words, however they are written, wherever they stand in the preview", async () => {
      expect(await found(["see the Ünder-Writer", "nothing"], "ünder-writer")).toEqual(["see the Ünder-Writer"]);
      expect(await found(["two\nlines\t here", "lines two"], '"two lines"')).toEqual(["two\nlines\t here"]);
      expect(await found(["one", "two", "three"], "one or three")).toEqual(["three", "one"]);
      expect(await found(["日本 text"], "日本")).toEqual(["日本 text"]);
    });

    test("looks no further than the first 200 characters, white space counted once", async () => {
      const far = `${"x ".repeat(100)}needle`;
      const near = `${"x  ".repeat(90)}\n\n\nneedle${" y".repeat(100)}`;
      const wide = `${" ".repeat(5_000)}needle`;
      expect(await found([far, near, wide], "needle")).toEqual([wide, near]);
    });

    test("takes any input, and finds nothing by one without words", async () => {
      const room = randomUUID();
      const odd = ["", " ", "!!!", "'", '"', "\\", "a & | ! ( <-> :*", '"unclosed', "-", "or or or", "\ud800", "😀"];
      const long = [
        "x".repeat(10_000),
        "x ".repeat(10_000),
        "(".repeat(10_000),
        "-".repeat(10_000),
        "a or ".repeat(5_000),
      ];
      for (const words of [...odd, ...long, room, `@${room}`]) expect(await found(["some text"], words)).toEqual([]);
      const signs = fc.string({ unit: fc.constantFrom(...`-"'()|&!:*<>\\ ..orx5é`), maxLength: 300 });
      const user = randomUUID();
      const roomId = await createRoom(store, [user]);
      await sendAt(roomId, 1, { content: "some text" });
      const taken = fc.asyncProperty(signs, async (words) => void (await listed(user, { roomId, words })));
      await fc.assert(taken, { numRuns: 300 });
    });

    test("does not find a room by its id, and forgets what was edited away or deleted", async () => {
      const user = randomUUID();
      const roomId = await createRoom(store, [user]);
      const other = await createRoom(store, [user]);
      const named = await sendAt(other, 1, { content: `go to ${roomId} or @${roomId}` });
      const edited = await sendAt(roomId, 2, { content: "former" });
      const deleted = await sendAt(roomId, 3, { content: "former" });
      expect(await listed(user, { words: roomId })).toEqual(ids(named));
      expect(await listed(user, { words: `"@${roomId}"`, roomId })).toEqual([]);
      await revise(store, edited, { content: "latter" });
      await remove(store, deleted);
      expect(await listed(user, { words: "former" })).toEqual([]);
      expect(await listed(user, { words: "latter" })).toEqual(ids(edited));
    });

    test("finds what is far back among thousands, in one room or in all, for a member or a service", async () => {
      const user = randomUUID();
      const word = `w${user.replaceAll("-", "")}`;
      const roomId = await createRoom(store, [user]);
      const rare = await sendAt(roomId, 1, { content: `a ${word}` });
      await manyMessages(roomId, 2_100);
      const filter = { ...ALL, words: word };
      for (const asked of [filter, { ...filter, roomId }, { ...filter, senderId: "ada", from: new Date(1) }]) {
        expect(await store.projections(user, false, asked, 10)).toEqual([projected(rare)]);
        expect(await store.projections("backend", true, asked, 10)).toEqual([projected(rare)]);
        expect(await store.projections(randomUUID(), false, asked, 10)).toEqual([]);
        expect(await store.projections(user, false, { ...asked, hasFile: true }, 10)).toEqual([]);
      }
      await deleteRoom(store, roomId);
      expect(await store.projections("backend", true, filter, 10)).toEqual([]);
    });

    /** Messages that came after the others, in one commit. */
    async function manyMessages(roomId: string, count: number): Promise<void> {
      const message = await sendAt(roomId, 2);
      await store.commit({ ...NEEDS, rooms: [roomId] }, (_, now) => ({
        ...NONE,
        messages: Array.from({ length: count }, (__, n) => ({
          ...message,
          seq: message.seq + 1 + n,
          ordinal: message.ordinal + 1 + n,
          messageId: uuidv7(now.getTime() + n),
        })),
      }));
    }
  });

  describe("one projection", () => {
    test("is found by either id, by members of its room while it stands, and by a service", async () => {
      const user = randomUUID();
      const roomId = await createRoom(store, [user]);
      const message = await sendAt(roomId, 1, { eventId: `$${randomUUID()}` });
      for (const id of [message.messageId, message.eventId!]) {
        expect(await store.projection(user, false, id)).toEqual(projected(message));
        expect(await store.projection("backend", true, id)).toEqual(projected(message));
        expect(await store.projection(randomUUID(), false, id)).toBeNull();
      }
      for (const id of [randomUUID(), "$nothing", "$"]) expect(await store.projection(user, false, id)).toBeNull();
      await deleteRoom(store, roomId);
      expect(await store.projection(user, false, message.messageId)).toBeNull();
      expect(await store.projection("backend", true, message.eventId!)).toBeNull();
    });
  });

  const step = fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({
        does: fc.constant("send" as const),
        ms: fc.nat(20),
        type: fc.constantFrom("m.text", "m.image", "m.odd"),
        file: fc.boolean(),
        threadRoot: fc.constantFrom(null, "$1", "$2"),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        does: fc.constant("edit" as const),
        at: fc.nat(),
        type: fc.constantFrom("m.text", "m.image"),
        file: fc.boolean(),
      }),
    },
    { weight: 3, arbitrary: fc.record({ does: fc.constant("delete" as const), at: fc.nat() }) },
  );
  type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

  async function take(roomId: string, messages: MessageRow[], step: Step): Promise<void> {
    if (step.does === "send") {
      const { ms, type, file, threadRoot } = step;
      messages.push(await sendAt(roomId, ms, { type, file: file ? FILE : null, threadRoot }));
      return;
    }
    if (messages.length === 0) return;
    const index = step.at % messages.length;
    const message = messages[index]!;
    if (message.deleteSeq !== null) return;
    if (step.does === "delete") messages[index] = await remove(store, message);
    else messages[index] = await revise(store, message, { type: step.type, file: step.file ? FILE : null });
  }

  function counted(messages: readonly MessageRow[]): Statistics {
    const standing = messages.filter(({ deleteSeq }) => deleteSeq === null);
    const byType = new Map<string, number>();
    for (const { type } of standing) byType.set(type, (byType.get(type) ?? 0) + 1);
    const times = standing.map(({ sentAt }) => sentAt.getTime());
    return {
      total: standing.length,
      byType,
      attachments: standing.filter(({ file }) => file !== null).length,
      threads: new Set(standing.flatMap(({ threadRoot }) => threadRoot ?? [])).size,
      firstAt: times.length === 0 ? null : new Date(Math.min(...times)),
      lastAt: times.length === 0 ? null : new Date(Math.max(...times)),
    };
  }

  describe("statistics", () => {
    test("are what a recount finds, after any sends, edits and deletes", async () => {
      const property = fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 30 }), async (steps) => {
        const roomId = await createRoom(store);
        const messages: MessageRow[] = [];
        for (const each of steps) {
          await take(roomId, messages, each);
          expect(await store.statistics(roomId, "ada", false)).toEqual(counted(messages));
        }
      });
      await fc.assert(property, { numRuns: 60 });
    });

    test("count what one commit makes and deletes, in several rooms, new ones among them", async () => {
      const [known, fresh] = [await createRoom(store), randomUUID()];
      const old = await sendAt(known, 1, { threadRoot: "$1", file: FILE, type: "m.file" });
      let made: MessageRow[] = [];
      const needs = { ...NEEDS, rooms: [known, fresh], messages: [{ roomId: known, messageId: old.messageId }] };
      await store.commit(needs, (_, now) => {
        const sent = (roomId: string, seq: number, fields: Partial<MessageRow> = {}) => ({
          ...newMessage(roomId, seq, "ada", now, seq),
          ...fields,
        });
        const gone = { deleteSeq: 9, deletedAt: now, deletedBy: "ada" };
        made = [
          { ...old, ...gone, threadRoot: null, file: null, type: "m.text" },
          sent(known, 7, { type: "m.image", threadRoot: "$2" }),
          sent(known, 8, gone),
          sent(fresh, 2, { file: FILE }),
          sent(fresh, 3, { threadRoot: "$1" }),
          sent(fresh, 4, { threadRoot: "$1" }),
        ];
        const place = { joinedSeq: 1, firstSeq: 1, leftSeq: null };
        const members = [{ roomId: fresh, userId: "ada", role: "owner" as const, joinedAt: now, ...place }];
        return { ...NONE, rooms: [newRoom(fresh, now)], members, messages: made };
      });
      for (const room of [known, fresh])
        expect(await store.statistics(room, "ada", false)).toEqual(
          counted(made.filter(({ roomId }) => roomId === room)),
        );
    });

    test("of an empty room are zeros; strangers, former members and deleted rooms have none", async () => {
      const [user, former] = [randomUUID(), randomUUID()];
      const [roomId, deleted] = [await createRoom(store, [user, former]), await createRoom(store, [user])];
      await leave(store, roomId, former);
      await deleteRoom(store, deleted);
      expect(await store.statistics(roomId, user, false)).toEqual(counted([]));
      expect(await store.statistics(roomId, "backend", true)).toEqual(counted([]));
      for (const [room, who, service] of [
        [roomId, former, false],
        [roomId, randomUUID(), false],
        [deleted, user, false],
        [deleted, "backend", true],
        [randomUUID(), "backend", true],
      ] as const)
        expect(await store.statistics(room, who, service)).toBeNull();
    });
  });
});
