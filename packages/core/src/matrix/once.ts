/** How an event of Matrix is taken: once, in a room that stands, and with whoever sent it. */
import type { Role } from "@signalbox/protocol/http";
import type { Command } from "../commands/command.ts";
import { join } from "../commands/members.ts";
import type { Draft } from "../commands/transaction.ts";
import type { MatrixRow, Needs, RoomRow } from "../model/rows.ts";
import type { Origin } from "./origin.ts";

/** What every event needs: itself and what it refers to, and its sender, who may be new here. */
export function needsOf({ roomId, eventId, senderId }: Origin, targetId: string | null) {
  const events = targetId === null ? [eventId] : [eventId, targetId];
  return {
    rooms: [roomId],
    members: [{ roomId, userId: senderId }],
    users: [senderId],
    matrix: events.map((each) => ({ roomId, eventId: each })),
  };
}

/**
 * A rule for an event that has not come before, in a room that stands; it opens the room when it is the first of all. `again`:
 * what remains to be done when it has come.
 */
export function first(
  origin: Origin,
  needs: Partial<Needs>,
  rule: (draft: Draft) => void,
  again?: (draft: Draft, known: MatrixRow) => void,
): Command<void> {
  const { roomId, eventId } = origin;
  return {
    needs,
    apply(draft) {
      const room = draft.standingRoom(roomId);
      if (room === undefined) return;
      const known = draft.matrix(roomId, eventId);
      if (known !== undefined) return again?.(draft, known);
      if (room.lastSeq === 0) open(draft, room, origin);
      rule(draft);
    },
  };
}

function open(draft: Draft, { roomId, name, createdBy }: RoomRow, { senderId, sentAt }: Origin): void {
  const creator = createdBy || senderId;
  const timeStamp = sentAt.toISOString();
  draft.append(roomId, creator, { type: "NEW_CHAT", senderId: creator, timeStamp, message: name });
}

/**
 * Makes the sender a member unless they ever were one here: Matrix tells of those in the room only, and may have made them
 * members before it told us anything.
 */
export function enter(draft: Draft, { roomId, senderId, sentAt }: Origin): void {
  if (draft.membership(roomId, senderId) !== undefined) return;
  const room = draft.row(roomId);
  join(draft, senderId, room, senderId, roleIn(room, senderId), sentAt);
}

export const roleIn = ({ createdBy }: RoomRow, userId: string): Role => (userId === createdBy ? "owner" : "member");

/** What is kept of an event, with the room's seq as it is now. */
export const note = (
  draft: Draft,
  { roomId, eventId, senderId, sentAt }: Origin,
  kind: MatrixRow["kind"],
  targetId: string | null,
  more: Partial<MatrixRow> = {},
): MatrixRow => ({
  roomId,
  eventId,
  kind,
  targetId,
  subjectId: null,
  senderId,
  sentAt,
  revision: null,
  redacted: false,
  seq: draft.row(roomId).lastSeq,
  ...more,
});
