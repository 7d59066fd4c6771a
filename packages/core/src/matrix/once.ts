/** How an event of Matrix is taken: once, in a room that stands, and with whoever sent it. */
import type { Role } from "@signalbox/protocol/http";
import type { Command } from "../commands/command.ts";
import { join } from "../commands/members.ts";
import type { Transaction } from "../commands/transaction.ts";
import type { MatrixRow, ReadSet, RoomRow } from "../model/rows.ts";
import type { EventOrigin } from "./origin.ts";

/** What every event needs: itself and what it refers to, and its sender, who may be new here. */
export function readSetOf({ roomId, eventId, senderId }: EventOrigin, targetId: string | null) {
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
export function onceInRoom(
  origin: EventOrigin,
  needs: Partial<ReadSet>,
  rule: (tx: Transaction) => void,
  again?: (tx: Transaction, known: MatrixRow) => void,
): Command<void> {
  const { roomId, eventId } = origin;
  return {
    reads: needs,
    apply(tx) {
      const room = tx.activeRoom(roomId);
      if (room === undefined) return;
      const known = tx.matrix(roomId, eventId);
      if (known !== undefined) return again?.(tx, known);
      if (room.lastSeq === 0) openRoom(tx, room, origin);
      rule(tx);
    },
  };
}

function openRoom(tx: Transaction, { roomId, name, createdBy }: RoomRow, { senderId, sentAt }: EventOrigin): void {
  const creator = createdBy || senderId;
  const timeStamp = sentAt.toISOString();
  tx.append(roomId, creator, { type: "NEW_CHAT", senderId: creator, timeStamp, message: name });
}

/**
 * Makes the sender a member unless they ever were one here: Matrix tells of those in the room only, and may have made them
 * members before it told us anything.
 */
export function ensureMember(tx: Transaction, { roomId, senderId, sentAt }: EventOrigin): void {
  if (tx.membership(roomId, senderId) !== undefined) return;
  const room = tx.row(roomId);
  join(tx, senderId, room, senderId, roleIn(room, senderId), sentAt);
}

export const roleIn = ({ createdBy }: RoomRow, userId: string): Role => (userId === createdBy ? "owner" : "member");

/** What is kept of an event, with the room's seq as it is now. */
export const matrixRow = (
  tx: Transaction,
  { roomId, eventId, senderId, sentAt }: EventOrigin,
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
  seq: tx.row(roomId).lastSeq,
  ...more,
});
