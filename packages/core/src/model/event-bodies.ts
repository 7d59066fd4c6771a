/** The bodies of message and reaction events, made of rows. The same rows always give the same body. */
import type { Original } from "@signalbox/protocol/down";
import { mentioned } from "./message-content.ts";
import type { MessageRef, MessageRow, ReactionRow } from "./rows.ts";

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
    ...deletedOf(message),
    ...(message.clientMessageId === null ? {} : { clientMessageId: message.clientMessageId }),
    ...(mentions.length === 0 ? {} : { mentions }),
    ...kindOf(message),
    ...eventOf(message),
  };
  if (original === null) return { type: "SEND_MSG" as const, ...body };
  // A deleted answer quotes nothing.
  const quoted = message.deleteSeq === null ? originalOf(original) : { ...originalOf(original), content: "" };
  return { type: "REPLY" as const, ...body, replyTo: quoted };
}

export const editBody = (message: MessageRow) => ({
  type: "EDIT_MSG" as const,
  senderId: message.senderId,
  messageId: message.messageId,
  message: message.content,
  editedAt: (message.editedAt ?? message.sentAt).toISOString(),
  ...deletedOf(message),
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

/** The message of a reaction; undefined when it is not there any more. */
type Parent = Pick<MessageRow, "eventId"> | undefined;

/** The body of a reaction to the message `parent`. */
export const reactBody = (row: ReactionRow, parent: Parent) => ({
  type: "REACT" as const,
  senderId: row.senderId,
  messageId: row.reactionId,
  message: row.reaction,
  parentMessageId: row.messageId,
  timeStamp: row.sentAt.toISOString(),
  ...eventOf(parent),
});

export const unreactBody = (row: ReactionRow, parent: Parent) => ({
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

const eventOf = (message: Parent) =>
  message === undefined || message.eventId === null ? {} : { eventId: message.eventId };

/** An event of a message that was deleted since: its text is gone. */
const deletedOf = ({ deleteSeq }: MessageRow) => (deleteSeq === null ? {} : { deleted: true as const });

/** The sentence of a USER_LEAVE. */
export const leaveSentence = (name: string, removed: boolean): string =>
  `${name} ${removed ? "was removed from" : "left"} the Chat`;

/** The fields of a SEND_MSG or REPLY that travel beside its encoded body. */
export const messageRefOf = ({
  messageId,
  eventId,
  mentions,
}: Pick<MessageRef, "messageId"> & {
  readonly eventId?: string | undefined;
  readonly mentions?: readonly string[] | undefined;
}): MessageRef => ({ messageId, eventId: eventId ?? null, mentions: mentions ?? [] });
