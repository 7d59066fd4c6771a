import type { Counts } from "@signalbox/core/ports/store";
import type postgres from "postgres";
import type { Sql } from "./connection.ts";

type Fragment = postgres.PendingQuery<postgres.Row[]>;

// Fragments over a room `r` and a user: one formula of unread messages for `counts`, `roomPage` and `roomState`.

/** Joins `l`, the user's receipt that is ahead of the others. */
export const lastRead = (sql: Sql, userId: Fragment) =>
  sql`left join lateral (
    select message_id, message_seq, message_place, event_id, read_at from receipts
    where room_id = r.room_id and user_id = ${userId} order by message_seq desc limit 1
  ) l on true`;

/**
 * The messages after it, less the user's own and deleted ones. Both have an index, so that the cost follows what the
 * user wrote and what was deleted since, not what is unread.
 */
export const unread = (sql: Sql, userId: Fragment) =>
  sql`r.message_count - coalesce(l.message_place, 0) - (
    select count(*) from messages
    where room_id = r.room_id and sender_id = ${userId} and seq > coalesce(l.message_seq, 0) and delete_seq is null
  ) - (
    select count(*) from messages
    where room_id = r.room_id and seq > coalesce(l.message_seq, 0) and delete_seq is not null)`;

/** The columns of `Counts`, without room and user. */
export const countColumns = (sql: Sql, userId: Fragment) =>
  sql`${unread(sql, userId)} as unread, (
    select count(*) from mentions
    where room_id = r.room_id and user_id = ${userId} and seq > coalesce(l.message_seq, 0)
  ) as mentions, (
    select until from mutes where room_id = r.room_id and user_id = ${userId} and until > now()) as muted_until`;

/** The unread messages of each user in the room of the same key, members or not; missing rooms are left out. */
export async function counts(
  sql: Sql,
  keys: readonly { readonly roomId: string; readonly userId: string }[],
): Promise<readonly Counts[]> {
  if (keys.length === 0) return [];
  const userId = sql`n."userId"`;
  return sql<Counts[]>`
    select r.room_id, n."userId" as user_id, ${countColumns(sql, userId)}
    from json_to_recordset(${JSON.stringify(keys)}::text::json) as n("roomId" uuid, "userId" text)
    cross join lateral (select room_id, message_count from rooms where room_id = n."roomId" offset 0) r
    ${lastRead(sql, userId)}`.execute();
}
