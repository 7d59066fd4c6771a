/**
 * The frames on the engine's channels: a line that nodes read, and for events the encoded body that they forward.
 *
 *   room   e<seq> <mark> <mark before> <type> <user>\n<body>      an event
 *          e<seq> <mark> <mark before> <type> <user> <message> <event id, or nothing> <mentioned user> …\n<body>  a message
 *          t<ms left> <user>                 typing started, or goes on
 *          s<user>                           typing stopped
 *          r<user> <message> <seq> <ms>\n…   receipts, newest per user
 *          p<user> <version> <shown> <ms>\n… presence, as other users see it
 *          n<seq>                            the room has events up to that one, at least
 *   user   j<room> <seq>                     the user joined the room with that event
 *          o<version> <own> <ms>             presence, as the user's own sessions see it
 *          h<room> <user> <message> <seq> <ms>  a receipt for the user's own sessions alone
 *          m<room> <message>                 the user's marker
 *          x<ms>                             tokens issued until then are revoked
 *          k<room>                           the user's marker moved: the store has it
 *          c                                 the user's row changed: the store has it
 *   node   p<n>                              a probe
 */
import { EVENT_TYPES } from "@signalbox/protocol/down";
import type { Shown, Status } from "@signalbox/protocol/presence";
import type { Bytes } from "../model/bytes.ts";
import { toBytes, toText } from "../model/bytes.ts";
import type { EventRow, MessageRef, Receipt } from "../model/rows.ts";
import type { PresenceRow } from "./presence-registry.ts";

export type ShownPresence = Pick<PresenceRow, "userId" | "shown" | "activeAt" | "version">;
export type OwnPresence = Pick<PresenceRow, "own" | "ownActiveAt" | "version">;

export type RoomFrame =
  | { readonly kind: "event"; readonly event: EventRow }
  | { readonly kind: "typing"; readonly userId: string; readonly remainingMs: number }
  | { readonly kind: "stop"; readonly userId: string }
  | { readonly kind: "receipts"; readonly receipts: readonly Receipt[] }
  | { readonly kind: "presence"; readonly people: readonly ShownPresence[] }
  | { readonly kind: "head"; readonly seq: number };

export type UserFrame =
  | { readonly kind: "joined"; readonly roomId: string; readonly seq: number }
  | { readonly kind: "revoked"; readonly at: Date }
  | ({ readonly kind: "own" } & OwnPresence)
  | { readonly kind: "receipt"; readonly roomId: string; readonly receipt: Receipt }
  | { readonly kind: "marker"; readonly roomId: string; readonly messageId: string }
  | { readonly kind: "marker moved"; readonly roomId: string }
  | { readonly kind: "user changed" };

const typeIndex = new Map<string, number>(EVENT_TYPES.map((type, index) => [type, index]));

export const encodeEventFrame = ({ seq, mark, prev, type, userId, body, message }: EventRow): Bytes =>
  `e${seq} ${mark} ${prev} ${typeIndex.get(type)} ${userId}${message === undefined ? "" : encodeMessage(message)}\n${body}`;

const encodeMessage = ({ messageId, eventId, mentions }: MessageRef): Bytes =>
  ` ${[messageId, eventId === null ? "" : toBytes(eventId), ...mentions].join(" ")}`;

export const encodeTypingFrame = (userId: string, remainingMs: number): Bytes => `t${remainingMs} ${userId}`;
export const encodeStopFrame = (userId: string): Bytes => `s${userId}`;
export const encodeJoinedFrame = (roomId: string, seq: number): Bytes => `j${roomId} ${seq}`;
export const encodeRevokedFrame = (at: Date): Bytes => `x${at.getTime()}`;

export const encodeReceiptsFrame = (receipts: readonly Receipt[]): Bytes =>
  `r${receipts.map(encodeReceipt).join("\n")}`;

export const encodePresenceFrame = (people: readonly ShownPresence[]): Bytes =>
  `p${people.map(({ userId, version, shown, activeAt }) => `${userId} ${version} ${shown} ${activeAt ?? ""}`).join("\n")}`;

export const encodeOwnFrame = ({ version, own, ownActiveAt }: OwnPresence): Bytes =>
  `o${version} ${own} ${ownActiveAt ?? ""}`;

export const encodeHiddenFrame = (roomId: string, receipt: Receipt): Bytes => `h${roomId} ${encodeReceipt(receipt)}`;
export const encodeMarkerFrame = (roomId: string, messageId: string): Bytes => `m${roomId} ${messageId}`;

/** Instead of `encodeMarkerFrame` where a frame may come late: markers move backwards, too. */
export const encodeMarkerMovedFrame = (roomId: string): Bytes => `k${roomId}`;
export const USER_CHANGED_FRAME: Bytes = "c";
export const encodeHeadFrame = (seq: number): Bytes => `n${seq}`;

const encodeReceipt = ({ userId, messageId, eventId, messageSeq, readAt }: Receipt): Bytes =>
  `${userId} ${messageId} ${messageSeq} ${readAt.getTime()}${eventId === null ? "" : ` ${toBytes(eventId)}`}`;

/** Undefined for an unknown frame, which a node of another version may send: the store brings its content. */
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
    case "p":
      return { kind: "presence", people: payload.slice(1).split("\n").map(decodeShown) };
    case "n":
      return { kind: "head", seq: Number(payload.slice(1)) };
    default:
      return undefined;
  }
}

export function decodeUserFrame(payload: Bytes): UserFrame | undefined {
  const [first = "", second = "", third = ""] = payload.slice(1).split(" ", 3);
  switch (payload[0]) {
    case "x":
      return { kind: "revoked", at: new Date(Number(first)) };
    case "j":
      return { kind: "joined", roomId: first, seq: Number(second) };
    case "o":
      return { kind: "own", version: Number(first), own: second as Status, ownActiveAt: momentOf(third) };
    case "h":
      return { kind: "receipt", roomId: first, receipt: decodeReceipt(payload.slice(first.length + 2)) };
    case "m":
      return { kind: "marker", roomId: first, messageId: second };
    case "k":
      return { kind: "marker moved", roomId: first };
    case "c":
      return { kind: "user changed" };
    default:
      return undefined;
  }
}

const momentOf = (ms: string): number | null => (ms === "" ? null : Number(ms));

function decodeShown(line: string): ShownPresence {
  const [userId = "", version, shown, ms = ""] = line.split(" ");
  return { userId, version: Number(version), shown: shown as Shown, activeAt: momentOf(ms) };
}

function decodeEvent(roomId: string, payload: Bytes): RoomFrame | undefined {
  const end = payload.indexOf("\n");
  const [seq, mark, prev, index, userId = "", messageId, eventId = "", ...mentions] = payload.slice(1, end).split(" ");
  const type = EVENT_TYPES[Number(index)];
  if (type === undefined) return undefined;
  const place = { roomId, seq: Number(seq), mark: Number(mark), prev: Number(prev) };
  const event = { ...place, type, userId, body: payload.slice(end + 1) };
  if (messageId === undefined) return { kind: "event", event };
  const message = { messageId, eventId: eventId === "" ? null : toText(eventId), mentions };
  return { kind: "event", event: { ...event, message } };
}

function decodeReceipt(line: string): Receipt {
  const [userId = "", messageId = "", seq, ms, eventId] = line.split(" ");
  const own = eventId === undefined ? null : toText(eventId);
  return { userId, messageId, eventId: own, messageSeq: Number(seq), readAt: new Date(Number(ms)) };
}
