import type { Action } from "@signalbox/protocol/up";
import { expect, test } from "vitest";
import { Bridged } from "../commands/homeserver-first.ts";
import type { Rows } from "../model/rows.ts";
import { idOf, matrixRoom, origin, ROOM, second } from "../testing/matrix-room.fake.ts";
import { ingestMembership, ingestReaction } from "./rules.ts";

const UNKNOWN = "018f0000-0000-7000-8000-000000000000";
const MATRIX_ROOM = "!room:example.org";
const service = { userId: "backend", service: true };

/** A bridged room in which Ann, its owner, said one, and Ben answered two and reacted to one. */
async function setUp(homeserver = true) {
  const room = await matrixRoom(homeserver);
  const { act, say, store, writer } = room;
  for (const userId of ["ann", "ben"])
    await writer.ingest(ingestMembership(origin(`$${userId}`, userId, 0), userId, true));
  await say("$1", "ann", 1, "one");
  await say("$2", "ben", 2, "two", { replyTo: "$1" });
  await writer.ingest(ingestReaction(origin("$a", "ben", 3), "$1", idOf("$a"), "a"));
  const written: Rows[] = [];
  store.beforeWrite = (rows) => void written.push(rows);
  const refusal = async (userId: string, action: Action, written = false): Promise<unknown> =>
    act(userId, action, { written }).then(
      () => "done",
      (problem: unknown) => (problem instanceof Bridged ? problem : (problem as { code: string }).code),
    );
  return { ...room, refusal, written };
}

const chatId = ROOM;
const [one, two] = [idOf("$1"), idOf("$2")];

/** Every action that goes to a homeserver first, by Ben, and the write there. */
const THROUGH: readonly [Action, object][] = [
  [
    { type: "SEND_MSG", chatId, message: "hi" },
    { kind: "message", replyTo: null },
  ],
  [
    { type: "REPLY", chatId, messageId: one, message: "hi" },
    { kind: "message", replyTo: "$1" },
  ],
  [
    { type: "EDIT_MSG", chatId, messageId: two, message: "TWO" },
    { kind: "edit", eventId: "$2" },
  ],
  [
    { type: "DELETE_MSG", chatId, messageId: two },
    { kind: "redaction", eventId: "$2" },
  ],
  [
    { type: "REACT", chatId, messageId: one, reaction: "b" },
    { kind: "reaction", eventId: "$1" },
  ],
  [
    { type: "DELETE_REACT", reactionId: idOf("$a") },
    { kind: "redaction", eventId: "$a" },
  ],
  [
    { type: "READ_MSG", chatId, messageId: two },
    { kind: "receipt", eventId: "$2", hidden: false },
  ],
  [{ type: "TYPING", chatId }, { kind: "typing" }],
  [{ type: "STOP_TYPING", chatId }, { kind: "typing" }],
];

test.each(THROUGH)("%j is thrown back with what has to be written, and has put nothing", async (action, writing) => {
  const { refusal, written } = await setUp();
  const problem = await refusal("ben", action);
  expect(problem).toBeInstanceOf(Bridged);
  expect(problem).toMatchObject({ code: "unavailable", matrixRoomId: MATRIX_ROOM, writing });
  expect(written.flatMap((rows) => Object.values(rows).flat())).toEqual([]);
});

test.each(THROUGH)("%j is done once it has been written", async (action) => {
  const { refusal } = await setUp();
  expect(await refusal("ben", action, true)).toBe("done");
});

test.each(THROUGH)("%j is done where there is no homeserver", async (action) => {
  const { refusal } = await setUp(false);
  expect(await refusal("ben", action)).toBe("done");
});

test("typing is thrown back also of a known member, and not of a user that appears offline", async () => {
  const { engine, store, writer } = await setUp();
  const ben = { userId: "ben", service: false };
  await expect(writer.act(ben, { type: "TYPING", chatId }, true)).rejects.toBeInstanceOf(Bridged);
  await store.choosePresence("ben", "appear_offline");
  await writer.act(ben, { type: "TYPING", chatId }, true);
  expect(await engine.typing.list([ROOM])).toEqual(new Map());
});

