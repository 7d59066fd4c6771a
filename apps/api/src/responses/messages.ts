/** Messages of a room's history, as `/api/chat` prints them. CONTRACT section 3, "History". */
import type { MessageRow, ReactionRow } from "@signalbox/core/model/rows";
import type { HistoryMessage as HistoryRow } from "@signalbox/core/ports/store";
import { Attachment, Original } from "@signalbox/protocol/down";
import { userId } from "@signalbox/protocol/ids";
import * as v from "valibot";
import { time, uuid, whole } from "./values.ts";

export const Message = v.object({
  messageId: uuid,
  chatId: uuid,
  senderId: userId,
  content: v.string(),
  timeStamp: time,
  edited: v.boolean(),
  editedAt: v.nullable(time),
  seq: whole,
  deleted: v.boolean(),
  eventId: v.optional(v.string()),
  messageType: v.optional(v.string()),
  file: v.optional(Attachment),
  threadRootEventId: v.optional(v.string()),
});
export type Message = v.InferOutput<typeof Message>;

export const Reaction = v.object({ reactionId: uuid, senderId: userId, reaction: v.string(), timeStamp: time });

export const HistoryMessage = v.object({
  ...Message.entries,
  replyTo: v.nullable(Original),
  reactions: v.array(Reaction),
});

export const messageBody = (message: MessageRow): Message => ({
  messageId: message.messageId,
  chatId: message.roomId,
  senderId: message.senderId,
  content: message.content,
  timeStamp: message.sentAt.toISOString(),
  edited: message.editedAt !== null,
  editedAt: message.editedAt?.toISOString() ?? null,
  seq: message.seq,
  deleted: message.deletedAt !== null,
  ...fromMatrix(message),
});

export const historyBody = (message: HistoryRow): v.InferOutput<typeof HistoryMessage> => ({
  ...messageBody(message),
  replyTo: message.original,
  reactions: message.reactions.map(reactionBody),
});

/** Fields that only a message from Matrix has, under the names that events give them. */
const fromMatrix = ({ type, file, threadRoot, eventId }: MessageRow) => ({
  ...(eventId === null ? {} : { eventId }),
  ...(type === "m.text" ? {} : { messageType: type }),
  ...(file === null ? {} : { file }),
  ...(threadRoot === null ? {} : { threadRootEventId: threadRoot }),
});

const reactionBody = (reaction: ReactionRow): v.InferOutput<typeof Reaction> => ({
  reactionId: reaction.reactionId,
  senderId: reaction.senderId,
  reaction: reaction.reaction,
  timeStamp: reaction.sentAt.toISOString(),
});
