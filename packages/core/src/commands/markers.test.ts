import { expect, test } from "vitest";
import { createMemoryEngine } from "../memory/engine.ts";
import { toText } from "../model/bytes.ts";
import { decodeRoomFrame, decodeUserFrame } from "../ports/engine-frames.ts";
import { ManualClock } from "../testing/manual-clock.fake.ts";
import { MapStore } from "../testing/map-store.fake.ts";
import { createWriter } from "./writer.ts";

const user = (userId: string) => ({ userId, service: false });
const [ann, eve] = [user("ann"), user("eve")];
const service = { userId: "backend", service: true };
const NOWHERE = "018f0000-0000-7000-8000-000000000000";

/** A room of Ann and Ben, and what nodes are told. */
async function setUp() {
  const store = new MapStore();
  const told: object[] = [];
  const engine = createMemoryEngine(new ManualClock());
  engine.pubSub.publish = ({ kind, id }, payload) =>
    void told.push({ kind, id, frame: kind === "room" ? decodeRoomFrame(id, payload) : decodeUserFrame(payload) });
  const writer = createWriter({ store, engine, typingTtlMs: 4000 });
  const room = (await writer.createRoom(ann, { name: "Project", members: ["ben"], metadata: {} })).roomId;
  const say = async (message: string, chatId = room) => {
    const event = await writer.act(ann, { type: "SEND_MSG", chatId, message });
    return (JSON.parse(toText(event)) as { messageId: string }).messageId;
  };
  const markerOf = async (userId: string, isService = false) =>
    (await store.roomState(room, userId, isService))?.markerId;
  return { store, writer, room, say, markerOf, told };
}

test("a marker is told to the user's own sessions and to nobody else, takes no seq, and moves backwards too", async () => {
  const { markerOf, room, say, store, told, writer } = await setUp();
  const [one, two] = [await say("one"), await say("two")];
  told.length = 0;
  await writer.setMarker(ann, room, two);
  await writer.setMarker(ann, room, one);
  expect(told).toEqual(
    [two, one].map((messageId) => ({ kind: "user", id: "ann", frame: { kind: "marker", roomId: room, messageId } })),
  );
  expect(await markerOf("ann")).toBe(one);
  expect(await markerOf("ben")).toBeNull();
  expect(store.room(room)?.lastSeq).toBe(3);
});

test("of the markers of one breath the last one stays", async () => {
  const { markerOf, room, say, writer } = await setUp();
  const [one, two, three] = [await say("one"), await say("two"), await say("three")];
  await Promise.all([two, three, one].map((messageId) => writer.setMarker(ann, room, messageId)));
  expect(await markerOf("ann")).toBe(one);
});

test("a marker takes its turn among the messages of its user", async () => {
  const { markerOf, room, say, store, writer } = await setUp();
  const first = await say("one");
  const order: string[] = [];
  const note = (what: string) => () => void order.push(what);
  const act = (message: string) => writer.act(ann, { type: "SEND_MSG", chatId: room, message });
  await Promise.all([
    act("two").then(note("two")),
    writer.setMarker(ann, room, first).then(note("marker")),
    act("three").then(note("three")),
    writer.removeMember(ann, room, "ann").then(note("left")),
    expect(writer.setMarker(ann, room, first)).rejects.toMatchObject({ code: "not_found" }),
  ]);
  expect(order).toEqual(["two", "marker", "three", "left"]);
  expect(store.calls.get("commit")).toBe(3);
  expect(await markerOf("ann", true)).toBe(first);
});

test("for strangers a room is exactly as one that does not exist", async () => {
  const { room, say, writer } = await setUp();
  const messageId = await say("one");
  for (const id of [room, NOWHERE])
    await expect(writer.setMarker(eve, id, messageId)).rejects.toMatchObject({
      code: "not_found",
      message: "no such room",
    });
});

test("a message of another room, or of none, is not found", async () => {
  const { markerOf, room, say, writer } = await setUp();
  const other = (await writer.createRoom(ann, { name: "Other", members: [], metadata: {} })).roomId;
  for (const messageId of [await say("one", other), NOWHERE])
    await expect(writer.setMarker(ann, room, messageId)).rejects.toMatchObject({ code: "not_found" });
  expect(await markerOf("ann")).toBeNull();
});

test("a service may have a marker without being a member", async () => {
  const { markerOf, room, say, writer } = await setUp();
  const messageId = await say("one");
  await writer.setMarker(service, room, messageId);
  expect(await markerOf("backend", true)).toBe(messageId);
});
