import type { MessageRow, ReceiptRow, RoomRow, RoomSummary, UserRow } from "@signalbox/core/ports";
import { messageColumns, receiptColumns, roomColumns } from "./columns.ts";
import type { Sql } from "./connection.ts";

/** The rooms that stand and that `userId` is a member of, with their last seq. */
export const roomsOf = (sql: Sql, userId: string): Promise<readonly Pick<RoomRow, "roomId" | "lastSeq">[]> =>
  sql<Pick<RoomRow, "roomId" | "lastSeq">[]>`
    select r.room_id, r.last_seq from members m join rooms r on r.room_id = m.room_id
    where m.user_id = ${userId} and m.left_seq is null and r.deleted_at is null`.execute();

/** The last seq of those of `rooms` that `userId` is a member of, deleted ones included. */
export async function resumable(
  sql: Sql,
  userId: string,
  rooms: readonly string[],
): Promise<ReadonlyMap<string, number>> {
  const rows = await sql<{ roomId: string; lastSeq: number }[]>`
    select r.room_id, r.last_seq from rooms r join members m on m.room_id = r.room_id
    where r.room_id = any(${[...rooms]}::uuid[]) and m.user_id = ${userId} and m.left_seq is null`;
  return new Map(rows.map(({ roomId, lastSeq }) => [roomId, lastSeq]));
}

/** Whether the room stands, and `userId` is a member of it or a service. */
export async function isVisible(sql: Sql, room: string, userId: string, service: boolean): Promise<boolean> {
  const rows = await sql`
    select from rooms r
    where r.room_id = ${room} and r.deleted_at is null and (${service} or exists (
      select from members m where m.room_id = r.room_id and m.user_id = ${userId} and m.left_seq is null))`;
  return rows.length > 0;
}

/**
 * Of each room, the receipts stamped at or after its cursor, and those of the ten seconds before that event: the hint of one
 * of them may have been lost when the event arrived. When the event is not kept, all of the room's.
 */
export const receiptsSince = (sql: Sql, cursors: ReadonlyMap<string, number>): Promise<readonly ReceiptRow[]> =>
  sql<ReceiptRow[]>`
    select ${receiptColumns(sql)}
    from unnest(${[...cursors.keys()]}::uuid[], ${[...cursors.values()]}::bigint[]) as n(room_id, cursor)
    left join events e on e.room_id = n.room_id and e.seq = n.cursor
    join receipts c on c.room_id = n.room_id
    where c.stamp_seq >= n.cursor or e.seq is null or c.changed_at > e.created_at - interval '10 seconds'`.execute();

/** The user's standing rooms by descending id, below `before`, with their unread messages counted and their newest message. */
export async function roomPage(
  sql: Sql,
  userId: string,
  limit: number,
  before: string | null,
): Promise<readonly RoomSummary[]> {
  const rooms = await sql<Omit<RoomSummary, "lastMessage">[]>`
    select ${roomColumns(sql)}, m.role, (
      select count(*) from messages n
      where n.room_id = r.room_id and n.sender_id <> ${userId} and n.delete_seq is null and n.seq > coalesce(
        (select c.message_seq from receipts c where c.room_id = r.room_id and c.user_id = ${userId}), 0)) as unread
    from members m join rooms r on r.room_id = m.room_id
    where m.user_id = ${userId} and m.left_seq is null and r.deleted_at is null
      and (${before}::uuid is null or m.room_id < ${before}::uuid)
    order by m.room_id desc limit ${limit}`;
  const newest = await sql<MessageRow[]>`
    select ${messageColumns(sql)} from unnest(${rooms.map(({ roomId }) => roomId)}::uuid[]) as n(id)
    cross join lateral (select * from messages where room_id = n.id order by seq desc limit 1) as m`;
  const messages = new Map(newest.map((message) => [message.roomId, message]));
  return rooms.map((room) => ({ ...room, lastMessage: messages.get(room.roomId) ?? null }));
}

/** Those of the users that exist. */
export async function users(sql: Sql, userIds: readonly string[]): Promise<ReadonlyMap<string, UserRow>> {
  const rows = await sql<UserRow[]>`select user_id, name, revoked_at from users where user_id = any(${[...userIds]})`;
  return new Map(rows.map((row) => [row.userId, row]));
}

/** Creates the user or changes the name; null leaves a name as it is. Most calls find nothing to change, and write nothing. */
export async function putUser(sql: Sql, userId: string, name: string | null): Promise<UserRow> {
  const known = (await users(sql, [userId])).get(userId);
  if (known && (name === null || name === known.name)) return known;
  const [row] = await sql<[UserRow]>`
    insert into users as u (user_id, name) values (${userId}, ${name})
    on conflict (user_id) do update set name = coalesce(excluded.name, u.name), xid = excluded.xid
    returning user_id, name, revoked_at`;
  return row;
}

/** To the millisecond, as a `Date` is: what is returned is what is kept. */
export async function revoke(sql: Sql, userId: string): Promise<Date> {
  const [row] = await sql<[{ revokedAt: Date }]>`
    insert into users as u (user_id, revoked_at) values (${userId}, date_trunc('milliseconds', clock_timestamp()))
    on conflict (user_id) do update set revoked_at = greatest(u.revoked_at, excluded.revoked_at), xid = excluded.xid
    returning revoked_at`;
  return row.revokedAt;
}
