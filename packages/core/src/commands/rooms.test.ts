import { DurableEvent } from "@signalbox/protocol/down";
import { open } from "@signalbox/protocol/encode";
import { parse } from "@signalbox/protocol/parse";
import { expect, test } from "vitest";
import { createMemoryEngine } from "../memory/engine.ts";
import { toText } from "../model/bytes.ts";
import { ManualClock } from "../testing/manual-clock.fake.ts";
import { MapStore } from "../testing/map-store.fake.ts";
import { RecordingFaults } from "../testing/recording-faults.fake.ts";
import { createWriter } from "./writer.ts";

const user = (userId: string) => ({ userId, service: false });
const [olga, ann, eve] = [user("olga"), user("ann"), user("eve")];
const service = { userId: "backend", service: true };

/** A room of Ann and Ben, made by its owner Olga. */
async function setUp() {
  const store = new MapStore();
  const clock = new ManualClock();
  const engine = createMemoryEngine(clock);
  const writer = createWriter({ store, engine, clock, faults: new RecordingFaults(), typingTtlMs: 4000 });
  await store.putUser("ann", "Ann A.");
  const made = await writer.createRoom(olga, { name: "Project", members: ["ann", "ben"], metadata: { colour: "red" } });
  const room = made.roomId;
  const events = () =>
    store.eventsOf(room).map(({ body }) => parse(DurableEvent, JSON.parse(toText(open(body, "ann") + body))));
  const members = async () => {
    const all = await Promise.all(
      ["olga", "ann", "ben", "eve"].map(async (id) => ((await store.headOf(room, id, false)) === null ? [] : [id])),
    );
    return all.flat();
  };
  return { store, writer, made, room, events, members };
}

test("the creator of a room is its owner, the named users are members, and NEW_CHAT is its first event", async () => {
  const { events, made, members, store } = await setUp();
  expect(made).toMatchObject({
    name: "Project",
    createdBy: "olga",
    memberCount: 3,
    messageCount: 0,
    lastSeq: 1,
    metadata: { colour: "red" },
  });
  expect(await members()).toEqual(["olga", "ann", "ben"]);
  expect((await store.roomPage("olga", 10, null))[0]).toMatchObject({ role: "owner" });
  expect((await store.roomPage("ann", 10, null))[0]).toMatchObject({ role: "member" });
  expect(events()).toMatchObject([{ type: "NEW_CHAT", seq: 1, senderId: "olga", message: "Project" }]);
});

test("a user that is named twice, or named by themselves, is one member", async () => {
  const { writer } = await setUp();
  const room = await writer.createRoom(olga, { name: "Other", members: ["olga", "ann", "ann"], metadata: {} });
  expect(room.memberCount).toBe(2);
});

test("a service creates rooms for others without being a member", async () => {
  const { store, writer } = await setUp();
  const room = await writer.createRoom(service, { name: "Other", members: ["ann"], metadata: {} });
  expect(room.memberCount).toBe(1);
  expect(await store.headOf(room.roomId, "backend", false)).toBeNull();
});

test("a changed name or metadata is a ROOM_STATE; an equal one is none", async () => {
  const { events, room, writer } = await setUp();
  expect(await writer.updateRoom(ann, room, { name: "Plan" })).toMatchObject({
    name: "Plan",
    lastSeq: 2,
    metadata: { colour: "red" },
  });
  expect(await writer.updateRoom(ann, room, { name: "Plan", metadata: { colour: "red" } })).toMatchObject({
    lastSeq: 2,
  });
  expect(await writer.updateRoom(ann, room, { metadata: {} })).toMatchObject({
    name: "Plan",
    metadata: {},
    lastSeq: 3,
  });
  expect(events().slice(1)).toMatchObject([
    { type: "ROOM_STATE", changed: ["room"], seq: 2 },
    { type: "ROOM_STATE", changed: ["room"], seq: 3 },
  ]);
});

test("an added user joins with their name, or with their id", async () => {
  const { events, members, room, store, writer } = await setUp();
  await store.putUser("eve", "Eve E.");
  expect(await writer.putMember(ann, room, "eve", undefined)).toMatchObject({
    userId: "eve",
    role: "member",
    joinedSeq: 2,
    leftSeq: null,
  });
  await writer.putMember(service, room, "nameless", undefined);
  expect(events().slice(1)).toMatchObject([
    { type: "USER_JOIN", seq: 2, senderId: "ann", message: "eve", username: "Eve E." },
    { type: "USER_JOIN", seq: 3, senderId: "backend", message: "nameless", username: "nameless" },
  ]);
  expect(await members()).toContain("eve");
  expect(store.room(room)?.memberCount).toBe(5);
});

