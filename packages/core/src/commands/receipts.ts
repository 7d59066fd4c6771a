/**
 * The rule of read receipts: state that only moves forward. Whoever appears offline reads on where only their own sessions see
 * it, until they show themselves. CONTRACT sections 2, 3 and 6.
 */
import type { ActionOf } from "@signalbox/protocol/up";
import type { Actor } from "../model/actor.ts";
import type { Bytes } from "../model/bytes.ts";
import { receiptBody } from "../model/signal-bodies.ts";
import { addressed, type Command, inRoom } from "./command.ts";
import { forward } from "./homeserver-first.ts";

export function markRead(actor: Actor, action: ActionOf<"READ_MSG">): Command<Bytes> {
  const { chatId: roomId, messageId } = action;
  const { userId } = actor;
  return {
    reads: {
      ...inRoom(actor, roomId),
      messages: [{ roomId, messageId }],
      receipts: [{ roomId, userId }],
      users: [userId],
    },
    apply(tx) {
      const room = tx.room(roomId, actor);
      const message = tx.message(roomId, messageId);
      // The furthest of all: a hidden one may be ahead of somebody who shows themselves, until `Store.choose` has moved it.
      const last = tx.receipt(roomId, userId);
      if (last !== undefined && last.messageSeq >= message.seq) return addressed(receiptBody(roomId, last), userId);
      const hidden = tx.appearsOffline(userId);
      if (message.eventId !== null) forward(tx, room, actor, { kind: "receipt", eventId: message.eventId, hidden });
      const receipt = {
        roomId,
        userId,
        hidden,
        private: false,
        messageId,
        messageSeq: message.seq,
        eventId: message.eventId,
        messageOrdinal: message.ordinal,
        readAt: tx.now,
        stampSeq: room.lastSeq,
      };
      tx.putReceipt(receipt);
      return addressed(receiptBody(roomId, receipt), userId);
    },
  };
}
