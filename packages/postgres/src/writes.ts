import type {
  MarkerRow,
  MatrixRow,
  MemberRow,
  MessageRow,
  ReactionRow,
  ReceiptRow,
  RoomRow,
  RoomSectionRow,
  StoredEvent,
  UserRow,
} from "@signalbox/core/model/rows";
import { USER_CHANGED_FRAME } from "@signalbox/core/ports/engine-frames";
import type { Sql } from "./connection.ts";
import { toColumns } from "./events.ts";
import { receiptFrame } from "./outbox.ts";
import type { Counters } from "./room-counters.ts";

// One statement per table and group, with all rows as one JSON parameter; DECISIONS 2 has the alternatives and their
// measurements.

/**
 * Inserts rooms that did not exist at the lock. A room that another node created or bridged meanwhile fails the commit,
 * so that it is not overwritten.
 */
export const insertRooms = (sql: Sql, rooms: readonly (RoomRow & Counters)[], now: Date) =>
  sql`
  insert into rooms (room_id, name, metadata, created_by, created_at, last_seq, last_mark, last_at, member_count, message_count,
    deleted_at, matrix_room_id, standing_count, file_count, first_id, last_id)
  select "roomId", name, metadata, "createdBy", "createdAt", "lastSeq", "lastMark", ${now}, "memberCount", "messageCount", "deletedAt",
    "matrixRoomId", messages, files, "firstId", "lastId"
  from json_to_recordset(${JSON.stringify(rooms)}::text::json) as n("roomId" uuid, name text, metadata json, "createdBy" text,
    "createdAt" timestamptz, "lastSeq" bigint, "lastMark" integer, "memberCount" integer, "messageCount" bigint,
    "deletedAt" timestamptz, "matrixRoomId" text, messages bigint, files bigint, "firstId" uuid, "lastId" uuid)`.execute();

/** The changes of a room. Null leaves a field unchanged; counters are added to the stored ones. */
export type RoomChange = Pick<
  RoomRow,
  "roomId" | "lastSeq" | "lastMark" | "memberCount" | "messageCount" | "deletedAt"
> &
  Counters & {
    readonly [K in "name" | "metadata" | "createdBy" | "createdAt" | "matrixRoomId"]: RoomRow[K] | null;
  };

export const updateRooms = (sql: Sql, rooms: readonly RoomChange[], now: Date) =>
  sql`
  update rooms r set last_seq = n."lastSeq", last_mark = n."lastMark", last_at = ${now}, member_count = n."memberCount",
    message_count = n."messageCount", deleted_at = n."deletedAt", name = coalesce(n.name, r.name),
    metadata = coalesce(n.metadata, r.metadata), created_by = coalesce(n."createdBy", r.created_by),
    created_at = coalesce(n."createdAt", r.created_at), matrix_room_id = coalesce(n."matrixRoomId", r.matrix_room_id),
    standing_count = r.standing_count + n.messages, file_count = r.file_count + n.files,
    first_id = least(r.first_id, n."firstId"), last_id = greatest(r.last_id, n."lastId")
  from json_to_recordset(${JSON.stringify(rooms)}::text::json) as n("roomId" uuid, name text, metadata json, "createdBy" text,
    "createdAt" timestamptz, "matrixRoomId" text, "lastSeq" bigint, "lastMark" integer, "memberCount" integer, "messageCount" bigint,
    "deletedAt" timestamptz, messages bigint, files bigint, "firstId" uuid, "lastId" uuid)
  where r.room_id = n."roomId"`.execute();

export const putMembers = (sql: Sql, members: readonly MemberRow[]) =>
  sql`
  insert into members (room_id, user_id, role, joined_at, joined_seq, first_seq, left_seq)
  select * from json_to_recordset(${JSON.stringify(members)}::text::json) as n("roomId" uuid, "userId" text, role text,
    "joinedAt" timestamptz, "joinedSeq" bigint, "firstSeq" bigint, "leftSeq" bigint)
  on conflict (room_id, user_id) do update set role = excluded.role, joined_at = excluded.joined_at,
    joined_seq = excluded.joined_seq, left_seq = excluded.left_seq`.execute();

