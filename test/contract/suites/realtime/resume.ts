/** CONTRACT sections 2 and 4: a resume from cursors. */
import { describe, expect, test } from "vitest";
import type { Fields } from "../../../support/arrivals.ts";
import { cursorOf, seqIn } from "../../../support/cursors.ts";
import { dataOf, type Room } from "../../../support/http.ts";
import { range, times } from "../../../support/lists.ts";
import type { Client } from "../../../support/socket-client.ts";
import type { Person, World } from "../../../support/world.ts";
import { endOf } from "../../support/cursors.ts";
import { NOTHING } from "../../support/shapes.ts";

export function resume(world: World): void {
  describe("a resume", () => {
    replay(world);
    cursors(world);
    resets(world);
    roomsThatWent(world);
  });
}

/** A session that is READY and has not sent its RESUME. */
const beforeResume = (person: Person, door: 0 | 1 = 0): Promise<Client> => person.connects(door, "?resume=1");

function replay(world: World): void {
  test("replays each room after its seq, in order, then sends RESUMED and is live", async () => {
    const { alice, bob, chatId } = await world.chat();
    const other = await alice.makesRoom(bob);
    await times(20, (index) => alice.says(index % 2 === 0 ? chatId : other, `message ${index}`));
    const client = await beforeResume(bob, 1);
    const ends = { [chatId]: await endOf(bob, chatId), [other]: await endOf(bob, other) };
    expect(Object.values(ends).map(seqIn)).toEqual([11, 11]);
    expect(client.frames[0]?.rooms).toEqual(ends);
    await client.resumes({ [chatId]: 4, [other]: 0 });
    expect(client.seqs(chatId)).toEqual(range(5, 11));
    expect(client.seqs(other)).toEqual(range(1, 11));
    const types = client.frames.map(({ type }) => type);
    expect(types.indexOf("RESUMED")).toBeGreaterThan(types.lastIndexOf("SEND_MSG"));
    expect(client.of("RESUMED")).toStrictEqual([{ type: "RESUMED" }]);
    await client.receives({ messageId: (await alice.says(chatId, "live")).messageId });
    expect(client.seqs(chatId)).toEqual(range(5, 12));
  });

  test("replays every kind of event as it was sent, but for texts that were taken back", async () => {
    const { alice, bob, carol, chatId } = await world.chat();
    const witness = await bob.connects(0);
    await alice.says(chatId, "kept", { mentions: [bob.id], clientMessageId: "kept" });
    const { messageId } = await alice.says(chatId, "text", { mentions: [bob.id], clientMessageId: "id" });
    await alice.acts({ type: "EDIT_MSG", chatId, messageId, message: "edited" });
    await bob.acts({ type: "REPLY", chatId, messageId, message: "reply" });
    const reaction = await bob.acts({ type: "REACT", chatId, messageId, reaction: "+" });
    await bob.acts({ type: "DELETE_REACT", reactionId: reaction.messageId });
    await alice.acts({ type: "DELETE_MSG", chatId, messageId });
    await alice.adds(chatId, carol);
    await alice.asks("PATCH", `/v1/rooms/${chatId}`, { name: "Another name" });
    await alice.removes(chatId, carol);
    await witness.receives({ type: "USER_LEAVE" });
    const client = await beforeResume(bob, 1);
    await client.resumes({ [chatId]: 1 });
    const sent = witness.events(chatId);
    const gone = { message: "", deleted: true };
    expect(client.events(chatId)).toEqual(
      sent.map((event) => {
        const { mentions: _, ...plain } = event as unknown as Fields;
        if (event.type === "SEND_MSG" && event.messageId === messageId) return { ...plain, ...gone };
        if (event.type === "EDIT_MSG") return { ...plain, ...gone };
        if (event.type === "REPLY") return { ...plain, replyTo: { ...event.replyTo, content: "" } };
        return event.type === "REACT" ? { ...plain, message: "" } : event;
      }),
    );
    expect(client.seqs(chatId)).toEqual(range(2, 11));
  });

  test("delivers nothing between READY and RESUME, and all of it once after", async () => {
    const { alice, bob, chatId } = await world.chat();
    const [waiting, live] = [await beforeResume(bob, 1), await bob.connects(1)];
    await alice.says(chatId, "while it waits");
    await alice.acts({ type: "TYPING", chatId });
    await live.receives({ type: "TYPING" });
    await waiting.settled();
    expect(waiting.frames.map(({ type }) => type)).toEqual(["READY", "PONG"]);
    await waiting.resumes({});
    await waiting.receives({ messageId: (await alice.says(chatId, "after")).messageId });
    expect(waiting.seqs(chatId)).toEqual([2, 3]);
  });

  test("under load loses nothing and delivers nothing twice", async () => {
    const { alice, bob, chatId } = await world.chat();
    await times(60, (index) => alice.says(chatId, `before ${index}`));
    const sending = times(100, (index) => alice.says(chatId, `during ${index}`));
    const clients = await times(4, (index) => beforeResume(bob, index % 2 === 0 ? 0 : 1));
    await Promise.all(clients.map((client, index) => client.resumes({ [chatId]: 10 * index })));
    await sending;
    for (const [index, client] of clients.entries()) {
      await client.receives({ chatId, seq: 161 });
      expect(client.seqs(chatId)).toEqual(range(10 * index + 1, 161));
    }
  });

  test("of any length proceeds at the client's speed of reading", async () => {
    const [service, { bob, chatId }] = [await world.service(), await world.chat()];
    const message = "m".repeat(32_768);
    // Ten times the most that may wait for a session.
    await times(320, () => service.says(chatId, message));
    const [slow, quick] = [await beforeResume(bob, 0), await beforeResume(bob, 0)];
    slow.stopReading();
    slow.send({ type: "RESUME", rooms: { [chatId]: 1 } });
    await quick.resumes({ [chatId]: 1 });
    await service.says(chatId, "live");
    slow.readOn();
    for (const client of [slow, quick]) {
      await client.receives({ message: "live" });
      await client.receives({ type: "RESUMED" });
      expect(client.seqs(chatId)).toEqual(range(2, 322));
    }
  });

  test("delivers the receipts that changed since the cursor", async () => {
    const { alice, bob, chatId } = await world.chat();
    const { messageId, seq } = await alice.says(chatId, "read this");
    // A gateway that knows the receipt already: one that heard of it during the resume may send it twice.
    const live = await alice.connects(1);
    await bob.acts({ type: "READ_MSG", chatId, messageId });
    await live.receives({ type: "READ_MSG", messageId });
    const client = await beforeResume(alice, 1);
    await client.resumes({ [chatId]: seq - 1 });
    expect(client.of("READ_MSG")).toMatchObject([{ chatId, messageId, senderId: bob.id, recipientId: alice.id }]);
  });

  test("delivers the present typing, as to every new session", async () => {
    const { alice, bob, chatId } = await world.chat();
    await alice.acts({ type: "TYPING", chatId });
    const resumed = await beforeResume(bob, 0);
    await resumed.resumes({ [chatId]: 1 });
    for (const client of [resumed, await bob.connects(1)])
      await client.receives({ type: "TYPING", chatId, senderId: alice.id });
  });
}

