/** A bridged room with a socket and a stream in it. */
import { randomUUID } from "node:crypto";
import type { FakeEvent } from "@signalbox/matrix/homeserver.fake";
import { expect } from "vitest";
import type { Fields } from "../../support/arrivals.ts";
import type { Stream } from "../../support/event-stream.ts";
import type { Client } from "../../support/socket-client.ts";
import type { World } from "../../support/world.ts";
import { projectionOf } from "../support/projections.ts";
import { type Bridge, bridge } from "./bridged-room.ts";

/** `socket` and `stream` are Bob's. */
export interface Watched extends Bridge {
  readonly socket: Client;
  readonly stream: Stream;
}

export async function watched(world: World): Promise<Watched> {
  const chat = await bridge(world);
  const [socket, stream] = await Promise.all([chat.bob.connects(0), chat.bob.streams(chat.chatId, 1)]);
  return { ...chat, socket, stream };
}

/** The id of the message of an event. */
export const messageIdOf = async ({ bob }: Watched, { event_id }: FakeEvent) =>
  (await projectionOf(bob, event_id)).id.slice("msg-".length);

/** Bob's durable events up to now: sends a last message and waits for it. */
export async function eventsUpToNow({ alice, room, chatId, socket, stream }: Watched): Promise<readonly Fields[]> {
  const last = room.says(alice, `the last ${randomUUID()}`);
  await room.pushes([last]);
  await stream.receives("message", { event_id: last.event_id });
  await socket.receives({ eventId: last.event_id });
  const events = socket.events(chatId).slice(0, -1);
  expect(stream.ids.slice(0, -1)).toEqual(events.map(({ seq }) => seq));
  return events as unknown as readonly Fields[];
}
