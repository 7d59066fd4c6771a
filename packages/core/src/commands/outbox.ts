import { groupBy } from "../model/groups.ts";
import type { OutboxFrame, OutboxRow } from "../model/outbox.ts";
import type { Rows } from "../model/rows.ts";
import {
  encodeHeadFrame,
  encodeHiddenFrame,
  encodeJoinedFrame,
  encodeMarkerMovedFrame,
  encodeReceiptsFrame,
} from "../ports/engine-frames.ts";

/**
 * The note of what a transaction with these rows is about to publish; null when that is nothing durable. Of a room's events it
 * has the last seq alone: nodes read the bodies from the store. What `publish` sends more must not be needed by anybody.
 */
export function outboxOf({ events, members, receipts, markers }: Rows): OutboxRow | null {
  const heads = new Map(events.map(({ roomId, seq }) => [roomId, seq]));
  const visible = receipts.filter(({ hidden }) => !hidden);
  const frames: OutboxFrame[] = [
    ...[...heads].map(([roomId, seq]): OutboxFrame => ["room", roomId, encodeHeadFrame(seq)]),
    ...members
      .filter(({ leftSeq }) => leftSeq === null)
      .map(({ roomId, userId, joinedSeq }): OutboxFrame => ["user", userId, encodeJoinedFrame(roomId, joinedSeq)]),
    ...[...groupBy(visible, ({ roomId }) => roomId)].map(
      ([roomId, each]): OutboxFrame => ["room", roomId, encodeReceiptsFrame(each)],
    ),
    ...receipts
      .filter(({ hidden }) => hidden)
      .map((receipt): OutboxFrame => ["user", receipt.userId, encodeHiddenFrame(receipt.roomId, receipt)]),
    ...markers.map(({ roomId, userId }): OutboxFrame => ["user", userId, encodeMarkerMovedFrame(roomId)]),
  ];
  return frames.length === 0 ? null : { id: crypto.randomUUID(), frames };
}
