/** The conditions on every event of Matrix: applied once, in a room that is not deleted, with its sender as a member. */
import type { Role } from "@signalbox/protocol/http";
import type { Command } from "../commands/command.ts";
import { join } from "../commands/members.ts";
import type { Transaction } from "../commands/transaction.ts";
import type { MatrixRow, ReadSet, RoomRow } from "../model/rows.ts";
import type { EventOrigin } from "./origin.ts";

/** The rows that every event reads: its own, the one of its target, and its sender, possibly a new user. */
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
 * A command that runs `rule` for an unknown event in a room that is not deleted, and `again` for a known one. The first
 * event opens its room.
 */
export function onceInRoom(
  origin: EventOrigin,
  reads: Partial<ReadSet>,
  rule: (tx: Transaction) => void,
  again?: (tx: Transaction, known: MatrixRow) => void,
): Command<void> {
  const { roomId, eventId } = origin;
  return {
    reads,
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
 * Makes the sender a member unless they ever were one here. Matrix pushes events of members only, but their joining may
 * lie before the first event that it pushed.
 */
export function ensureMember(tx: Transaction, { roomId, senderId, sentAt }: EventOrigin): void {
  if (tx.membership(roomId, senderId) !== undefined) return;
  const room = tx.requireRoom(roomId);
  join(tx, senderId, room, senderId, roleIn(room, senderId), sentAt);
}

export const roleIn = ({ createdBy }: RoomRow, userId: string): Role => (userId === createdBy ? "owner" : "member");

/** The row of an event, with the room's present seq. */
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
  seq: tx.requireRoom(roomId).lastSeq,
  ...more,
});
