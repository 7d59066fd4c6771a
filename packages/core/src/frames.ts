/**
 * What travels on the engine's channels: a line that nodes read, and for events the encoded body that they forward.
 *
 *   room   e<seq> <type> <user>\n<body>      an event
 *          t<ms left> <user>                 typing started, or goes on
 *          s<user>                           typing stopped
 *          r<user> <message> <seq> <ms>\n…   receipts, newest per user
 *   user   j<room> <seq>                     joined with that event
 *          x<ms>                             tokens issued until then are revoked
 *   node   p<n>                              a probe
 */
import { EVENT_TYPES } from "@signalbox/protocol/down";
import type { Bytes, EventRow, ReceiptRow } from "./ports.ts";

/** A receipt on the wire: what a session is told, and `messageSeq`, by which the newer of two is known. */
export type Receipt = Pick<ReceiptRow, "userId" | "messageId" | "messageSeq" | "readAt">;

export type RoomFrame =
  | { readonly kind: "event"; readonly event: EventRow }
  | { readonly kind: "typing"; readonly userId: string; readonly remainingMs: number }
  | { readonly kind: "stop"; readonly userId: string }
  | { readonly kind: "receipts"; readonly receipts: readonly Receipt[] };

export type UserFrame =
  | { readonly kind: "joined"; readonly roomId: string; readonly seq: number }
  | { readonly kind: "revoked"; readonly at: Date };

const typeIndex = new Map<string, number>(EVENT_TYPES.map((type, index) => [type, index]));

export const encodeEventFrame = (event: EventRow): Bytes =>
  `e${event.seq} ${typeIndex.get(event.type)} ${event.userId}\n${event.body}`;

export const encodeTypingFrame = (userId: string, remainingMs: number): Bytes => `t${remainingMs} ${userId}`;
export const encodeStopFrame = (userId: string): Bytes => `s${userId}`;
export const encodeJoinedFrame = (roomId: string, seq: number): Bytes => `j${roomId} ${seq}`;
export const encodeRevokedFrame = (at: Date): Bytes => `x${at.getTime()}`;

export const encodeReceiptsFrame = (receipts: readonly Receipt[]): Bytes =>
  `r${receipts.map((each) => `${each.userId} ${each.messageId} ${each.messageSeq} ${each.readAt.getTime()}`).join("\n")}`;

/** Undefined for what a node of another version may send: an unknown frame is lost, which the store makes good. */
export function decodeRoomFrame(roomId: string, payload: Bytes): RoomFrame | undefined {
  switch (payload[0]) {
    case "e":
      return decodeEvent(roomId, payload);
    case "t": {
      const [ms, userId] = payload.slice(1).split(" ");
      return userId === undefined ? undefined : { kind: "typing", userId, remainingMs: Number(ms) };
    }
    case "s":
      return { kind: "stop", userId: payload.slice(1) };
    case "r":
      return { kind: "receipts", receipts: payload.slice(1).split("\n").map(decodeReceipt) };
    default:
      return undefined;
  }
}

export function decodeUserFrame(payload: Bytes): UserFrame | undefined {
  if (payload.startsWith("x")) return { kind: "revoked", at: new Date(Number(payload.slice(1))) };
  if (!payload.startsWith("j")) return undefined;
  const [roomId = "", seq] = payload.slice(1).split(" ");
  return { kind: "joined", roomId, seq: Number(seq) };
}

function decodeEvent(roomId: string, payload: Bytes): RoomFrame | undefined {
  const end = payload.indexOf("\n");
  const [seq, index, userId = ""] = payload.slice(1, end).split(" ");
  const type = EVENT_TYPES[Number(index)];
  if (type === undefined) return undefined;
  return { kind: "event", event: { roomId, seq: Number(seq), type, userId, body: payload.slice(end + 1) } };
}

function decodeReceipt(line: string): Receipt {
  const [userId = "", messageId = "", seq, ms] = line.split(" ");
  return { userId, messageId, messageSeq: Number(seq), readAt: new Date(Number(ms)) };
}
