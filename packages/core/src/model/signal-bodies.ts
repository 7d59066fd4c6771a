import { encodeBody } from "@signalbox/protocol/encode";
import { type Bytes, toBytes } from "./bytes.ts";
import type { Receipt } from "./rows.ts";

/** What tells that somebody types, or no longer does: encoded but not addressed. */
export const typingBody = (roomId: string, userId: string, started: boolean): Bytes =>
  toBytes(encodeBody({ type: started ? "TYPING" : "STOP_TYPING", chatId: roomId, senderId: userId }));

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
