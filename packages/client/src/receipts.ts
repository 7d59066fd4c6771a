import type { MessageRead } from "./events.ts";
import type { Receipts } from "./ports.ts";

/** The readers with the latest receipts are remembered: a resume repeats the receipts of a short time before it. */
const MAX_READERS = 10_000;

/**
 * Returns a function that takes receipts, alone or many at once, and emits each as one `MessageRead`. It drops those that were emitted
 * before, and older ones, which a resume may bring. `recipientId` is the connection's user: a `RECEIPTS` frame does not name it.
 */
export function createReceipts(
  emit: (receipt: MessageRead) => void,
): (frame: MessageRead | Receipts, recipientId: string) => void {
  const last = new Map<string, Pick<MessageRead, "messageId" | "timeStamp">>();

  function take(receipt: MessageRead): void {
    const { chatId, senderId, messageId, timeStamp } = receipt;
    const reader = `${chatId} ${senderId}`;
    const known = last.get(reader);
    if (known !== undefined) {
      // Ids hold the time at which they were made: a receipt is older only when both its id and its time are.
      if (messageId === known.messageId || (timeStamp < known.timeStamp && messageId < known.messageId)) return;
      last.delete(reader);
    }
    last.set(reader, { messageId, timeStamp });
    for (const oldest of last.keys()) {
      if (last.size <= MAX_READERS) break;
      last.delete(oldest);
    }
    emit(receipt);
  }

  return (frame, recipientId) => {
    if (frame.type === "READ_MSG") return take(frame);
    const { chatId, receipts } = frame;
    for (const receipt of receipts) take({ type: "READ_MSG", recipientId, chatId, ...receipt });
  };
}
