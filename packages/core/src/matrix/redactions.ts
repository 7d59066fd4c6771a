/** Redactions: the effect of each kind of event is undone, and nothing of its content is kept. */

import type { Transaction } from "../commands/transaction.ts";
import { deleteBody, unreactBody } from "../model/event-bodies.ts";
import { BARE } from "../model/message-content.ts";
import type { MatrixRow, MessageRow } from "../model/rows.ts";
import { applyLatestEdit } from "./edits.ts";
import type { EventOrigin, MatrixMessage } from "./origin.ts";

/** The redaction of an event that came before the event itself; null without one. */
export function redactionOf(tx: Transaction, { roomId, eventId }: EventOrigin): MatrixMessage["redacted"] {
  const row = tx.relations(roomId, eventId).find(({ kind }) => kind === "redaction");
  return row === undefined ? null : { by: row.senderId, at: row.sentAt };
}

/** Undoes an event, once: deletes its message, removes its reaction, or makes the latest of the other edits count. */
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
  const editedEvent = kind === "edit" ? tx.matrix(roomId, target.targetId ?? "") : undefined;
  if (editedEvent !== undefined) applyLatestEdit(tx, editedEvent, () => null, redaction.at);
}

/** Deletes the message of an event, and drops the content of its edits. */
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

/** Removes the reaction that an event became. An event that only repeated another one's reaction leaves it active. */
function removeReaction(tx: Transaction, { roomId, eventId, subjectId }: MatrixRow): void {
  const row = subjectId === null ? undefined : tx.reaction(subjectId);
  if (row === undefined || row.eventId !== eventId || row.removedSeq !== null) return;
  const removed = { ...row, reaction: "", removedSeq: tx.nextSeq(roomId) };
  tx.putReaction(removed);
  tx.append(roomId, row.senderId, unreactBody(removed, tx.findMessage(roomId, row.messageId)));
}