test("a user that appears offline reads in private there", async () => {
  const { refusal, store } = await setUp();
  await store.choosePresence("ben", "appear_offline");
  const problem = await refusal("ben", { type: "READ_MSG", chatId, messageId: two });
  expect(problem).toMatchObject({ writing: { kind: "receipt", eventId: "$2", hidden: true } });
});

test("a forbidden action is refused before it is written to the homeserver", async () => {
  const { refusal, say } = await setUp();
  await say("$gone", "ann", 4, "", { redacted: { by: "ann", at: second(4) } });
  await say("$sealed", "ben", 5, "", { type: "m.room.encrypted" });
  const outcomes: readonly [string, Action, string][] = [
    ["eve", { type: "SEND_MSG", chatId, message: "hi" }, "not_found"],
    ["eve", { type: "DELETE_REACT", reactionId: idOf("$a") }, "not_found"],
    ["ben", { type: "REPLY", chatId, messageId: UNKNOWN, message: "hi" }, "not_found"],
    ["ben", { type: "REPLY", chatId, messageId: idOf("$gone"), message: "hi" }, "conflict"],
    ["ben", { type: "EDIT_MSG", chatId, messageId: one, message: "hi" }, "forbidden"],
    ["ben", { type: "EDIT_MSG", chatId, messageId: idOf("$sealed"), message: "hi" }, "conflict"],
    ["ben", { type: "DELETE_MSG", chatId, messageId: one }, "forbidden"],
    ["ben", { type: "REACT", chatId, messageId: idOf("$gone"), reaction: "a" }, "conflict"],
    ["ann", { type: "DELETE_REACT", reactionId: idOf("$a") }, "forbidden"],
    ["ben", { type: "READ_MSG", chatId, messageId: UNKNOWN }, "not_found"],
    ["eve", { type: "TYPING", chatId }, "not_found"],
  ];
  for (const [userId, action, code] of outcomes)
    expect([action, await refusal(userId, action)]).toEqual([action, code]);
});

test("what is done already is answered as a repeat, and nothing is written there", async () => {
  const { act, refusal, say, store } = await setUp();
  await store.recordPendingWrite({ roomId: ROOM, senderId: "ben", clientMessageId: "c1" });
  await say("$3", "ben", 4, "three", { clientMessageId: "c1" });
  await say("$gone", "ben", 5, "", { redacted: { by: "ben", at: second(5) } });
  const repeated = await act("ben", { type: "SEND_MSG", chatId, message: "three", clientMessageId: "c1" });
  expect(repeated).toMatchObject({ messageId: idOf("$3"), eventId: "$3" });
  for (const action of [
    { type: "EDIT_MSG", chatId, messageId: two, message: "two" },
    { type: "DELETE_MSG", chatId, messageId: idOf("$gone") },
    { type: "REACT", chatId, messageId: one, reaction: "a" },
  ] as const)
    expect(await refusal("ben", action)).toBe("done");
});

test("an action on a message that is unknown in Matrix is done here alone", async () => {
  const { act, refusal } = await setUp();
  const sent = await act("ben", { type: "SEND_MSG", chatId, message: "native" }, { written: true });
  const messageId = sent.messageId as string;
  expect(await refusal("ann", { type: "REACT", chatId, messageId, reaction: "b" })).toBe("done");
  expect(await refusal("ann", { type: "READ_MSG", chatId, messageId })).toBe("done");
  expect(await refusal("ben", { type: "EDIT_MSG", chatId, messageId, message: "NATIVE" })).toBe("done");
  const reply = { type: "REPLY", chatId, messageId, message: "hi" } as const;
  expect(await refusal("ann", reply)).toMatchObject({ writing: { kind: "message", replyTo: null } });
  expect(await refusal("ben", { type: "DELETE_MSG", chatId, messageId })).toBe("done");
});

test("in a room that is not bridged nothing is thrown back", async () => {
  const { act, writer } = await setUp();
  const ann = { userId: "ann", service: false };
  const { roomId } = await writer.createRoom(ann, { name: "Native", members: [], metadata: {} });
  expect(await act("ann", { type: "SEND_MSG", chatId: roomId, message: "hi" })).toMatchObject({ seq: 2 });
  expect(await act("ann", { type: "TYPING", chatId: roomId })).toMatchObject({ type: "TYPING" });
});

