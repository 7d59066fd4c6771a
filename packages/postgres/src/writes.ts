import type { EventRow, MemberRow, MessageRow, ReactionRow, ReceiptRow, RoomRow, UserRow } from "@signalbox/core/ports";
import type { Sql } from "./connection.ts";
import { toStored } from "./events.ts";

// One statement per table and group, with all its rows as one JSON parameter; see DECISIONS for what else was measured.

/** Rooms that were not there at the lock. One that somebody else made meanwhile fails the commit: it must not be written over. */
export const insertRooms = (sql: Sql, rooms: readonly RoomRow[], now: Date) =>
  sql`
  insert into rooms (room_id, name, metadata, created_by, created_at, last_seq, last_at, member_count, deleted_at)
  select "roomId", name, metadata, "createdBy", "createdAt", "lastSeq", ${now}, "memberCount", "deletedAt"
  from json_to_recordset(${JSON.stringify(rooms)}::text::json) as n("roomId" uuid, name text, metadata json, "createdBy" text,
    "createdAt" timestamptz, "lastSeq" bigint, "memberCount" integer, "deletedAt" timestamptz)`.execute();

/** A room's changes; null is a name or metadata that stay as they are. */
export type RoomChange = Pick<RoomRow, "roomId" | "lastSeq" | "memberCount" | "deletedAt"> & {
  readonly name: string | null;
  readonly metadata: RoomRow["metadata"] | null;
};

export const updateRooms = (sql: Sql, rooms: readonly RoomChange[], now: Date) =>
  sql`
  update rooms r set last_seq = n."lastSeq", last_at = ${now}, member_count = n."memberCount", deleted_at = n."deletedAt",
    name = coalesce(n.name, r.name), metadata = coalesce(n.metadata, r.metadata)
  from json_to_recordset(${JSON.stringify(rooms)}::text::json) as n("roomId" uuid, name text, metadata json, "lastSeq" bigint,
    "memberCount" integer, "deletedAt" timestamptz)
  where r.room_id = n."roomId"`.execute();

export const putMembers = (sql: Sql, members: readonly MemberRow[]) =>
  sql`
  insert into members (room_id, user_id, role, joined_at, joined_seq, left_seq)
  select * from json_to_recordset(${JSON.stringify(members)}::text::json) as n("roomId" uuid, "userId" text, role text,
    "joinedAt" timestamptz, "joinedSeq" bigint, "leftSeq" bigint)
  on conflict (room_id, user_id) do update set role = excluded.role, joined_at = excluded.joined_at,
    joined_seq = excluded.joined_seq, left_seq = excluded.left_seq, xid = excluded.xid`.execute();

export const putMessages = (sql: Sql, messages: readonly MessageRow[]) =>
  sql`
  insert into messages (room_id, seq, message_id, sender_id, content, sent_at, client_message_id, reply_to, mentions,
    edit_seq, edited_at, delete_seq, deleted_at, deleted_by)
  select * from json_to_recordset(${JSON.stringify(messages)}::text::json) as n("roomId" uuid, seq bigint, "messageId" uuid,
    "senderId" text, content text, "sentAt" timestamptz, "clientMessageId" text, "replyTo" uuid, mentions json,
    "editSeq" bigint, "editedAt" timestamptz, "deleteSeq" bigint, "deletedAt" timestamptz, "deletedBy" text)
  on conflict (room_id, seq) do update set content = excluded.content, mentions = excluded.mentions,
    edit_seq = excluded.edit_seq, edited_at = excluded.edited_at, delete_seq = excluded.delete_seq,
    deleted_at = excluded.deleted_at, deleted_by = excluded.deleted_by`.execute();

export const putReactions = (sql: Sql, reactions: readonly ReactionRow[]) =>
  sql`
  insert into reactions (room_id, message_id, reaction_id, sender_id, reaction, seq, sent_at, removed_seq)
  select * from json_to_recordset(${JSON.stringify(removedFirst(reactions))}::text::json) as n("roomId" uuid, "messageId" uuid,
    "reactionId" uuid, "senderId" text, reaction text, seq bigint, "sentAt" timestamptz, "removedSeq" bigint)
  on conflict (room_id, reaction_id) do update set removed_seq = excluded.removed_seq`.execute();

/** At most one of a kind may stand, and the index looks at each row by itself: the old one must have gone before the new one comes. */
const removedFirst = (reactions: readonly ReactionRow[]): readonly ReactionRow[] => [
  ...reactions.filter(({ removedSeq }) => removedSeq !== null),
  ...reactions.filter(({ removedSeq }) => removedSeq === null),
];

export const putReceipts = (sql: Sql, receipts: readonly ReceiptRow[], now: Date) =>
  sql`
  insert into receipts (room_id, user_id, message_id, message_seq, read_at, stamp_seq, changed_at)
  select n.*, ${now} from json_to_recordset(${JSON.stringify(receipts)}::text::json) as n("roomId" uuid, "userId" text,
    "messageId" uuid, "messageSeq" bigint, "readAt" timestamptz, "stampSeq" bigint)
  on conflict (room_id, user_id) do update set message_id = excluded.message_id, message_seq = excluded.message_seq,
    read_at = excluded.read_at, stamp_seq = excluded.stamp_seq, changed_at = excluded.changed_at, xid = excluded.xid`.execute();

/**
 * Users are under no lock of a room: sorted, so that two commits do not wait for each other, and a revocation that came in
 * between stays.
 */
export const putUsers = (sql: Sql, users: readonly UserRow[]) =>
  sql`
  insert into users (user_id, name, revoked_at)
  select * from json_to_recordset(${JSON.stringify(users)}::text::json) as n("userId" text, name text, "revokedAt" timestamptz)
  order by "userId" collate "C"
  on conflict (user_id) do update set name = excluded.name, revoked_at = greatest(users.revoked_at, excluded.revoked_at),
    xid = excluded.xid`.execute();

/** Events are only ever added. */
export const insertEvents = (sql: Sql, events: readonly EventRow[], now: Date) =>
  sql`
  insert into events (room_id, seq, type, user_id, body, created_at)
  select n.*, ${now} from json_to_recordset(${JSON.stringify(events.map(toStored))}::text::json) as n("roomId" uuid, seq bigint,
    type smallint, "userId" text, body text)`.execute();
