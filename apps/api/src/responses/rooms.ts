/** What REST prints of rooms, members and messages. CONTRACT sections 3 "History" and 6 "Rooms". */

import type { MemberRow, MessageRow, ReactionRow, RoomRow } from "@signalbox/core/model/rows";
import type { HistoryMessage, RoomSummary } from "@signalbox/core/ports/store";

export const roomBody = (room: RoomRow) => ({
  id: room.roomId,
  name: room.name,
  metadata: room.metadata,
  created_by: room.createdBy,
  created_at: room.createdAt.toISOString(),
  matrix_room_id: room.matrixRoomId,
  member_count: room.memberCount,
  seq: room.lastSeq,
});

/** A room among the caller's own. */
export const summaryBody = (room: RoomSummary) => ({
  ...roomBody(room),
  last_message: room.lastMessage === null ? null : messageBody(room.lastMessage),
  unread_count: room.unread,
  cursor: room.lastSeq,
  role: room.role,
});

export const memberBody = (member: MemberRow) => ({
  user_id: member.userId,
  role: member.role,
  joined_at: member.joinedAt.toISOString(),
});

export const historyBody = (message: HistoryMessage) => ({
  ...messageBody(message),
  replyTo: message.original,
  reactions: message.reactions.map(reactionBody),
});

const messageBody = (message: MessageRow) => ({
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

/** What only a message that came from Matrix has, under the names that events give it. */
const fromMatrix = ({ type, file, threadRoot, eventId }: MessageRow) => ({
  ...(eventId === null ? {} : { eventId }),
  ...(type === "m.text" ? {} : { messageType: type }),
  ...(file === null ? {} : { file }),
  ...(threadRoot === null ? {} : { threadRootEventId: threadRoot }),
});

const reactionBody = (reaction: ReactionRow) => ({
  reactionId: reaction.reactionId,
  senderId: reaction.senderId,
  reaction: reaction.reaction,
  timeStamp: reaction.sentAt.toISOString(),
});
