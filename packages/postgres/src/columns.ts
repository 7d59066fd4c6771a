import type { Sql } from "./connection.ts";

// The columns of each row type, as fragments of a select list. Column names come back in camel case, which makes them the rows.

export const roomColumns = (sql: Sql) =>
  sql`r.room_id, r.name, r.metadata, r.created_by, r.created_at, r.last_seq, r.last_mark, r.member_count, r.message_count, r.deleted_at,
    r.matrix_room_id`;

export const memberColumns = (sql: Sql) =>
  sql`m.room_id, m.user_id, m.role, m.joined_at, m.joined_seq, m.first_seq, m.left_seq`;

export const projectionColumns = (sql: Sql) =>
  sql`m.room_id, m.seq, m.place as ordinal, m.message_id, m.sender_id, m.content, m.sent_at, m.reply_to, m.type, m.file, m.thread_root,
    m.event_id, m.edit_seq, m.edited_at, m.delete_seq, m.deleted_at, m.deleted_by`;

export const messageColumns = (sql: Sql) => sql`${projectionColumns(sql)}, m.client_message_id, m.mentions,
    m.named as text_mentions`;

export const reactionColumns = (sql: Sql) =>
  sql`x.room_id, x.message_id, x.reaction_id, x.sender_id, x.reaction, x.seq, x.sent_at, x.removed_seq, x.event_id`;

export const eventColumns = (sql: Sql) =>
  sql`e.room_id, e.seq, e.mark, e.prev, e.type, e.user_id, e.subject_id, e.details, e.created_at as at`;

export const receiptColumns = (sql: Sql) =>
  sql`c.room_id, c.user_id, c.hidden, c.private, c.message_id, c.event_id, c.message_seq, c.message_place as message_ordinal, c.read_at, c.stamp_seq`;

export const userColumns = (sql: Sql) =>
  sql`u.user_id, u.name, u.revoked_at, u.choice, u.choice_version, u.active_at, u.matrix_user_id`;

export const markerColumns = (sql: Sql) => sql`k.room_id, k.user_id, k.message_id`;

export const sectionColumns = (sql: Sql) => sql`p.room_id, p.part as section, p.body`;

export const matrixColumns = (sql: Sql) =>
  sql`e.room_id, e.event_id, e.kind, e.target_id, e.subject_id, e.sender_id, e.sent_at, e.revision, e.redacted, e.seq`;
