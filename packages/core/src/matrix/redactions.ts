/** What a redaction takes away, and that nothing of it stays behind. */

import type { Transaction } from "../commands/transaction.ts";
import { deleteBody, unreactBody } from "../model/event-bodies.ts";
import { BARE } from "../model/message-content.ts";
import type { MatrixRow, MessageRow } from "../model/rows.ts";
import { applyLatestEdit } from "./edits.ts";
import type { EventOrigin, MatrixMessage } from "./origin.ts";

/** The redaction of an event, when that came before it. */
export function redactionOf(tx: Transaction, { roomId, eventId }: EventOrigin): MatrixMessage["redacted"] {
  const row = tx.relations(roomId, eventId).find(({ kind }) => kind === "redaction");
  return row === undefined ? null : { by: row.senderId, at: row.sentAt };
}

/** Takes back what an event became: the message, the edit's place among the others, or the reaction. Once. */
export function applyRedaction(
  tx: Transaction,
  target: MatrixRow,
  redaction: NonNullable<MatrixMessage["redacted"]>,
): void {
  if (target.redacted) return;
  const { roomId, eventId, kind } = target;
  const redacted = { ...target, redacted: true, revision: null };
  tx.putMatrix(redacted);
  const message = tx.messageOfEvent(roomId, eventId);
  if (message !== undefined) deleteMessage(tx, redacted, message, redaction);
  if (kind === "reaction") removeReaction(tx, target);
  const edited = kind === "edit" ? tx.matrix(roomId, target.targetId ?? "") : undefined;
  if (edited !== undefined) applyLatestEdit(tx, edited, () => null, redaction.at);
}

/** Deletes the message that `target` became, and forgets what its edits said. */
export function deleteMessage(
  tx: Transaction,
  { roomId, eventId }: MatrixRow,
  message: MessageRow,
  { by, at }: NonNullable<MatrixMessage["redacted"]>,
): void {
  for (const each of tx.relations(roomId, eventId))
    if (each.kind === "edit" && each.revision !== null) tx.putMatrix({ ...each, revision: null });
  if (message.deleteSeq !== null) return;
  const deleted = { ...message, ...BARE, deleteSeq: tx.nextSeq(roomId), deletedAt: at, deletedBy: by };
  tx.putMessage(deleted);
  tx.append(roomId, by, deleteBody(deleted));
}

/** Removes the reaction that an event became. One that only repeated another leaves that one standing. */
function removeReaction(tx: Transaction, { roomId, eventId, subjectId }: MatrixRow): void {
  const row = subjectId === null ? undefined : tx.reaction(subjectId);
  if (row === undefined || row.eventId !== eventId || row.removedSeq !== null) return;
  const removed = { ...row, removedSeq: tx.nextSeq(roomId) };
  tx.putReaction(removed);
  tx.append(roomId, row.senderId, unreactBody(removed, tx.findMessage(roomId, row.messageId)));
}
