/** The door past the store: what it measures is fan-out alone. */
import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { toBytes } from "@signalbox/core/model/bytes";
import { encodeEventFrame } from "@signalbox/core/ports/engine-frames";
import { encodeBody } from "@signalbox/protocol/encode";
import { createRedisEngine } from "@signalbox/redis/engine";
import { type Door, type DoorPlan, speakerOf } from "./doors.ts";

const CONNECT_ATTEMPTS = 100;
const CONNECT_EVERY_MS = 50;

/**
 * Publishes events as the writer does, with the rooms' next seqs. Nobody acknowledges: a message counts as sent when it is
 * handed over. Rejects when Redis cannot be reached within 5 s.
 */
export async function openEngine(plan: DoorPlan): Promise<Door> {
  const engine = createRedisEngine({ url: plan.redis! });
  for (let attempt = 0; !engine.pubSub.connected(); attempt++) {
    if (attempt === CONNECT_ATTEMPTS) throw new Error("Redis does not answer");
    await delay(CONNECT_EVERY_MS);
  }
  const seqs = new Map<string, number>();
  return {
    begin: (heads) => {
      for (const [room, seq] of Object.entries(heads)) seqs.set(room, seq);
    },
    send: async (turn, message) => {
      if (!engine.pubSub.connected()) throw new Error("not_connected");
      const { author, room } = speakerOf(plan, turn);
      const userId = plan.authors[author]!.userId;
      const seq = (seqs.get(room) ?? 0) + 1;
      seqs.set(room, seq);
      const timeStamp = new Date().toISOString();
      const event = { type: "SEND_MSG", chatId: room, senderId: userId, seq, timeStamp, message } as const;
      const body = toBytes(encodeBody({ ...event, messageId: randomUUID() }));
      engine.pubSub.publish(
        { kind: "room", id: room },
        encodeEventFrame({ roomId: room, seq, type: "SEND_MSG", userId, body }),
      );
      return { room, seq };
    },
  };
}
