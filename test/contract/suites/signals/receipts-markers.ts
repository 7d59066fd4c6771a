/** CONTRACT sections 2, 5 and 6: read receipts and read markers. */
import { describe, expect, test } from "vitest";
import { expectProblem, jsonOf } from "../../../support/http.ts";
import { times } from "../../../support/lists.ts";
import { conversation, matrixId, memberOf, receiptsOf, snapshotOf, stateOf } from "../../../support/queries.ts";
import type { Person, World } from "../../../support/world.ts";
import { ANY_TIME, NOTHING } from "../../support/shapes.ts";

const reads = (person: Person, chatId: string, event_id: string) =>
  person.asks("POST", `${conversation(chatId)}/read`, { event_id });
const marks = (person: Person, chatId: string, event_id: string) =>
  person.asks("POST", `${conversation(chatId)}/marker`, { event_id });

/** Every form of a message's id. */
const formsOf = (messageId: string): string[] => [
  messageId,
  `msg-${messageId}`,
  `evt-${messageId}`,
  matrixId(messageId),
];

export function receiptsMarkers(world: World): void {
  describe("a receipt", () => {
    receiptRequests(world);
    receiptOrder(world);
  });
  describe("a marker", () => markers(world));
}

function receiptRequests(world: World): void {
  test.each(["POST …/read", "POST /api/chat", "a frame"])("by %s is visible on every surface", async (way) => {
    const { alice, bob, chatId } = await world.chat();
    const { messageId } = await alice.says(chatId, "read this");
    const sockets = await Promise.all([alice.connects(0), alice.connects(1), bob.connects(0)]);
    const streams = await Promise.all([alice.streams(chatId, 0), bob.streams(chatId, 1)]);
    const asked = Date.now();
    if (way === "POST …/read") {
      const answer = await reads(bob, chatId, matrixId(messageId));
      expect(answer.status, answer.text).toBe(200);
      expect(jsonOf(answer)).toStrictEqual({ message: "Read receipt sent." });
    } else if (way === "a frame") await sockets[2].acts({ type: "READ_MSG", chatId, messageId });
    else await bob.acts({ type: "READ_MSG", chatId, messageId });

    const [receipt, ...others] = await receiptsOf(alice, chatId);
    expect(others).toEqual([]);
    expect(receipt).toStrictEqual({
      user_id: bob.id,
      last_read_event_id: matrixId(messageId),
      read_at: ANY_TIME,
    });
    const { read_at } = receipt!;
    expect(Math.abs(Date.parse(read_at) - asked)).toBeLessThan(5000);
    for (const [index, socket] of sockets.entries())
      expect(await socket.receives({ type: "READ_MSG" })).toStrictEqual({
        type: "READ_MSG",
        chatId,
        recipientId: index === 2 ? bob.id : alice.id,
        senderId: bob.id,
        messageId,
        timeStamp: read_at,
      });
    for (const stream of streams)
      expect(await stream.receives("receipt")).toStrictEqual({
        user_id: bob.id,
        event_id: matrixId(messageId),
        read_at,
      });
    expect((await snapshotOf(alice, chatId)).receipts).toStrictEqual([receipt]);
    expect(await memberOf(alice, chatId, bob)).toMatchObject({ last_read_event_id: `evt-${messageId}`, read_at });
    expect(await memberOf(alice, chatId, alice)).toMatchObject({ last_read_event_id: null, read_at: null });
    expect(await stateOf(bob, chatId)).toMatchObject({ last_read_event_id: `evt-${messageId}`, unread_count: 0 });
  });

  test("takes every form of the message's and the room's id", async () => {
    const { alice, bob, chatId } = await world.chat();
    for (let index = 0; index < 4; index++) {
      const { messageId } = await alice.says(chatId, `message ${index}`);
      const answer = await reads(bob, index % 2 === 0 ? chatId : `room-${chatId}`, formsOf(messageId)[index]!);
      expect(answer.status, answer.text).toBe(200);
      expect(await receiptsOf(bob, chatId)).toMatchObject([{ last_read_event_id: matrixId(messageId) }]);
    }
  });

  test("of a message that is not in the room is not found", async () => {
    const { alice, bob, chatId } = await world.chat();
    const other = await alice.makesRoom(bob);
    const { messageId } = await alice.says(other, "elsewhere");
    for (const id of [messageId, matrixId(messageId), NOTHING, "$unknown:matrix.example.org"])
      expectProblem(await reads(bob, chatId, id), "not_found");
    expect(await receiptsOf(bob, chatId)).toEqual([]);
  });
}

