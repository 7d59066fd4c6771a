/** A client of the SDK: what its handlers get. It keeps its cursors itself. */
import { createClient } from "@signalbox/client";
import { WebSocket } from "ws";
import { type Cursor, cursorOf, HeardRoom, type Listener, type Marked, type Surroundings } from "./heard.ts";

export interface SdkOptions {
  readonly name: string;
  readonly token: string;
  readonly apiUrl: string;
  readonly gatewayUrl: string;
  /** The rooms with their cursors now. */
  readonly rooms: ReadonlyMap<string, Cursor>;
  readonly around: Surroundings;
}

/** Connects; resolves when it is live. */
export async function openSdk({ name, token, rooms, around, ...where }: SdkOptions): Promise<Listener> {
  const client = createClient({ ...where, WebSocket });
  client.setAuth(token);
  const heard = new Map([...rooms].map(([chatId, cursor]) => [chatId, new HeardRoom(chatId, cursor, around)]));
  const { realtime } = client;
  realtime.on("message", (event) => heard.get(event.chatId)?.event(cursorOf(event), event.messageId));
  realtime.on(
    "reset",
    (event: { readonly chatId: string; readonly reason: string; readonly cursor?: Cursor } & Marked) =>
      heard.get(event.chatId)?.reset(event.reason, event.cursor ?? event.seq),
  );
  await realtime.connect();
  return { name, rooms: heard, close: () => realtime.disconnect() };
}
