/** The transport to the floor program: one connection for whole payloads. */
import { once } from "node:events";
import { open } from "@signalbox/protocol/encode";
import { WebSocket } from "ws";
import { NumberedEvents } from "../numbered.ts";
import type { Transport, TransportPlan } from "../transport.ts";
import { SENDER_PATH } from "./plan.ts";

/** Opens the connection. Nothing acknowledges: a message counts as sent once it is written. */
export async function openFloor(plan: TransportPlan): Promise<Transport> {
  const author = plan.authors[0]!;
  const socket = new WebSocket(`${author.gateway}${SENDER_PATH}`, { perMessageDeflate: false });
  await once(socket, "open");
  const events = new NumberedEvents(plan);
  return {
    begin: (heads) => events.begin(heads),
    send: async (turn, message) => {
      if (socket.readyState !== WebSocket.OPEN) throw new Error("not_connected");
      const { roomId: room, seq, body } = events.next(turn, message);
      // As many bytes as each recipient of a gateway gets, but the same to all: the id is the author's.
      socket.send(open(body, author.userId) + body);
      return { room, seq };
    },
  };
}
