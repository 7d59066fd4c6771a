import { open } from "@signalbox/protocol/encode";
import { toText } from "./bytes.ts";
import type { EventRow, MessageRef } from "./rows.ts";

/** The reference of a SEND_MSG or REPLY. An event that was read from the store brings its body alone, which is decoded. */
export function messageRefOf({ message, body }: EventRow): MessageRef {
  if (message !== undefined) return message;
  const {
    messageId,
    eventId = null,
    mentions = [],
  } = JSON.parse(toText(open(body, "") + body)) as Partial<MessageRef> & Pick<MessageRef, "messageId">;
  return { messageId, eventId, mentions };
}
