import type { MessageRow, ReceiptRow, RoomRow } from "@signalbox/core/model/rows";
import type { RoomSummary } from "@signalbox/core/ports/store";
import { messageColumns, receiptColumns, roomColumns } from "./columns.ts";
import type { Sql } from "./connection.ts";
import { lastRead, unread } from "./unread.ts";

/** The rooms that stand and that `userId` is a member of, with their last seq. */
export const roomsOf = (sql: Sql, userId: string): Promise<readonly Pick<RoomRow, "roomId" | "lastSeq">[]> =>
  sql<Pick<RoomRow, "roomId" | "lastSeq">[]>`
    select r.room_id, r.last_seq from members m join rooms r on r.room_id = m.room_id
    where m.user_id = ${userId} and m.left_seq is null and r.deleted_at is null`.execute();

/** The rooms, as `roomsOf`, of several users. */
export async function roomsOfAll(
  sql: Sql,
  userIds: readonly string[],
): Promise<ReadonlyMap<string, readonly string[]>> {
  const rows = await sql<{ key: string; value: string }[]>`
    select m.user_id as key, m.room_id as value from unnest(${[...userIds]}::text[]) as n(id)
    cross join lateral (select user_id, room_id from members where user_id = n.id and left_seq is null offset 0) m
    cross join lateral (select from rooms where room_id = m.room_id and deleted_at is null offset 0) r`;
  return grouped(rows);
}

/** The members of each of these rooms; rooms without any are absent. */
export async function membersOf(sql: Sql, rooms: readonly string[]): Promise<ReadonlyMap<string, readonly string[]>> {
  const rows = await sql<{ key: string; value: string }[]>`
    select m.room_id as key, m.user_id as value from unnest(${[...rooms]}::uuid[]) as n(id)
    cross join lateral (select room_id, user_id from members where room_id = n.id and left_seq is null offset 0) m`;
  return grouped(rows);
}

function grouped(rows: readonly { readonly key: string; readonly value: string }[]): ReadonlyMap<string, string[]> {
  const groups = new Map<string, string[]>();
  for (const { key, value } of rows) {
    const group = groups.get(key);
    if (group) group.push(value);
    else groups.set(key, [value]);
  }
  return groups;
}

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

/** A condition on a room `r`: it stands, and `userId` is a member of it or a service. Without `offset 0` all the user's rooms would be read. */
export const isVisible = (sql: Sql, userId: string, service: boolean) =>
  sql`r.deleted_at is null and (${service} or exists (
    select from members m where m.room_id = r.room_id and m.user_id = ${userId} and m.left_seq is null offset 0))`;

/** The last seq of a room that is visible; null for any other. */
export async function seqOf(sql: Sql, room: string, userId: string, service: boolean): Promise<number | null> {
  const [row] = await sql<{ lastSeq: number }[]>`
    select r.last_seq from rooms r where r.room_id = ${room} and ${isVisible(sql, userId, service)}`;
  return row?.lastSeq ?? null;
}

/**
 * Of each room, the receipts stamped at or after its cursor, and those of the ten seconds before that event: the hint of one
 * of them may have been lost when the event arrived. When the event is not kept, all of the room's. Hidden ones are among them:
 * it is the caller who knows whose sessions may see them.
 */
export const receiptsSince = (sql: Sql, cursors: ReadonlyMap<string, number>): Promise<readonly ReceiptRow[]> =>
  sql<ReceiptRow[]>`
    select ${receiptColumns(sql)}
    from unnest(${[...cursors.keys()]}::uuid[], ${[...cursors.values()]}::bigint[]) as n(room_id, cursor)
    left join lateral (select seq, created_at from events where room_id = n.room_id and seq = n.cursor offset 0) e on true
    cross join lateral (select * from receipts where room_id = n.room_id offset 0) c
    where c.stamp_seq >= n.cursor or e.seq is null or c.changed_at > e.created_at - interval '10 seconds'`.execute();

/** The user's standing rooms by descending id, below `before`, with their unread messages counted and their newest message. */
export async function roomPage(
  sql: Sql,
  userId: string,
  limit: number,
  before: string | null,
): Promise<readonly RoomSummary[]> {
  const reader = sql`${userId}::text`;
  const rooms = await sql<Omit<RoomSummary, "lastMessage">[]>`
    select ${roomColumns(sql)}, m.role, ${unread(sql, reader)} as unread
    from members m join rooms r on r.room_id = m.room_id ${lastRead(sql, reader)}
    where m.user_id = ${userId} and m.left_seq is null and r.deleted_at is null
      and (${before}::uuid is null or m.room_id < ${before}::uuid)
    order by m.room_id desc limit ${limit}`;
  const newest = await sql<MessageRow[]>`
    select ${messageColumns(sql)} from unnest(${rooms.map(({ roomId }) => roomId)}::uuid[]) as n(id)
    cross join lateral (select * from messages where room_id = n.id order by seq desc limit 1) as m`;
  const messages = new Map(newest.map((message) => [message.roomId, message]));
  return rooms.map((room) => ({ ...room, lastMessage: messages.get(room.roomId) ?? null }));
}
