/** The bodies of message and reaction events, made of rows. The same rows always give the same body. */
import type { Original } from "@signalbox/protocol/down";
import { mentioned } from "./message-content.ts";
import type { MessageRow, ReactionRow } from "./rows.ts";

/** The message that a reply answers, as a REPLY event and history print it. */
export const originalOf = (message: MessageRow): Original => ({
  chatId: message.roomId,
  timeStamp: message.sentAt.toISOString(),
  messageId: message.messageId,
  senderId: message.senderId,
  content: message.content,
  edited: message.editedAt !== null,
  editedAt: message.editedAt?.toISOString() ?? null,
});

export function sentBody(message: MessageRow, original: MessageRow | null) {
  const mentions = mentioned(message);
  const body = {
    senderId: message.senderId,
    messageId: message.messageId,
    message: message.content,
    timeStamp: message.sentAt.toISOString(),
    ...(message.clientMessageId === null ? {} : { clientMessageId: message.clientMessageId }),
    ...(mentions.length === 0 ? {} : { mentions }),
    ...kindOf(message),
    ...eventOf(message),
  };
  if (original === null) return { type: "SEND_MSG" as const, ...body };
  return { type: "REPLY" as const, ...body, replyTo: originalOf(original) };
}

export const editBody = (message: MessageRow) => ({
  type: "EDIT_MSG" as const,
  senderId: message.senderId,
  messageId: message.messageId,
  message: message.content,
  editedAt: (message.editedAt ?? message.sentAt).toISOString(),
  ...kindOf(message),
  ...eventOf(message),
});

export const deleteBody = (message: MessageRow) => ({
  type: "DELETE_MSG" as const,
  senderId: message.deletedBy ?? message.senderId,
  messageId: message.messageId,
  timeStamp: (message.deletedAt ?? message.sentAt).toISOString(),
  ...eventOf(message),
});

/** The body of a reaction to the message `parent`. */
export const reactBody = (row: ReactionRow, parent: MessageRow | undefined) => ({
  type: "REACT" as const,
  senderId: row.senderId,
  messageId: row.reactionId,
  message: row.reaction,
  parentMessageId: row.messageId,
  timeStamp: row.sentAt.toISOString(),
  ...eventOf(parent),
});

export const unreactBody = (row: ReactionRow, parent: MessageRow | undefined) => ({
  type: "DELETE_REACT" as const,
  senderId: row.senderId,
  messageId: row.reactionId,
  parentMessageId: row.messageId,
  ...eventOf(parent),
});

/** The fields that only a message other than plain text without a file or a thread has. */
const kindOf = ({ type, file, threadRoot }: MessageRow) => ({
  ...(type === "m.text" ? {} : { messageType: type }),
  ...(file === null ? {} : { file }),
  ...(threadRoot === null ? {} : { threadRootEventId: threadRoot }),
});

const eventOf = (message: MessageRow | undefined) =>
  message === undefined || message.eventId === null ? {} : { eventId: message.eventId };
