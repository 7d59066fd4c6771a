/** The transport past the store: it measures fan-out alone. */
import { setTimeout as delay } from "node:timers/promises";
import { encodeEventFrame } from "@signalbox/core/ports/engine-frames";
import { createRedisEngine } from "@signalbox/redis/engine";
import { NumberedEvents } from "./numbered.ts";
import type { Transport, TransportPlan } from "./transport.ts";

const CONNECT_ATTEMPTS = 100;
const CONNECT_EVERY_MS = 50;

/**
 * Publishes events as the writer does, with the rooms' next seqs. Nothing acknowledges: a message counts as sent once it is
 * published. Rejects when Redis cannot be reached within 5 s.
 */
export async function openEngine(plan: TransportPlan): Promise<Transport> {
  const engine = createRedisEngine({ url: plan.redis! });
  for (let attempt = 0; !engine.pubSub.connected(); attempt++) {
    if (attempt === CONNECT_ATTEMPTS) throw new Error("Redis does not answer");
    await delay(CONNECT_EVERY_MS);
  }
  const events = new NumberedEvents(plan);
  return {
    begin: (heads) => events.begin(heads),
    send: async (turn, message) => {
      if (!engine.pubSub.connected()) throw new Error("not_connected");
      const event = events.next(turn, message);
      engine.pubSub.publish({ kind: "room", id: event.roomId }, encodeEventFrame(event));
      return { room: event.roomId, seq: event.seq };
    },
  };
}
