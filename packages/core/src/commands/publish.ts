import type { EventType } from "@signalbox/protocol/down";
import { addTo, groupBy } from "../model/groups.ts";
import type { Engine } from "../ports/engine.ts";
import {
  encodeEventFrame,
  encodeHiddenFrame,
  encodeJoinedFrame,
  encodeMarkerFrame,
  encodeReceiptsFrame,
} from "../ports/engine-frames.ts";
import { announceStop, announceTyping } from "../ports/typing-announcement.ts";
import type { Transaction } from "./transaction.ts";

const ENDS_TYPING: ReadonlySet<EventType> = new Set(["SEND_MSG", "REPLY", "USER_LEAVE"]);

/**
 * Publishes the changes of a transaction to all nodes, after its commit. Hints only: what is lost, the outbox has (`outbox.ts`).
 * Returns the confirmations of all that is durable, for the caller to handle. DESIGN 3.3.
 */
export function publish(tx: Transaction, engine: Engine, typingTtlMs: number): readonly Promise<void>[] {
  const { members, receipts, markers } = tx.changes();
  const { pubSub } = engine;
  const sent = publishToRooms(tx, engine, typingTtlMs);
  for (const { roomId, userId, joinedSeq, leftSeq } of members)
    if (leftSeq === null)
      sent.push(pubSub.publishConfirmed({ kind: "user", id: userId }, encodeJoinedFrame(roomId, joinedSeq)));
  const visible = receipts.filter(({ hidden }) => !hidden);
  for (const [roomId, each] of groupBy(visible, (receipt) => receipt.roomId))
    sent.push(pubSub.publishConfirmed({ kind: "room", id: roomId }, encodeReceiptsFrame(each)));
  for (const receipt of receipts)
    if (receipt.hidden)
      sent.push(
        pubSub.publishConfirmed({ kind: "user", id: receipt.userId }, encodeHiddenFrame(receipt.roomId, receipt)),
      );
  for (const { roomId, userId, messageId } of markers)
    sent.push(pubSub.publishConfirmed({ kind: "user", id: userId }, encodeMarkerFrame(roomId, messageId)));
  return sent;
}

function publishToRooms(tx: Transaction, engine: Engine, typingTtlMs: number): Promise<void>[] {
  const sent: Promise<void>[] = [];
  const ended = new Map<string, Set<string>>();
  const stop = (roomId: string) => {
    engine.typing.stop(roomId, ...(ended.get(roomId) ?? []));
    ended.delete(roomId);
  };
  for (const change of tx.outgoing) {
    const { roomId, userId } = change;
    if ("body" in change) {
      sent.push(engine.pubSub.publishConfirmed({ kind: "room", id: roomId }, encodeEventFrame(change)));
      // Nodes end the typing by the message or the leave itself; later reads of the engine must not find it either.
      if (ENDS_TYPING.has(change.type)) addTo(ended, roomId, userId);
    } else if (change.started) {
      // Typing after a message of the same user begins anew.
      if (ended.has(roomId)) stop(roomId);
      announceTyping(engine, roomId, userId, typingTtlMs);
    } else announceStop(engine, roomId, userId);
  }
  // One command for all users of a room: one for each message cost a Matrix transaction more than its publications.
  for (const roomId of [...ended.keys()]) stop(roomId);
  return sent;
}
