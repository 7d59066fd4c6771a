import type { MarkerRow, MemberRow, ReceiptRow, UserRow } from "@signalbox/core/model/rows";
import type { Changes } from "@signalbox/core/ports/store";
import { markerColumns, memberColumns, receiptColumns, userColumns } from "./columns.ts";
import type { Sql } from "./connection.ts";

/**
 * The visible rows of the transactions from `snapshot` on, the oldest one that was still running when the snapshot was
 * taken. This includes a transaction that began early and committed late, which a search above the last id seen would
 * miss.
 */
export async function changes(sql: Sql, snapshot: string | null): Promise<Changes> {
  if (snapshot === null) {
    const [start] = await sql<[{ snapshot: string }]>`select pg_snapshot_xmin(pg_current_snapshot())::text as snapshot`;
    return { snapshot: start.snapshot, rooms: [], members: [], receipts: [], markers: [], users: [] };
  }
  // Sent at once. All statements see one snapshot.
  const [, [next], rooms, members, receipts, markers, users] = await Promise.all([
    sql`begin isolation level repeatable read read only`.execute(),
    sql<[{ snapshot: string }]>`select pg_snapshot_xmin(pg_current_snapshot())::text as snapshot`.execute(),
    sql<{ roomId: string; lastSeq: number }[]>`
      with changed as materialized (select room_id, seq from events where xid >= ${snapshot}::xid8)
      select room_id, max(seq) as last_seq from changed group by room_id`.execute(),
    sql<MemberRow[]>`select ${memberColumns(sql)} from members m where m.xid >= ${snapshot}::xid8`.execute(),
    sql<ReceiptRow[]>`select ${receiptColumns(sql)} from receipts c where c.xid >= ${snapshot}::xid8`.execute(),
    sql<MarkerRow[]>`select ${markerColumns(sql)} from markers k where k.xid >= ${snapshot}::xid8`.execute(),
    sql<UserRow[]>`select ${userColumns(sql)} from users u where u.xid >= ${snapshot}::xid8`.execute(),
    sql`commit`.execute(),
  ]);
  return { snapshot: next.snapshot, rooms, members, receipts, markers, users };
}