function receiptOrder(world: World): void {
  test("only moves forward in the order of the room: an older one changes nothing and is not announced", async () => {
    const { alice, bob, chatId } = await world.chat();
    const sent = await times(5, (index) => alice.says(chatId, `message ${index}`));
    const [first, second, third, ...rest] = sent.sort((a, b) => a.seq - b.seq).map(({ messageId }) => messageId);
    const [socket, stream] = await Promise.all([alice.connects(1), alice.streams(chatId, 0)]);
    await reads(bob, chatId, third!);
    const before = await receiptsOf(alice, chatId);
    for (const older of [first!, third!, second!]) {
      const answer = await reads(bob, chatId, older);
      expect(answer.status, answer.text).toBe(200);
    }
    expect(await receiptsOf(alice, chatId)).toStrictEqual(before);
    await reads(bob, chatId, rest[1]!);
    await socket.receives({ type: "READ_MSG", messageId: rest[1] });
    await stream.receives("receipt", { event_id: matrixId(rest[1]!) });
    expect(socket.of("READ_MSG").map(({ messageId }) => messageId)).toEqual([third, rest[1]]);
    expect(stream.of("receipt").map(({ event_id }) => event_id)).toEqual([matrixId(third!), matrixId(rest[1]!)]);
  });

  test("is listed for readers only", async () => {
    const { alice, bob, carol, chatId } = await world.chat();
    await alice.adds(chatId, carol);
    expect(await receiptsOf(alice, chatId)).toEqual([]);
    const { messageId } = await alice.says(chatId, "read this");
    await bob.says(chatId, "an answer is no receipt");
    expect(await receiptsOf(bob, chatId)).toEqual([]);
    await reads(carol, chatId, messageId);
    for (const asker of [alice, bob, carol])
      expect((await receiptsOf(asker, chatId)).map(({ user_id }) => user_id)).toEqual([carol.id]);
  });

  test("among many at once ends at the last message", async () => {
    const { alice, bob, chatId } = await world.chat();
    const sent = await times(12, (index) => alice.says(chatId, `message ${index}`));
    const last = sent.reduce((a, b) => (a.seq > b.seq ? a : b)).messageId;
    const socket = await alice.connects(0);
    await Promise.all(sent.map(({ messageId }) => reads(bob, chatId, messageId)));
    await socket.receives({ type: "READ_MSG", messageId: last });
    expect(await receiptsOf(alice, chatId)).toMatchObject([{ last_read_event_id: matrixId(last) }]);
    expect(await stateOf(bob, chatId)).toMatchObject({ unread_count: 0, last_read_event_id: `evt-${last}` });
  });
}

function markers(world: World): void {
  test.each(["POST …/marker", "a frame"])("by %s reaches the user's own sessions only, also backwards", async (way) => {
    const { alice, bob, chatId } = await world.chat();
    const sent = [await alice.says(chatId, "first"), await alice.says(chatId, "second")];
    const [phone, laptop, alices, stream] = await Promise.all([
      bob.connects(0),
      bob.connects(1),
      alice.connects(0),
      alice.streams(chatId, 1),
    ]);
    for (const { messageId } of sent.reverse()) {
      if (way === "a frame") {
        expect(await phone.asks({ type: "MARKER", chatId, messageId })).toMatchObject({ type: "ACK" });
      } else {
        const answer = await marks(bob, chatId, matrixId(messageId));
        expect(answer.status, answer.text).toBe(200);
        expect(jsonOf(answer)).toStrictEqual({ message: "Read marker set." });
      }
      expect(await laptop.receives({ type: "MARKER", messageId })).toStrictEqual({
        type: "MARKER",
        chatId,
        messageId,
      });
    }
    expect(laptop.of("MARKER").map(({ messageId }) => messageId)).toEqual(sent.map(({ messageId }) => messageId));
    const { messageId } = await bob.says(chatId, "later");
    await alices.receives({ messageId });
    await stream.receives("message", { id: `msg-${messageId}` });
    expect(alices.of("MARKER")).toEqual([]);
    expect(stream.text).not.toContain("marker");
  });

  test("is no receipt: it marks nothing as read, and is hidden from others", async () => {
    const { alice, bob, chatId } = await world.chat();
    const { messageId } = await alice.says(chatId, "scrolled to");
    expect((await marks(bob, chatId, messageId)).status).toBe(200);
    expect(await receiptsOf(alice, chatId)).toEqual([]);
    expect(await stateOf(bob, chatId)).toMatchObject({ unread_count: 1, last_read_event_id: null });
    for (const path of [`${conversation(chatId)}/signals/snapshot`, `/v1/rooms/${chatId}/state`]) {
      const { text } = await alice.asks("GET", path);
      expect(text).not.toContain(messageId);
      expect(text).not.toContain(matrixId(messageId));
    }
  });

  test("takes every form of the message's id, of the room's messages only", async () => {
    const { alice, bob, chatId } = await world.chat();
    const { messageId } = await alice.says(chatId, "here");
    const elsewhere = await alice.says(await alice.makesRoom(bob), "elsewhere");
    const laptop = await bob.connects(1);
    for (const form of formsOf(messageId)) expect((await marks(bob, chatId, form)).status).toBe(200);
    for (const id of [elsewhere.messageId, NOTHING, "$unknown:matrix.example.org"]) {
      expectProblem(await marks(bob, chatId, id), "not_found");
      expect(await laptop.asks({ type: "MARKER", chatId, messageId: id })).toMatchObject({
        type: "ERROR",
        code: "not_found",
      });
    }
  });
}
