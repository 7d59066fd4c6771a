import { expect, test } from "vitest";
import { createMemoryEngine } from "../memory/engine.ts";
import { toText } from "../model/bytes.ts";
import { decodeRoomFrame, decodeUserFrame } from "../ports/engine-frames.ts";
import { ManualClock } from "../testing/manual-clock.fake.ts";
import { MapStore } from "../testing/map-store.fake.ts";
import { RecordingFaults } from "../testing/recording-faults.fake.ts";
import { createWriter } from "./writer.ts";

const user = (userId: string) => ({ userId, service: false });
const [ann, eve] = [user("ann"), user("eve")];
const service = { userId: "backend", service: true };
const UNKNOWN = "018f0000-0000-7000-8000-000000000000";

/** A room of Ann and Ben, and the publications about it. */
async function setUp() {
  const store = new MapStore();
  const published: object[] = [];
  const clock = new ManualClock();
  const engine = createMemoryEngine(clock);
  engine.pubSub.publish = ({ kind, id }, payload) =>
    void published.push({ kind, id, frame: kind === "room" ? decodeRoomFrame(id, payload) : decodeUserFrame(payload) });
  engine.pubSub.publishConfirmed = async (channel, payload) => engine.pubSub.publish(channel, payload);
  const writer = createWriter({ store, engine, clock, faults: new RecordingFaults(), typingTtlMs: 4000 });
  const room = (await writer.createRoom(ann, { name: "Project", members: ["ben"], metadata: {} })).roomId;
  const say = async (message: string, chatId = room) => {
    const event = await writer.act(ann, { type: "SEND_MSG", chatId, message });
    return (JSON.parse(toText(event)) as { messageId: string }).messageId;
  };
  const markerOf = async (userId: string, isService = false) =>
    (await store.roomState(room, userId, isService))?.markerId;
  return { store, writer, room, say, markerOf, published };
}

test("a marker is published to the user's own sessions alone, takes no seq, and moves backwards too", async () => {
  const { markerOf, room, say, store, published, writer } = await setUp();
  const [one, two] = [await say("one"), await say("two")];
  published.length = 0;
  await writer.setMarker(ann, room, two);
  await writer.setMarker(ann, room, one);
  expect(published).toEqual(
    [two, one].map((messageId) => ({ kind: "user", id: "ann", frame: { kind: "marker", roomId: room, messageId } })),
  );
  expect(await markerOf("ann")).toBe(one);
  expect(await markerOf("ben")).toBeNull();
  expect(store.room(room)?.lastSeq).toBe(3);
});

test("of markers set at the same time the last one stays", async () => {
  const { markerOf, room, say, writer } = await setUp();
  const [one, two, three] = [await say("one"), await say("two"), await say("three")];
  await Promise.all([two, three, one].map((messageId) => writer.setMarker(ann, room, messageId)));
  expect(await markerOf("ann")).toBe(one);
});

test("a marker keeps its place among the messages of its user", async () => {
  const { markerOf, room, say, store, writer } = await setUp();
  const first = await say("one");
  const order: string[] = [];
  const record = (what: string) => () => void order.push(what);
  const act = (message: string) => writer.act(ann, { type: "SEND_MSG", chatId: room, message });
  await Promise.all([
    act("two").then(record("two")),
    writer.setMarker(ann, room, first).then(record("marker")),
    act("three").then(record("three")),
    writer.removeMember(ann, room, "ann").then(record("left")),
    expect(writer.setMarker(ann, room, first)).rejects.toMatchObject({ code: "not_found" }),
  ]);
  expect(order).toEqual(["two", "marker", "three", "left"]);
  expect(store.calls.get("commit")).toBe(3);
  expect(await markerOf("ann", true)).toBe(first);
});

test("for a stranger a room does not exist", async () => {
  const { room, say, writer } = await setUp();
  const messageId = await say("one");
  for (const id of [room, UNKNOWN])
    await expect(writer.setMarker(eve, id, messageId)).rejects.toMatchObject({
      code: "not_found",
      message: "no such room",
    });
});

test("a message of another room, or of none, is not found", async () => {
  const { markerOf, room, say, writer } = await setUp();
  const other = (await writer.createRoom(ann, { name: "Other", members: [], metadata: {} })).roomId;
  for (const messageId of [await say("one", other), UNKNOWN])
    await expect(writer.setMarker(ann, room, messageId)).rejects.toMatchObject({ code: "not_found" });
  expect(await markerOf("ann")).toBeNull();
});

test("a service may have a marker without being a member", async () => {
  const { markerOf, room, say, writer } = await setUp();
  const messageId = await say("one");
  await writer.setMarker(service, room, messageId);
  expect(await markerOf("backend", true)).toBe(messageId);
});
