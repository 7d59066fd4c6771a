/**
 * The choice among a message's edits in Matrix. The order in which they and their redactions came changes nothing about
 * the result.
 */

import type { Transaction } from "../commands/transaction.ts";
import { editBody } from "../model/event-bodies.ts";
import { ENCRYPTED, revisionOf, sameRevision } from "../model/message-content.ts";
import type { MatrixRow, MessageRow, Revision } from "../model/rows.ts";

/**
 * Gives the message of `target` the content of its newest active edit; without one, its first content. `textMentionsOf`
 * resolves the names in a text, null where they are unknown. `at` is the time of the event that ended an edit.
 */
export function applyLatestEdit(
  tx: Transaction,
  target: MatrixRow,
  textMentionsOf: (text: string) => MessageRow["textMentions"],
  at: Date,
): void {
  const message = tx.messageOfEvent(target.roomId, target.eventId);
  if (message === undefined || message.deleteSeq !== null) return;
  const first = target.revision ?? revisionOf(message);
  const edit = newestEdit(tx, target, first);
  if (edit !== undefined) {
    if (target.revision === null) tx.putMatrix({ ...target, revision: first });
    putRevision(tx, message, edit.revision ?? first, edit.sentAt, textMentionsOf);
  } else if (target.revision !== null && message.editedAt !== null) {
    const { roomId, senderId } = message;
    const textMentions = textMentionsOf(first.content);
    const unedited = { ...message, ...first, textMentions, editSeq: null, editedAt: null };
    tx.putMessage(unedited);
    tx.append(roomId, senderId, editBody({ ...unedited, editedAt: at }));
  }
}

function putRevision(
  tx: Transaction,
  message: MessageRow,
  revision: Revision,
  editedAt: Date,
  textMentionsOf: (text: string) => MessageRow["textMentions"],
): void {
  const { roomId, senderId } = message;
  if (sameRevision(message, revision) && message.editedAt?.getTime() === editedAt.getTime()) return;
  const { content, type, file, mentions } = revision;
  const edited = {
    ...message,
    ...{ content, type, file, mentions, textMentions: textMentionsOf(content) },
    editSeq: tx.nextSeq(roomId),
    editedAt,
  };
  tx.putMessage(edited);
  tx.append(roomId, senderId, editBody(edited));
}

/** The newest edit that is not redacted and is valid: by the message's sender, and encrypted exactly when the message is. */
function newestEdit(tx: Transaction, target: MatrixRow, first: Revision): MatrixRow | undefined {
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