function cursors(world: World): void {
  test("continues from READY's cursor in a room that it does not name", async () => {
    const { alice, bob, chatId } = await world.chat();
    const other = await alice.makesRoom(bob);
    await times(4, () => alice.says(chatId, "before"));
    await times(4, () => alice.says(other, "before"));
    const client = await beforeResume(bob);
    await client.resumes({ [other]: 3 });
    await client.receives({ messageId: (await alice.says(chatId, "live")).messageId });
    expect(client.seqs(chatId)).toEqual([6]);
    expect(client.seqs(other)).toEqual([4, 5]);
  });

  test("takes room ids in every form", async () => {
    const { alice, bob, chatId } = await world.chat();
    await alice.says(chatId, "text");
    const client = await beforeResume(bob);
    await client.resumes({ [`room-${chatId.toUpperCase()}`]: 1 });
    expect(client.seqs(chatId)).toEqual([2]);
  });

  test.each<[string, Fields]>([
    ["without rooms", { type: "RESUME" }],
    ["of a list", { type: "RESUME", rooms: ["a"] }],
    ["of malformed room ids", { type: "RESUME", rooms: { nowhere: 1 } }],
    ["from a negative seq", { type: "RESUME", rooms: { [NOTHING]: -1 } }],
    ["from a text that is no cursor", { type: "RESUME", rooms: { [NOTHING]: "one" } }],
    ["from a mark of seven digits", { type: "RESUME", rooms: { [NOTHING]: "1-4f1d09c" } }],
    ["from a mark of capitals", { type: "RESUME", rooms: { [NOTHING]: "1-4F1D09C2" } }],
    ["from a mark out of range", { type: "RESUME", rooms: { [NOTHING]: "1-80000000" } }],
    ["from a negative text", { type: "RESUME", rooms: { [NOTHING]: "-1-4f1d09c2" } }],
    ["from a fractional seq", { type: "RESUME", rooms: { [NOTHING]: 1.5 } }],
  ])("%s is invalid, and can be sent again", async (_, frame) => {
    const { alice, chatId } = await world.chat();
    const client = await beforeResume(alice);
    expect(await client.asks(frame)).toMatchObject({ type: "ERROR", code: "invalid" });
    await client.resumes({ [chatId]: 0 });
    expect(client.seqs(chatId)).toEqual([1]);
  });

  test("of 1,400 rooms replays each from its own seq", async () => {
    const [service, bob] = [await world.service(), await world.person()];
    const make = async () =>
      dataOf<Room>(await service.asks("POST", "/v1/rooms", { name: "One of many", members: [bob.id] }), 201).id;
    const rooms: string[] = [];
    for (let batch = 0; batch < 14; batch++) rooms.push(...(await times(100, make)));
    const first = await beforeResume(bob, 0);
    expect(Object.keys(first.frames[0]!.rooms)).toHaveLength(1400);
    const client = await beforeResume(bob, 1);
    await client.resumes(Object.fromEntries(rooms.map((chatId, index) => [chatId, index % 2])));
    const replayed = client.of("NEW_CHAT").map(({ chatId }) => chatId);
    expect(new Set(replayed)).toEqual(new Set(rooms.filter((_, index) => index % 2 === 0)));
    expect(replayed).toHaveLength(700);
    const last = await service.says(rooms[1399]!, "live");
    await client.receives({ messageId: last.messageId });
  });
}