test("members and the name of a bridged room cannot be changed here, only its metadata", async () => {
  const { writer, written } = await setUp();
  const ann = { userId: "ann", service: false };
  for (const actor of [ann, service])
    for (const attempt of [
      () => writer.putMember(actor, ROOM, "eve", undefined),
      () => writer.putMember(actor, ROOM, "ben", "owner"),
      () => writer.removeMember(actor, ROOM, "ben"),
      () => writer.removeMember(actor, ROOM, actor.userId),
      () => writer.updateRoom(actor, ROOM, { name: "Mine" }),
    ])
      await expect(attempt()).rejects.toMatchObject({ code: "conflict" });
  expect(written.flatMap((rows) => Object.values(rows).flat())).toEqual([]);
  expect(await writer.updateRoom(ann, ROOM, { name: "", metadata: { a: 1 } })).toMatchObject({ metadata: { a: 1 } });
  const eve = { userId: "eve", service: false };
  await expect(writer.putMember(eve, ROOM, "eve", undefined)).rejects.toMatchObject({ code: "not_found" });
});

test("a room is bridged by a service, once", async () => {
  const { store, writer } = await setUp();
  const body = { name: "Bridged", members: [], metadata: {}, matrix_room_id: "!other:example.org" };
  await expect(writer.createRoom({ userId: "ann", service: false }, body)).rejects.toMatchObject({ code: "forbidden" });
  const made = await writer.createRoom(service, body);
  expect(made).toMatchObject({ matrixRoomId: "!other:example.org", createdBy: "backend" });
  await expect(writer.createRoom(service, body)).rejects.toMatchObject({ code: "conflict" });
  const { rooms } = await store.bridge([{ matrixRoomId: "!other:example.org", roomId: UNKNOWN }], []);
  expect(rooms.get("!other:example.org")).toBe(made.roomId);
});

test("an action may name a message by its Matrix event id, and the store resolves only such ids", async () => {
  const { act, store, writer } = await setUp(false);
  const ben = { userId: "ben", service: false };
  await writer.setMarker(ben, ROOM, one);
  expect(await act("ben", { type: "REPLY", chatId, messageId: one, message: "hi" })).toMatchObject({ type: "REPLY" });
  expect(store.calls.get("messageIds")).toBeUndefined();
  await writer.setMarker(ben, ROOM, "$2");
  expect((await store.roomState(ROOM, "ben", false))?.markerId).toBe(two);
  for (const action of [
    { type: "READ_MSG", chatId, messageId: "$1" },
    { type: "REACT", chatId, messageId: "$1", reaction: "b" },
    { type: "EDIT_MSG", chatId, messageId: "$2", message: "TWO" },
    { type: "DELETE_MSG", chatId, messageId: "$2" },
  ] as const)
    expect(await act("ben", action)).toMatchObject({ senderId: "ben" });
  expect((await store.history(ROOM, 2, null))[1]).toMatchObject({ messageId: two, deletedBy: "ben" });
});

test("a Matrix event id of no message, or of another room, is not found; a stranger learns of neither", async () => {
  const { act, writer } = await setUp(false);
  const other = (await writer.createRoom({ userId: "ann", service: false }, { name: "O", members: [], metadata: {} }))
    .roomId;
  const read = (userId: string, room: string, messageId: string) =>
    act(userId, { type: "READ_MSG", chatId: room, messageId }).catch((problem: Error) => problem.message);
  expect(await read("ann", ROOM, "$nothing")).toBe("no such message");
  expect(await read("ann", other, "$1")).toBe("no such message");
  expect(await read("eve", ROOM, "$1")).toBe("no such room");
  expect(await read("eve", ROOM, "$nothing")).toBe("no such room");
  await expect(writer.setMarker({ userId: "ann", service: false }, ROOM, "$nothing")).rejects.toMatchObject({
    code: "not_found",
  });
});
