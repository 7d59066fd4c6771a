/** A bridged room that is looked at through every door while Matrix speaks. */
import { randomUUID } from "node:crypto";
import { expect } from "vitest";
import type { Fields } from "../../support/arrivals.ts";
import type { Stream } from "../../support/event-stream.ts";
import type { Client } from "../../support/socket-client.ts";
import type { World } from "../../support/world.ts";
import { type Bridge, bridge, type MatrixEvent } from "../support/homeserver.ts";
import { projectionOf } from "../support/projections.ts";

/** A bridged room with Bob's socket and stream in it. */
export interface Watched extends Bridge {
  readonly socket: Client;
  readonly stream: Stream;
}

export async function watched(world: World): Promise<Watched> {
  const chat = await bridge(world);
  const [socket, stream] = await Promise.all([chat.bob.connects(0), chat.bob.streams(chat.chatId, 1)]);
  return { ...chat, socket, stream };
}

/** What is printed of the message that an event became. */
export const messageId = async ({ bob }: Watched, { event_id }: MatrixEvent) =>
  (await projectionOf(bob, event_id)).id.slice("msg-".length);

/** The durable events that Bob's socket was told, when a last message has come after whatever was pushed. */
export async function told({ alice, room, chatId, socket, stream }: Watched): Promise<readonly Fields[]> {
  const last = room.says(alice, `the last ${randomUUID()}`);
  await room.pushes([last]);
  await stream.receives("message", { event_id: last.event_id });
  await socket.receives({ eventId: last.event_id });
  const events = socket.events(chatId).slice(0, -1);
  expect(stream.ids.slice(0, -1)).toEqual(events.map(({ seq }) => seq));
  return events as unknown as readonly Fields[];
}
