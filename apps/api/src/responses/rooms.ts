/** Rooms and members, as `/v1` prints them. CONTRACT section 6, "Rooms". */
import type { MemberRow, RoomRow } from "@signalbox/core/model/rows";
import type { RoomSummary as SummaryRow } from "@signalbox/core/ports/store";
import { encodeCursor } from "@signalbox/protocol/cursor";
import { Role } from "@signalbox/protocol/http";
import { userId } from "@signalbox/protocol/ids";
import * as v from "valibot";
import { Message, messageBody } from "./messages.ts";
import { cursor, free, time, uuid, whole } from "./values.ts";

export const Room = v.object({
  id: uuid,
  name: v.string(),
  metadata: free,
  created_by: userId,
  created_at: time,
  matrix_room_id: v.nullable(v.string()),
  member_count: whole,
  seq: whole,
});
export type Room = v.InferOutput<typeof Room>;

/** A room in the caller's own list. */
export const RoomSummary = v.object({
  ...Room.entries,
  last_message: v.nullable(Message),
  unread_count: whole,
  cursor,
  role: Role,
});

export const Member = v.object({ user_id: userId, role: Role, joined_at: time });

/** The cursor of the room's last event. */
export const cursorOf = ({ lastSeq, lastMark }: RoomRow): string => encodeCursor(lastSeq, lastMark);

export const roomBody = (room: RoomRow): Room => ({
  id: room.roomId,
  name: room.name,
  metadata: room.metadata,
  created_by: room.createdBy,
  created_at: room.createdAt.toISOString(),
  matrix_room_id: room.matrixRoomId,
  member_count: room.memberCount,
  seq: room.lastSeq,
});

export const summaryBody = (room: SummaryRow): v.InferOutput<typeof RoomSummary> => ({
  ...roomBody(room),
  last_message: room.lastMessage === null ? null : messageBody(room.lastMessage),
  unread_count: room.unread,
  cursor: cursorOf(room),
  role: room.role,
});

export const memberBody = (member: MemberRow): v.InferOutput<typeof Member> => ({
  user_id: member.userId,
  role: member.role,
  joined_at: member.joinedAt.toISOString(),
});
