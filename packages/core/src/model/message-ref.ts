import { open } from "@signalbox/protocol/encode";
import { toText } from "./bytes.ts";
import type { EventRow, MessageRef } from "./rows.ts";

/** The message of a SEND_MSG or REPLY. For an event from the store, which has its body alone, it decodes the body. */
export function messageRefOf({ message, body }: EventRow): MessageRef {
  if (message !== undefined) return message;
  const {
    messageId,
    eventId = null,
    mentions = [],
  } = JSON.parse(toText(open(body, "") + body)) as Partial<MessageRef> & Pick<MessageRef, "messageId">;
  return { messageId, eventId, mentions };
}
