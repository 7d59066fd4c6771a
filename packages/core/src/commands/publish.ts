import type { EventType } from "@signalbox/protocol/down";
import type { ReceiptRow } from "../model/rows.ts";
import type { Engine } from "../ports/engine.ts";
import {
  encodeEventFrame,
  encodeHiddenFrame,
  encodeJoinedFrame,
  encodeMarkerFrame,
  encodeReceiptsFrame,
  encodeStopFrame,
  encodeTypingFrame,
} from "../ports/engine-frames.ts";
import type { Transaction } from "./transaction.ts";

const ENDS_TYPING: ReadonlySet<EventType> = new Set(["SEND_MSG", "REPLY", "USER_LEAVE"]);

/** Tells the other nodes what a tx holds, after its commit. Hints only: whoever misses one asks the store. DESIGN 3.3. */
export function publish(tx: Transaction, engine: Engine, typingTtlMs: number): void {
  const { members, receipts, markers } = tx.changes();
  publishToRooms(tx, engine, typingTtlMs);
  for (const { roomId, userId, joinedSeq, leftSeq } of members)
    if (leftSeq === null) engine.pubSub.publish({ kind: "user", id: userId }, encodeJoinedFrame(roomId, joinedSeq));
  for (const [roomId, each] of visibleByRoom(receipts))
    engine.pubSub.publish({ kind: "room", id: roomId }, encodeReceiptsFrame(each));
  for (const receipt of receipts)
    if (receipt.hidden)
      engine.pubSub.publish({ kind: "user", id: receipt.userId }, encodeHiddenFrame(receipt.roomId, receipt));
  for (const { roomId, userId, messageId } of markers)
    engine.pubSub.publish({ kind: "user", id: userId }, encodeMarkerFrame(roomId, messageId));
}

function publishToRooms(tx: Transaction, engine: Engine, typingTtlMs: number): void {
  const ended = new Map<string, Set<string>>();
  const stop = (roomId: string) => {
    engine.typing.stop(roomId, ...(ended.get(roomId) ?? []));
    ended.delete(roomId);
  };
  for (const told of tx.outgoing) {
    const channel = { kind: "room", id: told.roomId } as const;
    if ("body" in told) {
      engine.pubSub.publish(channel, encodeEventFrame(told));
      // Nodes see it end by their message, or their leaving; whoever asks the engine later must not find it either.
      if (ENDS_TYPING.has(told.type)) into(ended, told.roomId, told.userId);
    } else if (told.started) {
      // Who wrote and types again has begun anew.
      if (ended.has(told.roomId)) stop(told.roomId);
      engine.typing.start(told.roomId, told.userId, typingTtlMs);
      engine.pubSub.publish(channel, encodeTypingFrame(told.userId, typingTtlMs));
    } else {
      engine.typing.stop(told.roomId, told.userId);
      engine.pubSub.publish(channel, encodeStopFrame(told.userId));
    }
  }
  // One command for all of a room: one for each message cost a transaction of Matrix more than its publications.
  for (const roomId of [...ended.keys()]) stop(roomId);
}

function into(ended: Map<string, Set<string>>, roomId: string, userId: string): void {
  const users = ended.get(roomId);
  if (users === undefined) ended.set(roomId, new Set([userId]));
  else users.add(userId);
}

function visibleByRoom(receipts: readonly ReceiptRow[]): Map<string, ReceiptRow[]> {
  const rooms = new Map<string, ReceiptRow[]>();
  for (const receipt of receipts) {
    if (receipt.hidden) continue;
    const room = rooms.get(receipt.roomId);
    if (room === undefined) rooms.set(receipt.roomId, [receipt]);
    else room.push(receipt);
  }
  return rooms;
}
