import { OUTBOX_AGE_MS, OUTBOX_KEPT_MS, type OutboxRow, TRANSACTION_MS } from "@signalbox/core/model/outbox";
import { encodeRevokedFrame, USER_CHANGED_FRAME } from "@signalbox/core/ports/engine-frames";
import type { OutboxPage } from "@signalbox/core/ports/store";
import type { Sql } from "./connection.ts";

/** Adds a row, as the last statement of its transaction: `at` is the time of it, not of the transaction's beginning. */
export const putOutbox = (sql: Sql, { id, frames }: OutboxRow) =>
  sql`insert into outbox (id, frames) values (${id}, ${JSON.stringify(frames)}::text::json)`.execute();

/** The row of a revocation. */
export const revokedRow = (id: string, userId: string, at: Date): OutboxRow => ({
  id,
  frames: [["user", userId, encodeRevokedFrame(at)]],
});

/** The row of a choice that shows no receipts. */
export const choiceRow = (userId: string): OutboxRow => ({
  id: crypto.randomUUID(),
  frames: [["user", userId, USER_CHANGED_FRAME]],
});

/**
 * The frame of a visible receipt `w`, as `encodeReceiptsFrame` makes it: whether a receipt is visible, and what its stamp is, is
 * known in the statement that writes it. An event id travels as the bytes of its UTF-8.
 */
export const receiptFrame = (sql: Sql) =>
  sql`json_build_array('room', w.room_id, 'r' || w.user_id || ' ' || w.message_id || ' ' || w.message_seq || ' '
    || (extract(epoch from w.read_at) * 1000)::bigint
    || coalesce(' ' || convert_from(convert_to(w.event_id, 'UTF8'), 'LATIN1'), ''))`;

/** As `Store.outbox`. */
export async function outbox(
  sql: Sql,
  since: Date | null,
  seen: readonly string[],
  limit: number,
): Promise<OutboxPage> {
  const [[clock], rows] = await Promise.all([
    sql<[{ now: Date }]>`select clock_timestamp() as now`.execute(),
    since === null
      ? []
      : sql<OutboxPage["rows"][number][]>`
          select id, at, frames from outbox
          where at > ${since}::timestamptz - ${TRANSACTION_MS} * interval '1 millisecond'
            and at <= now() - ${OUTBOX_AGE_MS} * interval '1 millisecond' and id <> all(${[...seen]}::uuid[])
          order by at limit ${limit}`.execute(),
  ]);
  return { now: clock.now, rows };
}

/** As `Store.confirm`. */
export async function confirm(sql: Sql, ids: readonly string[]): Promise<void> {
  await sql`delete from outbox where id = any(${[...ids]}::uuid[])`;
}

/** Deletes rows that every gateway has had the time to read, at most `limit`. Returns their number. */
export async function deleteOldOutbox(sql: Sql, limit: number): Promise<number> {
  const { count } = await sql`
    delete from outbox o using (
      select ctid from outbox where at < now() - ${OUTBOX_KEPT_MS} * interval '1 millisecond' order by at limit ${limit}
    ) old where o.ctid = old.ctid`;
  return count;
}
