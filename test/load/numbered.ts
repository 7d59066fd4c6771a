/** Events as the writer makes them, for transports past the writer. */
import { randomInt, randomUUID } from "node:crypto";
import { toBytes } from "@signalbox/core/model/bytes";
import type { EventRow } from "@signalbox/core/model/rows";
import { encodeMark, MARK_END } from "@signalbox/protocol/cursor";
import { encodeBody } from "@signalbox/protocol/encode";
import type { Heads } from "./audience.ts";
import { speakerOf, type TransportPlan } from "./transport.ts";

/** Numbers events by the rooms' seqs. */
export class NumberedEvents {
  readonly #plan: TransportPlan;
  readonly #seqs = new Map<string, number>();

  constructor(plan: TransportPlan) {
    this.#plan = plan;
  }

  /** Takes the rooms' seqs before the first message. */
  begin(heads: Heads): void {
    for (const [room, seq] of Object.entries(heads)) this.#seqs.set(room, seq);
  }

  /** The event of a turn's message, under its room's next seq. */
  next(turn: number, message: string): EventRow {
    const { author, room: roomId } = speakerOf(this.#plan, turn);
    const userId = this.#plan.authors[author]!.userId;
    const seq = (this.#seqs.get(roomId) ?? 0) + 1;
    this.#seqs.set(roomId, seq);
    const mark = encodeMark(randomInt(MARK_END));
    const timeStamp = new Date().toISOString();
    const event = { type: "SEND_MSG", chatId: roomId, senderId: userId, seq, mark, timeStamp, message } as const;
    return { roomId, seq, type: "SEND_MSG", userId, body: toBytes(encodeBody({ ...event, messageId: randomUUID() })) };
  }
}