test("adding a member again changes nothing", async () => {
  const { events, room, store, writer } = await setUp();
  await writer.putMember(ann, room, "ben", undefined);
  await writer.putMember(ann, room, "ben", "member");
  expect(events()).toHaveLength(1);
  expect(store.room(room)?.memberCount).toBe(3);
});

test("a user that two members add at the same time is one member", async () => {
  const { events, room, store, writer } = await setUp();
  await Promise.all([writer.putMember(ann, room, "eve", undefined), writer.putMember(olga, room, "eve", undefined)]);
  expect(events()).toHaveLength(2);
  expect(store.room(room)?.memberCount).toBe(4);
});

test("only an owner or a service gives roles", async () => {
  const { events, room, writer } = await setUp();
  await expect(writer.putMember(ann, room, "ann", "owner")).rejects.toMatchObject({ code: "forbidden" });
  await expect(writer.putMember(ann, room, "olga", "member")).rejects.toMatchObject({ code: "forbidden" });
  await expect(writer.putMember(ann, room, "eve", "owner")).rejects.toMatchObject({ code: "forbidden" });
  expect(await writer.putMember(olga, room, "ann", "owner")).toMatchObject({ role: "owner" });
  expect(await writer.putMember(service, room, "eve", "owner")).toMatchObject({ role: "owner" });
  expect(events().slice(1)).toMatchObject([{ type: "ROOM_STATE", changed: ["members"] }, { type: "USER_JOIN" }]);
});

test("members leave by themselves, and are removed by an owner or a service only", async () => {
  const { events, members, room, store, writer } = await setUp();
  await expect(writer.removeMember(ann, room, "ben")).rejects.toMatchObject({ code: "forbidden" });
  await writer.removeMember(ann, room, "ann");
  await writer.removeMember(olga, room, "ben");
  expect(await members()).toEqual(["olga"]);
  expect(store.room(room)?.memberCount).toBe(1);
  expect(events().slice(1)).toMatchObject([
    { type: "USER_LEAVE", senderId: "ann", message: "Ann A. left the Chat", seq: 2 },
    { type: "USER_LEAVE", senderId: "ben", message: "ben was removed from the Chat", seq: 3 },
  ]);
  expect(store.eventsOf(room).at(-1)).toMatchObject({ userId: "ben" });
});

test("only members can be removed, and a user that has left is none", async () => {
  const { room, writer } = await setUp();
  await expect(writer.removeMember(olga, room, "eve")).rejects.toMatchObject({ code: "not_found" });
  await writer.removeMember(olga, room, "ann");
  await expect(writer.removeMember(olga, room, "ann")).rejects.toMatchObject({ code: "not_found" });
});

test("a user that comes back is a member from the new USER_JOIN on, with an ordinary role", async () => {
  const { members, room, writer } = await setUp();
  await writer.putMember(olga, room, "ann", "owner");
  await writer.removeMember(olga, room, "ann");
  expect(await writer.putMember(olga, room, "ann", undefined)).toMatchObject({
    role: "member",
    joinedSeq: 4,
    leftSeq: null,
  });
  expect(await members()).toContain("ann");
});

test("only an owner or a service deletes a room, and for its members it no longer exists", async () => {
  const { events, room, writer } = await setUp();
  await expect(writer.deleteRoom(ann, room)).rejects.toMatchObject({ code: "forbidden" });
  await writer.deleteRoom(olga, room);
  expect(events().at(-1)).toMatchObject({ type: "DELETE_CHAT", seq: 2, senderId: "olga" });
  for (const actor of [olga, service]) {
    await expect(writer.deleteRoom(actor, room)).rejects.toMatchObject({ code: "not_found" });
    await expect(writer.updateRoom(actor, room, { name: "Again" })).rejects.toMatchObject({ code: "not_found" });
    await expect(writer.putMember(actor, room, "eve", undefined)).rejects.toMatchObject({ code: "not_found" });
  }
  await expect(writer.act(olga, { type: "TYPING", chatId: room })).rejects.toMatchObject({ code: "not_found" });
  expect(events()).toHaveLength(2);
});

test("for a stranger a room does not exist", async () => {
  const { room, writer } = await setUp();
  const unknown = "018f0000-0000-7000-8000-000000000000";
  const attempts = (id: string) => [
    () => writer.updateRoom(eve, id, { name: "Mine" }),
    () => writer.deleteRoom(eve, id),
    () => writer.putMember(eve, id, "eve", undefined),
    () => writer.removeMember(eve, id, "ann"),
    () => writer.removeMember(eve, id, "eve"),
  ];
  for (const id of [room, unknown])
    for (const attempt of attempts(id))
      await expect(attempt()).rejects.toMatchObject({ code: "not_found", message: "no such room" });
});
