/** The rules of read receipts: state that only moves forward. CONTRACT sections 2 and 3. */
import { encodeBody } from "@signalbox/protocol/encode";
import type { ActionOf } from "@signalbox/protocol/up";
import { toBytes } from "./bytes.ts";
import { addressed, type Command } from "./command.ts";
import type { Actor } from "./draft.ts";
import type { Receipt } from "./frames.ts";
import { inRoom } from "./messages.ts";
import type { Bytes } from "./ports.ts";

export function read(actor: Actor, action: ActionOf<"READ_MSG">): Command<Bytes> {
  const { chatId: roomId, messageId } = action;
  const { userId } = actor;
  return {
    needs: { ...inRoom(actor, roomId), messages: [{ roomId, messageId }], receipts: [{ roomId, userId }] },
    apply(draft) {
      const room = draft.room(roomId, actor);
      const message = draft.message(roomId, messageId);
      const last = draft.receipt(roomId, userId);
      if (last !== undefined && last.messageSeq >= message.seq) return addressed(receiptBody(roomId, last), userId);
      const receipt = {
        roomId,
        userId,
        messageId,
        messageSeq: message.seq,
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
