import type { MessageRead } from "./events.ts";
import type { Receipts } from "./ports.ts";

/** Readers whose last receipt is remembered, the latest: a resume repeats those of the time shortly before it. */
const REMEMBERED = 10_000;

/**
 * What takes receipts, alone or many at once, and tells each as one `MessageRead`. Dropped is what was told before, and what is
 * older than that, which a resume may bring, too. `recipientId`: whose connection it is, which `RECEIPTS` does not say.
 */
export function createReceipts(
  tell: (receipt: MessageRead) => void,
): (frame: MessageRead | Receipts, recipientId: string) => void {
  const last = new Map<string, Pick<MessageRead, "messageId" | "timeStamp">>();

  function take(receipt: MessageRead): void {
    const { chatId, senderId, messageId, timeStamp } = receipt;
    const reader = `${chatId} ${senderId}`;
    const known = last.get(reader);
    if (known !== undefined) {
      // Ids hold the time at which they were made: only what is older by both was read before.
      if (messageId === known.messageId || (timeStamp < known.timeStamp && messageId < known.messageId)) return;
      last.delete(reader);
    }
    last.set(reader, { messageId, timeStamp });
    for (const oldest of last.keys()) {
      if (last.size <= REMEMBERED) break;
      last.delete(oldest);
    }
    tell(receipt);
  }

  return (frame, recipientId) => {
    if (frame.type === "READ_MSG") return take(frame);
    const { chatId, receipts } = frame;
    for (const receipt of receipts) take({ type: "READ_MSG", recipientId, chatId, ...receipt });
  };
}
