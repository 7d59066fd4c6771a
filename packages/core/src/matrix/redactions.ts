/** What a redaction takes away, and that nothing of it stays behind. */

import type { Draft } from "../commands/transaction.ts";
import { deleteBody, unreactBody } from "../model/event-bodies.ts";
import { BARE } from "../model/message-content.ts";
import type { MatrixRow, MessageRow } from "../model/rows.ts";
import { settle } from "./edits.ts";
import type { Arrived, Origin } from "./origin.ts";

/** The redaction of an event, when that came before it. */
export function redactionOf(draft: Draft, { roomId, eventId }: Origin): Arrived["redacted"] {
  const row = draft.relations(roomId, eventId).find(({ kind }) => kind === "redaction");
  return row === undefined ? null : { by: row.senderId, at: row.sentAt };
}

/** Takes back what an event became: the message, the edit's place among the others, or the reaction. Once. */
export function takeBack(draft: Draft, target: MatrixRow, redaction: NonNullable<Arrived["redacted"]>): void {
  if (target.redacted) return;
  const { roomId, eventId, kind } = target;
  const redacted = { ...target, redacted: true, revision: null };
  draft.putMatrix(redacted);
  const message = draft.messageBehind(roomId, eventId);
  if (message !== undefined) erase(draft, redacted, message, redaction);
  if (kind === "reaction") unstand(draft, target);
  const edited = kind === "edit" ? draft.matrix(roomId, target.targetId ?? "") : undefined;
  if (edited !== undefined) settle(draft, edited, () => null, redaction.at);
}

/** Deletes the message that `target` became, and forgets what its edits said. */
export function erase(
  draft: Draft,
  { roomId, eventId }: MatrixRow,
  message: MessageRow,
  { by, at }: NonNullable<Arrived["redacted"]>,
): void {
  for (const each of draft.relations(roomId, eventId))
    if (each.kind === "edit" && each.revision !== null) draft.putMatrix({ ...each, revision: null });
  if (message.deleteSeq !== null) return;
  const deleted = { ...message, ...BARE, deleteSeq: draft.nextSeq(roomId), deletedAt: at, deletedBy: by };
  draft.putMessage(deleted);
  draft.append(roomId, by, deleteBody(deleted));
}

/** Removes the reaction that an event became. One that only repeated another leaves that one standing. */
function unstand(draft: Draft, { roomId, eventId, subjectId }: MatrixRow): void {
  const row = subjectId === null ? undefined : draft.reaction(subjectId);
  if (row === undefined || row.eventId !== eventId || row.removedSeq !== null) return;
  const removed = { ...row, removedSeq: draft.nextSeq(roomId) };
  draft.putReaction(removed);
  draft.append(roomId, row.senderId, unreactBody(removed, draft.peek(roomId, row.messageId)));
}