export const putMessages = (sql: Sql, messages: readonly MessageRow[]) =>
  sql`
  insert into messages (room_id, seq, place, message_id, sender_id, content, sent_at, client_message_id, reply_to, mentions,
    named, type, file, thread_root, event_id, edit_seq, edited_at, delete_seq, deleted_at, deleted_by)
  select * from json_to_recordset(${JSON.stringify(messages)}::text::json) as n("roomId" uuid, seq bigint, ordinal bigint,
    "messageId" uuid, "senderId" text, content text, "sentAt" timestamptz, "clientMessageId" text, "replyTo" uuid, mentions json,
    "textMentions" json, type text, file json, "threadRoot" text, "eventId" text, "editSeq" bigint, "editedAt" timestamptz,
    "deleteSeq" bigint, "deletedAt" timestamptz, "deletedBy" text)
  on conflict (room_id, seq) do update set content = excluded.content, client_message_id = excluded.client_message_id,
    reply_to = excluded.reply_to, mentions = excluded.mentions, named = excluded.named, type = excluded.type,
    file = excluded.file, thread_root = excluded.thread_root, event_id = excluded.event_id, edit_seq = excluded.edit_seq,
    edited_at = excluded.edited_at, delete_seq = excluded.delete_seq, deleted_at = excluded.deleted_at,
    deleted_by = excluded.deleted_by`.execute();

/** Writes the mentions of these messages: the users of both lists without the author, and none for a deleted message. */
export const putMentions = (sql: Sql, messages: readonly MessageRow[]) =>
  sql`
  with n as materialized (
    select * from json_to_recordset(${JSON.stringify(messages.map(toMentioned))}::text::json)
      as n("roomId" uuid, seq bigint, "userIds" text[])
  ), gone as (
    delete from mentions m using n cross join lateral (
      select ctid from mentions where room_id = n."roomId" and seq = n.seq and user_id <> all(n."userIds") offset 0
    ) old where m.ctid = old.ctid
  )
  insert into mentions (room_id, seq, user_id) select "roomId", seq, unnest("userIds") from n on conflict do nothing`.execute();

function toMentioned({ roomId, seq, senderId, mentions, textMentions, deleteSeq }: MessageRow) {
  const userIds = new Set(deleteSeq === null ? [...(mentions ?? []), ...(textMentions ?? [])] : []);
  userIds.delete(senderId);
  return { roomId, seq, userIds: [...userIds] };
}

export const putReactions = (sql: Sql, reactions: readonly ReactionRow[]) =>
  sql`
  insert into reactions (room_id, message_id, reaction_id, sender_id, reaction, seq, sent_at, removed_seq, event_id)
  select * from json_to_recordset(${JSON.stringify(removedFirst(reactions))}::text::json) as n("roomId" uuid, "messageId" uuid,
    "reactionId" uuid, "senderId" text, reaction text, seq bigint, "sentAt" timestamptz, "removedSeq" bigint, "eventId" text)
  on conflict (room_id, reaction_id) do update set reaction = excluded.reaction, removed_seq = excluded.removed_seq`.execute();

/** Removed reactions first: the index allows one active reaction of a kind, and checks each row by itself. */
const removedFirst = (reactions: readonly ReactionRow[]): readonly ReactionRow[] => [
  ...reactions.filter(({ removedSeq }) => removedSeq !== null),
  ...reactions.filter(({ removedSeq }) => removedSeq === null),
];

const receiptRows = (sql: Sql, receipts: readonly ReceiptRow[]) =>
  sql`json_to_recordset(${JSON.stringify(receipts)}::text::json) as n("roomId" uuid, "userId" text, hidden boolean,
    private boolean, "messageId" uuid, "eventId" text, "messageSeq" bigint, "messageOrdinal" bigint, "readAt" timestamptz,
    "stampSeq" bigint)`;

/** The update of an existing receipt. */
const replaceReceipt = (sql: Sql) =>
  sql`on conflict (room_id, user_id, hidden, private) do update set message_id = excluded.message_id,
    event_id = excluded.event_id, message_seq = excluded.message_seq,
    message_place = excluded.message_place, read_at = excluded.read_at, stamp_seq = excluded.stamp_seq,
    changed_at = excluded.changed_at`;

export const putReceipts = (sql: Sql, receipts: readonly ReceiptRow[], now: Date) =>
  sql`
  insert into receipts (room_id, user_id, hidden, private, message_id, event_id, message_seq, message_place, read_at,
    stamp_seq, changed_at)
  select n.*, ${now} from ${receiptRows(sql, receipts)} ${replaceReceipt(sql)}`.execute();

/**
 * Writes hidden receipts. The lock of a room does not stop its user from showing themselves meanwhile. So this reads
 * each choice again, under a lock that `choosePresence` waits for: the receipt of a user that is visible by now is
 * written as a visible one, and the outbox tells the room. A private receipt stays hidden.
 */
export const putHiddenReceipts = (sql: Sql, receipts: readonly ReceiptRow[], now: Date) =>
  sql`
  with hiding as materialized (
    select user_id from users where user_id = any(${receipts.map(({ userId }) => userId)}::text[])
      and choice = 'appear_offline' order by user_id for share
  ), written as (
    insert into receipts (room_id, user_id, hidden, private, message_id, event_id, message_seq, message_place, read_at,
      stamp_seq, changed_at)
    select "roomId", "userId", private or exists (select from hiding h where h.user_id = n."userId"), private, "messageId",
      "eventId", "messageSeq", "messageOrdinal", "readAt", "stampSeq", ${now} from ${receiptRows(sql, receipts)} ${replaceReceipt(sql)}
    returning *
  )
  insert into outbox (id, frames)
  select gen_random_uuid(), json_agg(${receiptFrame(sql)}) from written w where not w.hidden having count(*) > 0`.execute();

