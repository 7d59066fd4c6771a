/**
 * The rule of read receipts: state that only moves forward. Whoever appears offline reads on where only their own sessions see
 * it, until they show themselves. CONTRACT sections 2, 3 and 6.
 */
import { encodeBody } from "@signalbox/protocol/encode";
import type { ActionOf } from "@signalbox/protocol/up";
import { forward } from "./bridged.ts";
import { toBytes } from "./bytes.ts";
import { addressed, type Command, inRoom } from "./command.ts";
import type { Actor } from "./draft.ts";
import type { Receipt } from "./frames.ts";
import type { Bytes } from "./ports.ts";

export function read(actor: Actor, action: ActionOf<"READ_MSG">): Command<Bytes> {
  const { chatId: roomId, messageId } = action;
  const { userId } = actor;
  return {
    needs: {
      ...inRoom(actor, roomId),
      messages: [{ roomId, messageId }],
      receipts: [{ roomId, userId }],
      users: [userId],
    },
    apply(draft) {
      const room = draft.room(roomId, actor);
      const message = draft.message(roomId, messageId);
      // The furthest of all: a hidden one may be ahead of somebody who shows themselves, until `Store.choose` has moved it.
      const last = draft.receipt(roomId, userId);
      if (last !== undefined && last.messageSeq >= message.seq) return addressed(receiptBody(roomId, last), userId);
      const hidden = draft.hides(userId);
      if (message.eventId !== null) forward(draft, room, actor, { kind: "receipt", eventId: message.eventId, hidden });
      const receipt = {
        roomId,
        userId,
        hidden,
        private: false,
        messageId,
        messageSeq: message.seq,
        eventId: message.eventId,
        messagePlace: message.place,
        readAt: draft.now,
        stampSeq: room.lastSeq,
      };
      draft.putReceipt(receipt);
      return addressed(receiptBody(roomId, receipt), userId);
    },
  };
}

/** A receipt as the READ_MSG event that tells of it, encoded but not addressed. */
export const receiptBody = (roomId: string, receipt: Receipt): Bytes =>
  toBytes(
    encodeBody({
      type: "READ_MSG",
      chatId: roomId,
      senderId: receipt.userId,
      messageId: receipt.messageId,
      timeStamp: receipt.readAt.toISOString(),
    }),
  );
