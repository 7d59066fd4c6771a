/** Events as the writer makes them, for transports past the writer. */
import { randomInt, randomUUID } from "node:crypto";
import { toBytes } from "@signalbox/core/model/bytes";
import type { EventRow, Head } from "@signalbox/core/model/rows";
import { encodeMark, MARK_END } from "@signalbox/protocol/cursor";
import { encodeBody } from "@signalbox/protocol/encode";
import type { Ends } from "./audience.ts";
import { speakerOf, type TransportPlan } from "./transport.ts";

/** Numbers events by the rooms' seqs, each with the mark of the one before it. */
export class NumberedEvents {
  readonly #plan: TransportPlan;
  readonly #ends = new Map<string, Head>();

  constructor(plan: TransportPlan) {
    this.#plan = plan;
  }

  /** Takes the rooms' ends before the first message. */
  begin(ends: Ends): void {
    for (const [room, end] of Object.entries(ends)) this.#ends.set(room, end);
  }

  /** The event of a turn's message, under its room's next seq. */
  next(turn: number, message: string): EventRow {
    const { author, room: roomId } = speakerOf(this.#plan, turn);
    const userId = this.#plan.authors[author]!.userId;
    const before = this.#ends.get(roomId) ?? { seq: 0, mark: 0 };
    const place = { seq: before.seq + 1, mark: randomInt(MARK_END) };
    this.#ends.set(roomId, place);
    const timeStamp = new Date().toISOString();
    const event = { type: "SEND_MSG", chatId: roomId, senderId: userId, timeStamp, message } as const;
    const body = { ...event, seq: place.seq, mark: encodeMark(place.mark), messageId: randomUUID() };
    return { roomId, ...place, prev: before.mark, type: "SEND_MSG", userId, body: toBytes(encodeBody(body)) };
  }
}
