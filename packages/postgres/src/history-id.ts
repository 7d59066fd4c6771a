import postgres from "postgres";
import type { Sql } from "./connection.ts";

/**
 * What a server tells of the history that it serves: its system identifier, its timeline, and the start of the server. A part
 * that it refuses to tell is null.
 */
export interface HistoryId {
  /** Made by `initdb`, and the same on every standby and restored copy. */
  readonly system: string | null;
  /** The timeline of the WAL being written, one higher after each promotion; null in recovery, which writes none. */
  readonly timeline: number | null;
  readonly inRecovery: boolean | null;
  readonly readOnly: boolean | null;
  /** Microseconds since 1970, by the server's clock; so is `now`. */
  readonly startedAt: number | null;
  readonly now: number | null;
}

/** The history of the connections in use; its `now` is the moment when it was first seen. */
export type Present = HistoryId;

/**
 * A found history beside the present one. `same`: nothing has changed. `switched`: it may be another history, and replaces the
 * present one. `read_only`: a standby, or a server that takes no writes. `stale`: a former primary of the present history.
 */
export type Comparison = "same" | "switched" | "read_only" | "stale";

/**
 * The expression of each part. Right after a promotion pg_control_checkpoint() still has the timeline of before, so the name of
 * the WAL file tells it. `in_recovery` is evaluated first: when it is false, there is a timeline.
 */
const PARTS = {
  in_recovery: "pg_is_in_recovery()",
  read_only: "current_setting('transaction_read_only')::boolean",
  system: "(select system_identifier::text from pg_control_system())",
  timeline:
    "case when not pg_is_in_recovery() then ('x' || substr(pg_walfile_name(pg_current_wal_insert_lsn()), 1, 8))::bit(32)::int end",
  started_at: "(extract(epoch from pg_postmaster_start_time()) * 1000000)::bigint",
  now: "(extract(epoch from clock_timestamp()) * 1000000)::bigint",
};
const WHOLE = `select ${Object.entries(PARTS)
  .map(([name, expression]) => `${expression} as ${name}`)
  .join(", ")}`;

/**
 * The codes of a function that a managed service denies, lacks or has switched off, and of a control file that was read in the
 * middle of its being written.
 */
const REFUSED = new Set(["42501", "0A000", "42883", "55000", "XX000"]);

/**
 * Asks the server of a connection for its history, in one round trip; in another one part by part when it refuses one. Rejects
 * with the errors of the connection.
 */
export async function askHistory(sql: Sql): Promise<HistoryId> {
  // The simple protocol leaves no prepared statement behind.
  const [whole] = await sql.unsafe<[HistoryId?]>(WHOLE).simple().catch(nothingIfRefused);
  if (whole) return whole;
  const [inRecovery, readOnly, system, timeline, startedAt, now] = await Promise.all([
    part<boolean>(sql, PARTS.in_recovery),
    part<boolean>(sql, PARTS.read_only),
    part<string>(sql, PARTS.system),
    part<number>(sql, PARTS.timeline),
    part<number>(sql, PARTS.started_at),
    part<number>(sql, PARTS.now),
  ]);
  return { inRecovery, readOnly, system, timeline, startedAt, now };
}

async function part<T>(sql: Sql, expression: string): Promise<T | null> {
  const query = sql.unsafe<[{ part: T | null }?]>(`select ${expression} as part`).simple();
  const [row] = await query.catch(nothingIfRefused);
  return row?.part ?? null;
}

function nothingIfRefused(error: unknown): [] {
  if (error instanceof postgres.PostgresError && REFUSED.has(error.code)) return [];
  throw error;
}

/** Compares a found history with the present one, which is null before the first. An unknown part counts as unchanged. */
export function compareHistory(present: Present | null, found: HistoryId): Comparison {
  if (found.inRecovery || found.readOnly) return "read_only";
  if (!present) return "same";
  if (differs(present.system, found.system)) return "switched";
  if (present.timeline !== null && found.timeline !== null && found.timeline < present.timeline) {
    // A server that started after the present history was first seen is a restored one. When that is unknown, it is taken for a
    // former primary: those are more common, and a write there would be lost.
    const restored = found.startedAt !== null && present.now !== null && found.startedAt >= present.now;
    return restored ? "switched" : "stale";
  }
  if (differs(present.timeline, found.timeline)) return "switched";
  return differs(present.startedAt, found.startedAt) ? "switched" : "same";
}

/** The present history after a connection that serves `found`, which is neither stale nor read-only. */
export function presentAfter(present: Present | null, found: HistoryId): Present {
  if (!present) return found;
  const restart = !differs(present.system, found.system) && !differs(present.timeline, found.timeline);
  // Another server, and what the one of before told does not count for it.
  if (!restart) return found;
  return {
    ...found,
    system: found.system ?? present.system,
    timeline: found.timeline ?? present.timeline,
    startedAt: found.startedAt ?? present.startedAt,
    // The same history as before, also after a restart.
    now: present.now ?? found.now,
  };
}

const differs = <T>(one: T | null, other: T | null): boolean => one !== null && other !== null && one !== other;
