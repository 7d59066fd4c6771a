import { groupBy } from "@signalbox/core/model/groups";
import type { MessageRow, ReceiptRow } from "@signalbox/core/model/rows";
import type { CheckedHead, Resumable, RoomSummary } from "@signalbox/core/ports/store";
import { messageColumns, receiptColumns, roomColumns } from "./columns.ts";
import type { Sql } from "./connection.ts";
import { lastRead, unread } from "./unread.ts";

type ResumableRow = Resumable & { readonly roomId: string };

const byRoom = <Row extends { readonly roomId: string }>(rows: readonly Row[]): ReadonlyMap<string, Row> =>
  new Map(rows.map((row) => [row.roomId, row]));

/** The end of a room `r`, as its member `m` comes back to it. */
const resumableColumns = (sql: Sql) =>
  sql`r.room_id, r.last_seq as seq, r.last_mark as mark,
    case when r.deleted_at is null then coalesce(m.first_seq, 1) else r.last_seq end - 1 as "from"`;

/** As `Store.roomsOf`. */
export const roomsOf = async (sql: Sql, userId: string): Promise<ReadonlyMap<string, Resumable>> =>
  byRoom(
    await sql<ResumableRow[]>`
      select ${resumableColumns(sql)} from members m join rooms r on r.room_id = m.room_id
      where m.user_id = ${userId} and m.left_seq is null and r.deleted_at is null`,
  );

/** The rooms, as `roomsOf`, of several users. */
export async function roomsOfAll(
  sql: Sql,
  userIds: readonly string[],
): Promise<ReadonlyMap<string, readonly string[]>> {
  const rows = await sql<{ key: string; value: string }[]>`
    select m.user_id as key, m.room_id as value from unnest(${[...userIds]}::text[]) as n(id)
    cross join lateral (select user_id, room_id from members where user_id = n.id and left_seq is null offset 0) m
    cross join lateral (select from rooms where room_id = m.room_id and deleted_at is null offset 0) r`;
  return valuesByKey(rows);
}

/** The members of each of these rooms; rooms without any are absent. */
export async function membersOf(sql: Sql, rooms: readonly string[]): Promise<ReadonlyMap<string, readonly string[]>> {
  const rows = await sql<{ key: string; value: string }[]>`
    select m.room_id as key, m.user_id as value from unnest(${[...rooms]}::uuid[]) as n(id)
    cross join lateral (select room_id, user_id from members where room_id = n.id and left_seq is null offset 0) m`;
  return valuesByKey(rows);
}

function valuesByKey(rows: readonly { readonly key: string; readonly value: string }[]): ReadonlyMap<string, string[]> {
  const groups = groupBy(rows, ({ key }) => key);
  return new Map([...groups].map(([key, group]) => [key, group.map(({ value }) => value)]));
}

/** As `Store.resumable`. */
export const resumable = async (
  sql: Sql,
  userId: string,
  rooms: readonly string[],
): Promise<ReadonlyMap<string, Resumable>> =>
  byRoom(
    await sql<ResumableRow[]>`
      select ${resumableColumns(sql)} from rooms r join members m on m.room_id = r.room_id
      where r.room_id = any(${[...rooms]}::uuid[]) and m.user_id = ${userId} and m.left_seq is null`,
  );

/** As `Store.heads`. A pruned event is known by the one after it, and the last one by its room. */
export const heads = async (sql: Sql, rooms: ReadonlyMap<string, number>): Promise<ReadonlyMap<string, CheckedHead>> =>
  byRoom(
    await sql<(CheckedHead & { readonly roomId: string })[]>`
      select r.room_id, r.last_seq as seq, r.last_mark as mark, r.deleted_at is not null as deleted, case
          when n.seq = 0 then 0
          when n.seq = r.last_seq then r.last_mark
          else coalesce((select mark from events where room_id = n.room_id and seq = n.seq),
            (select prev from events where room_id = n.room_id and seq = n.seq + 1))
        end as found
      from unnest(${[...rooms.keys()]}::uuid[], ${[...rooms.values()]}::bigint[]) as n(room_id, seq)
      cross join lateral (select * from rooms where room_id = n.room_id offset 0) r`,
  );

/**
 * A condition on a room `r`: it is not deleted, and `userId` is a member or a service. Without `offset 0` all of the
 * user's rooms would be read.
 */
export const isVisible = (sql: Sql, userId: string, service: boolean) =>
  sql`r.deleted_at is null and (${service} or exists (
    select from members m where m.room_id = r.room_id and m.user_id = ${userId} and m.left_seq is null offset 0))`;

/** As `Store.headOf`. */
export async function headOf(sql: Sql, room: string, userId: string, service: boolean): Promise<Resumable | null> {
  const [row] = await sql<Resumable[]>`
    select ${resumableColumns(sql)} from rooms r
    left join members m on m.room_id = r.room_id and m.user_id = ${userId} and m.left_seq is null
    where r.room_id = ${room} and ${isVisible(sql, userId, service)}`;
  return row ?? null;
}

/**
 * The receipts of each room from its cursor on, and those of the ten seconds before that event, because the hint of one
 * may have been lost when the event arrived. When the event is pruned, all receipts of the room. Hidden ones are
 * included: the caller decides which sessions see them.
 */
export const receiptsSince = (sql: Sql, cursors: ReadonlyMap<string, number>): Promise<readonly ReceiptRow[]> =>
  sql<ReceiptRow[]>`
    select ${receiptColumns(sql)}
    from unnest(${[...cursors.keys()]}::uuid[], ${[...cursors.values()]}::bigint[]) as n(room_id, cursor)
    left join lateral (select seq, created_at from events where room_id = n.room_id and seq = n.cursor offset 0) e on true
    cross join lateral (select * from receipts where room_id = n.room_id offset 0) c
    where c.stamp_seq >= n.cursor or e.seq is null or c.changed_at > e.created_at - interval '10 seconds'`.execute();

/**
 * The user's rooms by descending id, below `before`, with the number of unread messages and the newest one. Deleted
 * rooms are left out.
 */
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