function resets(world: World): void {
  test("from before the kept events gets a reset, too_old, and is live after that seq", async () => {
    const { alice, bob, chatId } = await world.chat();
    const sent = await times(9, (index) => alice.says(chatId, `message ${index}`));
    await world.sql`delete from events where room_id = ${chatId} and seq <= 5`;
    const old = await beforeResume(bob, 0);
    await old.resumes({ [chatId]: 3 });
    const cursor = cursorOf(sent.find(({ seq }) => seq === 10)!);
    expect(old.of("RESET")).toStrictEqual([{ type: "RESET", chatId, reason: "too_old", seq: 10, cursor }]);
    const kept = await beforeResume(bob, 1);
    await kept.resumes({ [chatId]: 5 });
    expect(kept.of("RESET")).toEqual([]);
    const { messageId } = await alice.says(chatId, "live");
    for (const client of [old, kept]) await client.receives({ messageId });
    expect(old.seqs(chatId)).toEqual([11]);
    expect(kept.seqs(chatId)).toEqual(range(6, 11));
  });

  test("from beyond the room's last seq is reset to it", async () => {
    const { alice, bob, chatId } = await world.chat();
    const client = await beforeResume(bob);
    await client.resumes({ [chatId]: 1000 });
    const cursor = client.frames[0]!.rooms[chatId]!;
    expect(client.of("RESET")).toStrictEqual([{ type: "RESET", chatId, reason: "too_old", seq: 1, cursor }]);
    await client.receives({ messageId: (await alice.says(chatId, "live")).messageId });
    expect(client.seqs(chatId)).toEqual([2]);
  });

  test("of an unknown or foreign room gets a reset, not_member", async () => {
    const { alice, carol, chatId } = await world.chat();
    const client = await beforeResume(carol);
    await client.resumes({ [NOTHING]: 4, [chatId]: 0 });
    expect(client.of("RESET")).toHaveLength(2);
    for (const room of [NOTHING, chatId])
      expect(await client.receives({ type: "RESET", chatId: room })).toStrictEqual({
        type: "RESET",
        chatId: room,
        reason: "not_member",
        seq: expect.any(Number),
        cursor: expect.stringMatching(/^\d+-[0-9a-f]{8}$/),
      });
    await alice.says(chatId, "not for carol");
    const shared = await alice.makesRoom(carol);
    await client.receives({ type: "NEW_CHAT", chatId: shared });
    expect(client.seqs(chatId)).toEqual([]);
  });
}

function roomsThatWent(world: World): void {
  test("of a removed member gets a reset, not_member, and nothing after the USER_LEAVE", async () => {
    const { alice, bob, chatId } = await world.chat();
    await alice.removes(chatId, bob);
    await alice.says(chatId, "not for bob");
    const client = await beforeResume(bob, 1);
    await client.resumes({ [chatId]: 1 });
    expect(client.of("RESET")).toMatchObject([{ chatId, reason: "not_member" }]);
    expect(client.events(chatId).filter(({ seq }) => seq > 2)).toEqual([]);
  });

  test("of a room that was deleted meanwhile gives its DELETE_CHAT alone", async () => {
    const { alice, bob, chatId } = await world.chat();
    const first = await alice.says(chatId, "first words");
    await alice.says(chatId, "last words");
    await alice.asks("DELETE", `/v1/rooms/${chatId}`);
    for (const [door, cursor] of [
      [0, 1],
      [1, 0],
      [0, cursorOf(first)],
    ] as const) {
      const client = await beforeResume(bob, door);
      expect(client.frames[0]?.rooms).toEqual({});
      await client.resumes({ [chatId]: cursor });
      expect(client.events(chatId)).toMatchObject([{ type: "DELETE_CHAT", senderId: alice.id, seq: 4 }]);
      expect(JSON.stringify(client.frames)).not.toContain("words");
    }
  });

  test("is possible once only", async () => {
    const { alice, chatId } = await world.chat();
    const client = await beforeResume(alice);
    await client.resumes({ [chatId]: 0 });
    expect(await client.asks({ type: "RESUME", rooms: { [chatId]: 0 } })).toMatchObject({
      type: "ERROR",
      code: "invalid",
    });
    expect(client.seqs(chatId)).toEqual([1]);
  });
}

/** Tests that wait for seconds; they run beside each other. */
export function resumeOverTime(world: World): void {
  test.concurrent("a session that waits for RESUME is closed with 4408 after 5 s", async () => {
    const alice = await world.person();
    const client = await beforeResume(alice);
    const since = Date.now();
    client.send({ type: "PING" });
    const { code, at } = await client.closed;
    expect(code).toBe(4408);
    expect(at - since).toBeGreaterThan(4500);
    expect(at - since).toBeLessThan(7000);
  });
}
