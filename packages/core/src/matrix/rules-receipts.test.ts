import { expect, test } from "vitest";
import { idOf, matrixRoom, message, origin, ROOM, second, text } from "../testing/matrix-room.fake.ts";
import { ingestEdit, ingestMembership, ingestMessage, ingestOther, ingestReceipt } from "./rules.ts";

/** A room in which Ann said one, two and three, and Ben reads. */
async function setUp() {
  const room = await matrixRoom();
  for (const [at, word] of ["one", "two", "three"].entries()) await room.say(`$${at + 1}`, "ann", at + 1, word);
  await room.writer.ingest(ingestMembership(origin("$ben", "ben", 4), "ben", true));
  const read = (eventId: string, hidden = false, at = 10) =>
    room.writer.ingest(ingestReceipt(ROOM, "ben", eventId, second(at), hidden));
  const native = (eventId: string) => room.act("ben", { type: "READ_MSG", chatId: ROOM, messageId: eventId });
  return { ...room, read, native };
}

test("a receipt for a message of Matrix counts, with the time that Matrix says", async () => {
  const { read, store } = await setUp();
  await read("$2");
  expect(store.receipt(ROOM, "ben")).toMatchObject({
    messageId: idOf("$2"),
    messageOrdinal: 2,
    readAt: second(10),
    hidden: false,
    private: false,
    stampSeq: 6,
  });
});

test("receipts only move forward, in any order and with any times", async () => {
  const { read, store } = await setUp();
  await Promise.all([read("$2", false, 30), read("$3", false, 20), read("$1", false, 40)]);
  expect(store.receipt(ROOM, "ben")).toMatchObject({ messageId: idOf("$3"), readAt: second(20) });
});

test("up to an event that is no message means up to the last message that had come when it came", async () => {
  const { read, say, store, writer } = await setUp();
  await writer.ingest(ingestOther(origin("$topic", "ann", 5)));
  await say("$4", "ann", 6, "four");
  await writer.ingest(ingestEdit(origin("$edit", "ann", 7), "$1", text("ONE")));
  await say("$5", "ann", 8, "five");
  await read("$topic");
  expect(store.receipt(ROOM, "ben")).toMatchObject({ messageId: idOf("$3") });
  await read("$edit");
  expect(store.receipt(ROOM, "ben")).toMatchObject({ messageId: idOf("$4") });
});

test("what comes in the same breath as its receipt is read too, message or not", async () => {
  const { store, writer } = await setUp();
  await Promise.all([
    writer.ingest(ingestOther(origin("$topic", "ann", 5))),
    writer.ingest(ingestReceipt(ROOM, "ben", "$topic", second(6), false)),
    writer.ingest(ingestMessage(origin("$4", "ann", 7), message("$4", "four"))),
    writer.ingest(ingestReceipt(ROOM, "cleo", "$4", second(8), false)),
  ]);
  expect(store.receipt(ROOM, "ben")).toMatchObject({ messageId: idOf("$3") });
  expect(store.receipt(ROOM, "cleo")).toMatchObject({ messageId: idOf("$4") });
});

test("an event that has not come is not read", async () => {
  const { read, store } = await setUp();
  await read("$later");
  expect(store.receipt(ROOM, "ben")).toBeUndefined();
});

test("a receipt of a former member is dropped", async () => {
  const { read, store, writer } = await setUp();
  await writer.ingest(ingestMembership(origin("$out", "ben", 5), "ben", false));
  await read("$3");
  expect(store.receipt(ROOM, "ben")).toBeUndefined();
});

test("what is read in private is in a row of its own, which no choice ever shows", async () => {
  const { native, read, store } = await setUp();
  await read("$1");
  await read("$3", true);
  expect(store.receipt(ROOM, "ben")).toMatchObject({ messageId: idOf("$1") });
  expect(store.receipt(ROOM, "ben", true, true)).toMatchObject({ messageId: idOf("$3"), hidden: true, private: true });
  expect((await store.counts([{ roomId: ROOM, userId: "ben" }]))[0]).toMatchObject({ unread: 0 });
  await store.choosePresence("ben", "appear_offline");
  await store.choosePresence("ben", "online");
  expect(store.receipt(ROOM, "ben")).toMatchObject({ messageId: idOf("$1") });
  expect(await native(idOf("$2"))).toMatchObject({ messageId: idOf("$3") });
});

test("what is read in private does not hold back what is read for all to see; the reverse is nothing new", async () => {
  const { read, store } = await setUp();
  await read("$3", true);
  await read("$2");
  expect(store.receipt(ROOM, "ben")).toMatchObject({ messageId: idOf("$2") });
  await read("$1", true);
  expect(store.receipt(ROOM, "ben", true, true)).toMatchObject({ messageId: idOf("$3") });
});

test("a receipt in Matrix of a user that appears offline is hidden until they show themselves", async () => {
  const { read, store } = await setUp();
  await store.choosePresence("ben", "appear_offline");
  await read("$2");
  expect(store.receipt(ROOM, "ben")).toBeUndefined();
  expect(store.receipt(ROOM, "ben", true)).toMatchObject({ messageId: idOf("$2"), private: false });
  await store.choosePresence("ben", "online");
  expect(store.receipt(ROOM, "ben")).toMatchObject({ messageId: idOf("$2") });
});
