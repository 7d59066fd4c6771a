/** Which of a message's edits in Matrix counts. Whatever the order in which they and their redactions came, the outcome is one. */

import type { Draft } from "../commands/transaction.ts";
import { editBody } from "../model/event-bodies.ts";
import { ENCRYPTED, revisionOf, sameRevision } from "../model/message-content.ts";
import type { MatrixRow, MessageRow, Revision } from "../model/rows.ts";

/**
 * Makes the message behind `target` say what its newest standing edit says, or again what it said first, when there is none
 * (any more). `named`: whom each text names, as far as that is known. `at`: when an edit was taken back.
 */
export function settle(draft: Draft, target: MatrixRow, named: (text: string) => MessageRow["named"], at: Date): void {
  const message = draft.messageBehind(target.roomId, target.eventId);
  if (message === undefined || message.deleteSeq !== null) return;
  const first = target.revision ?? revisionOf(message);
  const winner = newest(draft, target, first);
  if (winner !== undefined) {
    if (target.revision === null) draft.putMatrix({ ...target, revision: first });
    say(draft, message, winner.revision ?? first, winner.sentAt, named);
  } else if (target.revision !== null && message.editedAt !== null) {
    const { roomId, senderId } = message;
    const before = { ...message, ...first, named: named(first.content), editSeq: null, editedAt: null };
    draft.putMessage(before);
    draft.append(roomId, senderId, editBody({ ...before, editedAt: at }));
  }
}

function say(
  draft: Draft,
  message: MessageRow,
  revision: Revision,
  editedAt: Date,
  named: (text: string) => MessageRow["named"],
): void {
  const { roomId, senderId } = message;
  if (sameRevision(message, revision) && message.editedAt?.getTime() === editedAt.getTime()) return;
  const { content, type, file, mentions } = revision;
  const edited = {
    ...message,
    ...{ content, type, file, mentions, named: named(content) },
    editSeq: draft.nextSeq(roomId),
    editedAt,
  };
  draft.putMessage(edited);
  draft.append(roomId, senderId, editBody(edited));
}

/** The newest edit that stands and is one: by the same sender, and encrypted exactly when the message is. */
function newest(draft: Draft, target: MatrixRow, first: Revision): MatrixRow | undefined {
  const encrypted = first.type === ENCRYPTED;
  return draft
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
