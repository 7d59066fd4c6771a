import { TRANSACTION_MS } from "@signalbox/core/model/outbox";
import type { Sql } from "./connection.ts";
import { deleteOldOutbox } from "./outbox.ts";

/** The events that one batch reads, and the ones that it deletes, at most. */
const BATCH = 5_000;

/** A time of the database's clock, as text: a `Date` would cut its microseconds. */
type Time = string;

interface Walk {
  readonly walkedAt: Time;
  readonly keep: number;
}

interface Aged {
  readonly rooms: readonly string[];
  readonly walkedAt: Time | null;
  readonly more: boolean;
}

/**
 * Runs one batch: reads the events that have become older than `days` since the last batch, in the order of their times, and
 * deletes the ones that their rooms keep no longer. Each event is read once in its life, so the work grows with what is written,
 * and no rooms are listed. Undefined while another node prunes.
 */
export async function pruneBatch(
  sql: Sql,
  keep: number,
  days: number,
): Promise<{ readonly deleted: number; readonly more: boolean } | undefined> {
  await sql`begin`;
  const [walk] = await sql<Walk[]>`select walked_at::text, keep from pruning for update skip locked`;
  if (!walk) {
    await sql`rollback`;
    return undefined;
  }
  // With a lower `keep` than before, events that were read and kept are too many now.
  const from = keep < walk.keep ? "-infinity" : walk.walkedAt;
  const aged = await newlyAged(sql, from, days);
  const deleted = aged.rooms.length === 0 ? 0 : await deleteEvents(sql, aged.rooms, keep, days);
  // A full batch may have left some events of these rooms: the next one reads the same rooms again.
  const full = deleted >= BATCH;
  await deleteOldWrites(sql);
  const published = await deleteOldOutbox(sql, BATCH);
  await sql`update pruning set walked_at = ${full ? from : (aged.walkedAt ?? from)}::text::timestamptz, keep = ${keep}`;
  await sql`commit`;
  return { deleted, more: full || aged.more || published >= BATCH };
}

/**
 * The rooms of old events, in the order of their times. A transaction may still add an event of a time that is over: so the walk
 * ends `TRANSACTION_MS` ago, and reads again what is younger. `days` of 0 alone makes that more than nothing.
 */
async function newlyAged(sql: Sql, from: Time, days: number): Promise<Aged> {
  const [aged] = await sql<[Aged]>`
    with walked as materialized (
      select room_id, created_at from events
      where created_at > ${from}::text::timestamptz and created_at <= now() - ${days} * interval '1 day'
      order by created_at fetch first ${BATCH} rows with ties
    ), settled as (select now() - ${TRANSACTION_MS} * interval '1 millisecond' as at)
    select coalesce(json_agg(distinct room_id), '[]') as rooms, least(max(created_at), min(at))::text as walked_at,
      coalesce(count(*) >= ${BATCH} and max(created_at) <= min(at), false) as more
    from walked cross join settled`;
  return aged;
}

async function deleteEvents(sql: Sql, rooms: readonly string[], keep: number, days: number): Promise<number> {
  const result = await sql`
    with old as materialized (
      select e.room_id, e.seq from rooms r
      cross join lateral (
        select room_id, seq from events
        where room_id = r.room_id and seq <= r.last_seq - ${keep}::bigint
          and created_at <= clock_timestamp() - ${days} * interval '1 day'
        order by seq limit ${BATCH}
      ) e
      where r.room_id = any(${[...rooms]}::uuid[]) limit ${BATCH}
    )
    delete from events e using old where e.room_id = old.room_id and e.seq = old.seq`;
  return result.count;
}

/** Deletes records of sends to a homeserver after a day: an echo that comes later does not count as theirs. */
const deleteOldWrites = (sql: Sql) =>
  sql`
  delete from matrix_writes w using (
    select ctid from matrix_writes where at < now() - interval '1 day' order by at limit ${BATCH}
  ) old where w.ctid = old.ctid`.execute();
