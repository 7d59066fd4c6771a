import { isMatrixEventId } from "@signalbox/protocol/ids";
import type { Sql } from "./connection.ts";

/** The user's membership of a room that is not deleted. */
const membership = (sql: Sql, room: string, userId: string) =>
  sql`from members m join rooms r on r.room_id = m.room_id
    where m.room_id = ${room} and m.user_id = ${userId} and m.left_seq is null and r.deleted_at is null`;

/** Mutes the room for the user; null ends it. False when they are no member. */
export async function mute(sql: Sql, room: string, userId: string, until: Date | null): Promise<boolean> {
  const done =
    until === null
      ? await sql`
        with ended as (delete from mutes where room_id = ${room} and user_id = ${userId})
        select ${membership(sql, room, userId)}`
      : await sql`
        insert into mutes (room_id, user_id, until) select m.room_id, m.user_id, ${until}::timestamptz
        ${membership(sql, room, userId)}
        on conflict (room_id, user_id) do update set until = excluded.until returning user_id`;
  return done.length > 0;
}

/**
 * Snoozes the message for the user; null ends it. False when they are no member of its room, or the message is missing;
 * a Matrix event id names no message here. The user's expired snoozes in this room are deleted with it.
 */
export async function snooze(
  sql: Sql,
  room: string,
  userId: string,
  messageId: string,
  until: Date | null,
): Promise<boolean> {
  if (isMatrixEventId(messageId)) return false;
  // The delete must not touch the row that this statement inserts or updates.
  const done = await sql`
    with there as materialized (
      select m.room_id, m.user_id ${membership(sql, room, userId)} and exists (
        select from messages where room_id = ${room} and message_id = ${messageId})
    ), ended as (
      delete from snoozes where room_id = ${room} and user_id = ${userId}
        and case when message_id = ${messageId} then ${until}::timestamptz is null else until <= now() end
    ), begun as (
      insert into snoozes (room_id, user_id, message_id, until)
      select room_id, user_id, ${messageId}::uuid, ${until}::timestamptz from there where ${until}::timestamptz is not null
      on conflict (room_id, user_id, message_id) do update set until = excluded.until
    )
    select from there`;
  return done.length > 0;
}
