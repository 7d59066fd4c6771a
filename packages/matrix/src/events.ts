/**
 * A lenient reader of transactions: any item that is not a known event is skipped, and never affects its neighbours. `content.ts`
 * reads the contents.
 */
import { isObject } from "@signalbox/protocol/text";

/** A JSON object with unknown fields. */
export type Json = Readonly<Record<string, unknown>>;

/** An event of a room. All ids are Matrix ids; times are milliseconds since the epoch, by the sending server's clock. */
export interface MatrixEvent {
  readonly eventId: string;
  readonly roomId: string;
  readonly type: string;
  readonly sender: string;
  readonly sentAt: number;
  /** Null for an event that is not a state event. */
  readonly stateKey: string | null;
  readonly content: Json;
  /** The event that it redacts, in the field of rooms before version 11. */
  readonly redacts: unknown;
  /** The user and time of its redaction, for an event that came redacted. */
  readonly redacted: { readonly by: string; readonly at: number } | null;
}

export interface Typing {
  readonly roomId: string;
  readonly userIds: readonly string[];
}

export interface Receipt {
  readonly roomId: string;
  readonly userId: string;
  readonly eventId: string;
  readonly at: number;
  readonly private: boolean;
}

export interface MatrixPresence {
  readonly userId: string;
  readonly presence: "online" | "unavailable" | "offline";
  readonly idleForMs: number;
}

/** The ephemeral items of a transaction: pushed once, never again. */
export interface Ephemeral {
  readonly typing: readonly Typing[];
  readonly receipts: readonly Receipt[];
  readonly presence: readonly MatrixPresence[];
}

/** Ids are opaque but for their first character. None holds white space or characters that cannot be stored. */
const EVENT_ID = /^\$[^\s\0\p{Surrogate}]{1,254}$/u;
const ROOM_ID = /^![^\s\0\p{Surrogate}]{1,254}$/u;
const USER_ID = /^@[^\s\0\p{Surrogate}]{1,254}$/u;

export const isEventId = (value: unknown): value is string => typeof value === "string" && EVENT_ID.test(value);
export const isUserId = (value: unknown): value is string => typeof value === "string" && USER_ID.test(value);
const isRoomId = (value: unknown): value is string => typeof value === "string" && ROOM_ID.test(value);

/** The events of a list, in order, and the number of skipped items. A value that is not a list counts as an empty one. */
export function readEvents(items: unknown): { readonly events: readonly MatrixEvent[]; readonly skipped: number } {
  const all = Array.isArray(items) ? items : [];
  const events = all.flatMap((item) => readEvent(item) ?? []);
  return { events, skipped: all.length - events.length };
}

function readEvent(item: unknown): MatrixEvent | undefined {
  if (!isObject(item)) return undefined;
  const { event_id, room_id, type, sender, origin_server_ts, content, state_key, unsigned, redacts } = item;
  if (!(isEventId(event_id) && isRoomId(room_id) && isUserId(sender) && isObject(content))) return undefined;
  if (typeof type !== "string" || typeof origin_server_ts !== "number") return undefined;
  const envelope = { eventId: event_id, roomId: room_id, type, sender, sentAt: origin_server_ts, content, redacts };
  const stateKey = typeof state_key === "string" ? state_key : null;
  return { ...envelope, stateKey, redacted: redactedBy(unsigned, envelope) };
}

function redactedBy(unsigned: unknown, event: { readonly sender: string; readonly sentAt: number }) {
  const because = isObject(unsigned) ? unsigned.redacted_because : undefined;
  if (!isObject(because)) return null;
  const { sender, origin_server_ts } = because;
  return {
    by: isUserId(sender) ? sender : event.sender,
    at: typeof origin_server_ts === "number" ? origin_server_ts : event.sentAt,
  };
}

/** The ephemeral items of a transaction, without invalid ones; of a user's presence and a room's typing only the last. */
export function readEphemeral(items: unknown): Ephemeral {
  const all = (Array.isArray(items) ? items : []).filter(isObject);
  const of = (type: string) => all.filter((item) => item.type === type);
  const typing = of("m.typing").flatMap((item) => readTyping(item) ?? []);
  const presence = of("m.presence").flatMap((item) => readPresence(item) ?? []);
  return {
    typing: [...new Map(typing.map((item) => [item.roomId, item])).values()],
    receipts: of("m.receipt").flatMap(readReceipts),
    presence: [...new Map(presence.map((item) => [item.userId, item])).values()],
  };
}

function readTyping({ room_id, content }: Json): Typing | undefined {
  const userIds = isObject(content) ? content.user_ids : undefined;
  if (!isRoomId(room_id) || !Array.isArray(userIds)) return undefined;
  return { roomId: room_id, userIds: [...new Set(userIds.filter(isUserId))] };
}

const RECEIPTS = [
  ["m.read", false],
  ["m.read.private", true],
] as const;

/** The receipts of an item. One for a thread counts for the whole room: here a user has one receipt per room. */
function readReceipts({ room_id, content }: Json): Receipt[] {
  if (!isRoomId(room_id)) return [];
  return entries(content).flatMap(([eventId, kinds]) =>
    RECEIPTS.flatMap(([kind, isPrivate]) =>
      entries(isObject(kinds) ? kinds[kind] : undefined).flatMap(([userId, receipt]) => {
        if (!isEventId(eventId) || !isUserId(userId) || !isObject(receipt)) return [];
        const at = typeof receipt.ts === "number" ? receipt.ts : Number.POSITIVE_INFINITY;
        return { roomId: room_id, userId, eventId, at, private: isPrivate };
      }),
    ),
  );
}

function readPresence({ sender, content }: Json): MatrixPresence | undefined {
  const { presence, last_active_ago: ago } = isObject(content) ? content : {};
  if (!isUserId(sender)) return undefined;
  if (presence !== "online" && presence !== "unavailable" && presence !== "offline") return undefined;
  return { userId: sender, presence, idleForMs: typeof ago === "number" ? Math.max(0, ago) : 0 };
}

const entries = (value: unknown): [string, unknown][] => (isObject(value) ? Object.entries(value) : []);
