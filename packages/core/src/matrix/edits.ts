/** Which of a message's edits in Matrix counts. Whatever the order in which they and their redactions came, the outcome is one. */

import type { Transaction } from "../commands/transaction.ts";
import { editBody } from "../model/event-bodies.ts";
import { ENCRYPTED, revisionOf, sameRevision } from "../model/message-content.ts";
import type { MatrixRow, MessageRow, Revision } from "../model/rows.ts";

/**
 * Makes the message behind `target` say what its newest standing edit says, or again what it said first, when there is none
 * (any more). `named`: whom each text names, as far as that is known. `at`: when an edit was taken back.
 */
export function applyLatestEdit(
  tx: Transaction,
  target: MatrixRow,
  named: (text: string) => MessageRow["textMentions"],
  at: Date,
): void {
  const message = tx.messageOfEvent(target.roomId, target.eventId);
  if (message === undefined || message.deleteSeq !== null) return;
  const first = target.revision ?? revisionOf(message);
  const winner = newest(tx, target, first);
  if (winner !== undefined) {
    if (target.revision === null) tx.putMatrix({ ...target, revision: first });
    say(tx, message, winner.revision ?? first, winner.sentAt, named);
  } else if (target.revision !== null && message.editedAt !== null) {
    const { roomId, senderId } = message;
    const before = { ...message, ...first, textMentions: named(first.content), editSeq: null, editedAt: null };
    tx.putMessage(before);
    tx.append(roomId, senderId, editBody({ ...before, editedAt: at }));
  }
}

function say(
  tx: Transaction,
  message: MessageRow,
  revision: Revision,
  editedAt: Date,
  named: (text: string) => MessageRow["textMentions"],
): void {
  const { roomId, senderId } = message;
  if (sameRevision(message, revision) && message.editedAt?.getTime() === editedAt.getTime()) return;
  const { content, type, file, mentions } = revision;
  const edited = {
    ...message,
    ...{ content, type, file, mentions, textMentions: named(content) },
    editSeq: tx.nextSeq(roomId),
    editedAt,
  };
  tx.putMessage(edited);
  tx.append(roomId, senderId, editBody(edited));
}

/** The newest edit that stands and is one: by the same sender, and encrypted exactly when the message is. */
function newest(tx: Transaction, target: MatrixRow, first: Revision): MatrixRow | undefined {
  const encrypted = first.type === ENCRYPTED;
  return tx
    .relations(target.roomId, target.eventId)
    .filter(({ kind, redacted, senderId }) => kind === "edit" && !redacted && senderId === target.senderId)
    .filter(({ revision }) => (revision === null) === encrypted)
    .reduce<MatrixRow | undefined>(
      (best, each) => (best === undefined || isNewer(each, best) ? each : best),
      undefined,
    );
}

function isNewer(one: MatrixRow, other: MatrixRow): boolean {
  const later = one.sentAt.getTime() - other.sentAt.getTime();
  return later > 0 || (later === 0 && one.eventId > other.eventId);
}
