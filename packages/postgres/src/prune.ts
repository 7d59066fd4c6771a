import type { Sql } from "./connection.ts";

/** The events that one batch reads, and the ones that it deletes, at most. */
const BATCH = 5_000;

interface Walk {
  readonly walkedXid: string;
  readonly keep: number;
}

interface Aged {
  readonly rooms: readonly string[];
  readonly walkedXid: string | null;
  readonly more: boolean | null;
}

/**
 * Runs one batch: reads the events that have become older than `days` since the last batch, in the order of their
 * transactions, and deletes the ones that their rooms keep no longer. Each event is read once in its life, so the work
 * grows with what is written, and no rooms are listed. Undefined while another node prunes.
 */
export async function pruneBatch(
  sql: Sql,
  keep: number,
  days: number,
): Promise<{ readonly deleted: number; readonly more: boolean } | undefined> {
  await sql`begin`;
  const [walk] = await sql<Walk[]>`select walked_xid, keep from pruning for update skip locked`;
  if (!walk) {
    await sql`rollback`;
    return undefined;
  }
  // With a lower `keep` than before, events that were read and kept are too many now.
  const from = keep < walk.keep ? "0" : walk.walkedXid;
  const aged = await newlyAged(sql, from, days);
  const deleted = aged.rooms.length === 0 ? 0 : await deleteEvents(sql, aged.rooms, keep, days);
  // A full batch may have left some events of these rooms: the next one reads the same rooms again.
  const full = deleted >= BATCH;
  await deleteOldWrites(sql);
  await sql`update pruning set walked_xid = ${full ? from : (aged.walkedXid ?? from)}::xid8, keep = ${keep}`;
  await sql`commit`;
  return { deleted, more: full || aged.more === true };
}

/**
 * The rooms of old events, in the order of their transactions, up to the last old one: a single event with a time in
 * the future, made under a wrong clock, does not stop the rest. The index on xid serves this; an index on the time
 * would exist for it alone.
 */
async function newlyAged(sql: Sql, from: string, days: number): Promise<Aged> {
  const [aged] = await sql<[Aged]>`
    with walked as materialized (
      select room_id, xid, created_at <= clock_timestamp() - ${days} * interval '1 day' as old from events
      where xid > ${from}::xid8 and xid < pg_snapshot_xmin(pg_current_snapshot())
      order by xid fetch first ${BATCH} rows with ties
    )
    select coalesce(json_agg(distinct room_id) filter (where old), '[]') as rooms, max(xid) filter (where old)::text as walked_xid,
      count(*) >= ${BATCH} and max(xid) = max(xid) filter (where old) as more
    from walked`;
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
