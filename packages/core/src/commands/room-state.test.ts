import { DurableEvent } from "@signalbox/protocol/down";
import { open } from "@signalbox/protocol/encode";
import { parse } from "@signalbox/protocol/parse";
import { expect, test } from "vitest";
import { createMemoryEngine } from "../memory/engine.ts";
import { ManualClock } from "../testing/manual-clock.fake.ts";
import { MapStore } from "../testing/map-store.fake.ts";
import { RecordingFaults } from "../testing/recording-faults.fake.ts";
import type { RoomStateSection } from "./room-state.ts";
import { createWriter } from "./writer.ts";

const user = (userId: string) => ({ userId, service: false });
const [olga, ann, eve] = [user("olga"), user("ann"), user("eve")];
const service = { userId: "backend", service: true };
const UNKNOWN = "018f0000-0000-7000-8000-000000000000";

/** A room of Ann, made by its owner Olga. */
async function setUp() {
  const store = new MapStore();
  const clock = new ManualClock();
  const engine = createMemoryEngine(clock);
  const writer = createWriter({ store, engine, clock, faults: new RecordingFaults(), typingTtlMs: 4000 });
  const room = (await writer.createRoom(olga, { name: "Project", members: ["ann"], metadata: {} })).roomId;
  const events = () =>
    store.eventsOf(room, 1).map(({ body }) => parse(DurableEvent, JSON.parse(open(body, "ann") + body)));
  const sections = async () =>
    (await store.roomState(room, "ann", false))?.sections.map(({ section, body }) => [section, body]);
  return { store, writer, room, events, sections };
}

test("a written section is in the room's state, and ROOM_STATE names the changed field", async () => {
  const { events, sections, room, writer } = await setUp();
  const written: RoomStateSection[] = ["call", "engagement", "plan", "sidekick s 1"];
  for (const section of written) await writer.putSection(olga, room, section, { of: section });
  expect(await sections()).toEqual(written.map((section) => [section, { of: section }]));
  expect(events()).toMatchObject([
    { type: "ROOM_STATE", chatId: room, changed: ["active_call"], seq: 2 },
    { type: "ROOM_STATE", chatId: room, changed: ["engagement"], seq: 3 },
    { type: "ROOM_STATE", chatId: room, changed: ["plan"], seq: 4 },
    { type: "ROOM_STATE", chatId: room, changed: ["active_sidekicks"], seq: 5 },
  ]);
});

test("an equal section changes nothing and adds no event; another one replaces it", async () => {
  const { events, sections, room, writer } = await setUp();
  await Promise.all([1, 2].map(() => writer.putSection(olga, room, "plan", { title: "One" })));
  await writer.putSection(service, room, "plan", { title: "One" });
  expect(events()).toHaveLength(1);
  await writer.putSection(service, room, "plan", { title: "Two" });
  expect(await sections()).toEqual([["plan", { title: "Two" }]]);
  expect(events()).toHaveLength(2);
});

test("a deleted section is gone, with an event; a missing one is not found", async () => {
  const { events, sections, room, writer } = await setUp();
  await expect(writer.putSection(olga, room, "call", null)).rejects.toMatchObject({ code: "not_found" });
  await writer.putSection(olga, room, "sidekick a", {});
  await writer.putSection(olga, room, "sidekick b", {});
  const both = [1, 2].map(() => writer.putSection(olga, room, "sidekick a", null));
  expect(await Promise.allSettled(both)).toMatchObject([
    { status: "fulfilled" },
    { status: "rejected", reason: { code: "not_found" } },
  ]);
  await expect(writer.putSection(olga, room, "sidekick a", null)).rejects.toMatchObject({ code: "not_found" });
  expect(await sections()).toEqual([["sidekick b", {}]]);
  expect(events()).toHaveLength(3);
  await writer.putSection(olga, room, "sidekick a", {});
  expect(events()).toHaveLength(4);
});

test("only an owner or a service writes sections, and for a stranger the room does not exist", async () => {
  const { events, room, writer } = await setUp();
  for (const body of [{ title: "Mine" }, null])
    await expect(writer.putSection(ann, room, "plan", body)).rejects.toMatchObject({ code: "forbidden" });
  for (const id of [room, UNKNOWN])
    await expect(writer.putSection(eve, id, "plan", {})).rejects.toMatchObject({
      code: "not_found",
      message: "no such room",
    });
  expect(events()).toEqual([]);
});
