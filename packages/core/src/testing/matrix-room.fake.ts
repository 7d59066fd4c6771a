import { DurableEvent } from "@signalbox/protocol/down";
import { open } from "@signalbox/protocol/encode";
import { parse } from "@signalbox/protocol/parse";
import type { Action } from "@signalbox/protocol/up";
import { createWriter } from "../commands/writer.ts";
import type { EventOrigin, MatrixMessage } from "../matrix/origin.ts";
import { ingestMessage } from "../matrix/rules.ts";
import { createMemoryEngine } from "../memory/engine.ts";
import { toText } from "../model/bytes.ts";
import type { Revision } from "../model/rows.ts";
import { ManualClock } from "./manual-clock.fake.ts";
import { MapStore } from "./map-store.fake.ts";
import { RecordingFaults } from "./recording-faults.fake.ts";

export const ROOM = "018f0000-0000-8000-8000-00000000000a";

const T0 = Date.UTC(2026, 5, 1);
/** The time of a second of the room's life, by the clocks of Matrix. */
export const second = (at: number): Date => new Date(T0 + at * 1000);

/** A UUID that belongs to an event. */
export const idOf = (eventId: string): string =>
  `018f0000-0000-7000-8000-${[...eventId].reduce((sum, each) => (sum * 31 + each.charCodeAt(0)) % 1e12, 7)}`.padEnd(
    36,
    "0",
  );

export const origin = (eventId: string, senderId: string, at: number): EventOrigin => ({
  roomId: ROOM,
  eventId,
  senderId,
  sentAt: second(at),
});

export const text = (content: string, more: Partial<Revision> = {}): Revision => ({
  content,
  type: "m.text",
  file: null,
  mentions: null,
  ...more,
});

export const message = (eventId: string, content: string, more: Partial<MatrixMessage> = {}): MatrixMessage => ({
  ...text(content),
  messageId: idOf(eventId),
  replyTo: null,
  threadRoot: null,
  clientMessageId: null,
  redacted: null,
  ...more,
});

/** A bridged room without events. `homeserver`: true when native actions go to one first. */
export async function matrixRoom(homeserver = false) {
  const store = new MapStore();
  const clock = new ManualClock();
  const engine = createMemoryEngine(clock);
  const writer = createWriter({ store, engine, clock, faults: new RecordingFaults(), typingTtlMs: 4000, homeserver });
  await store.bridge([{ matrixRoomId: "!room:example.org", roomId: ROOM }], []);
  const say = (eventId: string, senderId: string, at: number, content: string, more: Partial<MatrixMessage> = {}) =>
    writer.ingest(ingestMessage(origin(eventId, senderId, at), message(eventId, content, more)));
  const act = async (userId: string, action: Action, more: { written?: boolean; service?: boolean } = {}) =>
    JSON.parse(toText(await writer.act({ userId, service: false, ...more }, action))) as Record<string, unknown>;
  const events = () =>
    store.eventsOf(ROOM).map(({ body }) => parse(DurableEvent, JSON.parse(toText(open(body, "ann") + body))));
  const history = async () => (await store.history(ROOM, 100, null)).reverse();
  return { store, engine, writer, say, act, events, history };
}
