import type { MarkerRow, MemberRow, ReceiptRow } from "@signalbox/core/model/rows";
import type { UserInRoom } from "@signalbox/core/ports/store";
import { markerColumns, memberColumns, receiptColumns } from "./columns.ts";
import type { Sql } from "./connection.ts";

// What a gateway compares with its own state. `offset 0` keeps each a look-up by index for every key.

/** As `Store.recentReceipts`. */
export const recentReceipts = (sql: Sql, rooms: readonly string[], withinMs: number): Promise<readonly ReceiptRow[]> =>
  sql<ReceiptRow[]>`
    select ${receiptColumns(sql)} from unnest(${[...rooms]}::uuid[]) as n(id)
    cross join lateral (select * from receipts where room_id = n.id offset 0) c
    where c.changed_at > now() - ${withinMs} * interval '1 millisecond'`.execute();

const keyed = (sql: Sql, keys: readonly UserInRoom[]) =>
  sql`unnest(${keys.map(({ roomId }) => roomId)}::uuid[], ${keys.map(({ userId }) => userId)}::text[]) as n(room_id, user_id)`;

/** As `Store.members`. */
export const members = (sql: Sql, keys: readonly UserInRoom[]): Promise<readonly MemberRow[]> =>
  sql<MemberRow[]>`
    select ${memberColumns(sql)} from ${keyed(sql, keys)}
    cross join lateral (select * from members where room_id = n.room_id and user_id = n.user_id offset 0) m
    where m.left_seq is null`.execute();

/** As `Store.markers`. */
export const markers = (sql: Sql, keys: readonly UserInRoom[]): Promise<readonly MarkerRow[]> =>
  sql<MarkerRow[]>`
    select ${markerColumns(sql)} from ${keyed(sql, keys)}
    cross join lateral (select * from markers where room_id = n.room_id and user_id = n.user_id offset 0) k`.execute();
