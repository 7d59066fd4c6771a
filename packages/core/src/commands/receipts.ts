/**
 * The rule of read receipts: state that only moves forward. Receipts of a user that appears offline are for that user's own
 * sessions, until the user is visible again. CONTRACT sections 2, 3 and 6.
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
      // The furthest of all: the hidden one of a visible user may be ahead, until `Store.choosePresence` moves it.
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