/**
 * Replaces a user's visible receipts by the hidden ones, which are ahead of them, with a present stamp. Private ones stay. The
 * outbox gets the choice and what it shows.
 */
export const showReceipts = (sql: Sql, userId: string) =>
  sql`
  with shown as (delete from receipts where user_id = ${userId} and hidden and not private returning *), written as (
    insert into receipts (room_id, user_id, hidden, private, message_id, event_id, message_seq, message_place, read_at,
      stamp_seq, changed_at)
    select s.room_id, s.user_id, false, false, s.message_id, s.event_id, s.message_seq, s.message_place, s.read_at, r.last_seq,
      clock_timestamp()
    from shown s join rooms r on r.room_id = s.room_id ${replaceReceipt(sql)}
    returning *
  )
  insert into outbox (id, frames)
  select gen_random_uuid(), json_agg(frame) from (
    select json_build_array('user', ${userId}::text, ${USER_CHANGED_FRAME}::text) as frame
    union all select ${receiptFrame(sql)} from written w
  ) f`.execute();

export const putMarkers = (sql: Sql, markers: readonly MarkerRow[]) =>
  sql`
  insert into markers (room_id, user_id, message_id)
  select * from json_to_recordset(${JSON.stringify(markers)}::text::json) as n("roomId" uuid, "userId" text, "messageId" uuid)
  on conflict (room_id, user_id) do update set message_id = excluded.message_id`.execute();

/** Writes sections. A section without a body is deleted, since a room may have had any number of sidekicks. */
export const putSections = (sql: Sql, sections: readonly RoomSectionRow[]) =>
  sql`
  with n as materialized (
    select * from json_to_recordset(${JSON.stringify(sections)}::text::json) as n("roomId" uuid, section text, body json)
  ), gone as (
    delete from parts p using n where p.room_id = n."roomId" and p.part = n.section and n.body is null
  )
  insert into parts (room_id, part, body) select * from n where body is not null
  on conflict (room_id, part) do update set body = excluded.body`.execute();

/**
 * Writes users, which no lock of a room covers. They are sorted, so that two commits do not wait for each other for
 * ever. A revocation, choice or activity that was written since the read stays.
 */
export const putUsers = (sql: Sql, users: readonly UserRow[]) =>
  sql`
  insert into users as u (user_id, name, revoked_at, choice, choice_version, active_at, matrix_user_id)
  select * from json_to_recordset(${JSON.stringify(users)}::text::json) as n("userId" text, name text, "revokedAt" timestamptz,
    choice text, "choiceVersion" integer, "activeAt" timestamptz, "matrixUserId" text)
  order by "userId" collate "C"
  on conflict (user_id) do update set name = excluded.name, revoked_at = greatest(u.revoked_at, excluded.revoked_at),
    choice = case when excluded.choice_version > u.choice_version then excluded.choice else u.choice end,
    choice_version = greatest(u.choice_version, excluded.choice_version),
    active_at = greatest(u.active_at, excluded.active_at), matrix_user_id = coalesce(excluded.matrix_user_id, u.matrix_user_id)`.execute();

export const putMatrix = (sql: Sql, rows: readonly MatrixRow[]) =>
  sql`
  insert into matrix_events (room_id, event_id, kind, target_id, subject_id, sender_id, sent_at, revision, redacted, seq)
  select * from json_to_recordset(${JSON.stringify(rows)}::text::json) as n("roomId" uuid, "eventId" text, kind text,
    "targetId" text, "subjectId" uuid, "senderId" text, "sentAt" timestamptz, revision json, redacted boolean, seq bigint)
  on conflict (room_id, event_id) do update set kind = excluded.kind, target_id = excluded.target_id,
    subject_id = excluded.subject_id, sender_id = excluded.sender_id, sent_at = excluded.sent_at, revision = excluded.revision,
    redacted = excluded.redacted, seq = excluded.seq`.execute();

/** Inserts events; none is ever updated. */
export const insertEvents = (sql: Sql, events: readonly StoredEvent[], now: Date) =>
  sql`
  insert into events (room_id, seq, mark, prev, type, user_id, subject_id, details, created_at)
  select n.*, ${now} from json_to_recordset(${JSON.stringify(events.map(toColumns))}::text::json) as n("roomId" uuid, seq bigint,
    mark integer, prev integer, type smallint, "userId" text, "subjectId" uuid, details json)`.execute();
