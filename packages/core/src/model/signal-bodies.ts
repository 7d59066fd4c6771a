import { encodeBody } from "@signalbox/protocol/encode";
import { type Bytes, toBytes } from "./bytes.ts";
import type { Receipt } from "./rows.ts";

/** The signal that a user types, or stopped: encoded, without a recipient. */
export const typingBody = (roomId: string, userId: string, started: boolean): Bytes =>
  toBytes(encodeBody({ type: started ? "TYPING" : "STOP_TYPING", chatId: roomId, senderId: userId }));

/** A receipt as a READ_MSG signal: encoded, without a recipient. */
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
