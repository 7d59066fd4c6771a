/**
 * A copy of the rows into another cluster, as pg_dump and psql make it: every column has its value, and the counter of
 * transactions is the target's own.
 */
import { pipeline } from "node:stream/promises";
import { Connection } from "@signalbox/postgres/connection";
import { migrate } from "@signalbox/postgres/migrate";
import type { PostgresServer } from "./server.ts";

/** Applies the migrations to `target`, a new cluster, and fills every table from `source`, which nobody changes meanwhile. */
export async function copyRows(source: PostgresServer, target: PostgresServer): Promise<void> {
  await migrate(target.url);
  const tables = await source.run(
    (sql) => sql<{ name: string }[]>`
      select quote_ident(relname) as name from pg_class
      where relkind = 'r' and relnamespace = 'public'::regnamespace order by relname`,
  );
  // Rows of the migrations themselves come from the source as well.
  await target.run((sql) => sql.unsafe(`truncate ${tables.map(({ name }) => name).join()}`).simple());
  for (const { name } of tables) await copyTable(source, target, name);
  const sequences = await source.run(
    (sql) => sql<{ name: string; value: string | null }[]>`
      select quote_ident(sequencename) as name, last_value::text as value from pg_sequences where schemaname = 'public'`,
  );
  for (const { name, value } of sequences)
    if (value !== null) await target.run((sql) => sql`select setval(${name}::regclass, ${value}::bigint)`);
}

async function copyTable(source: PostgresServer, target: PostgresServer, name: string): Promise<void> {
  // Of its own for each table: the library leaves a socket paused behind a copy with backpressure.
  const from = new Connection(source.url, {});
  // A dump is loaded before its triggers are made.
  const to = new Connection(target.url, { session_replication_role: "replica" });
  try {
    const rows = await from.sql.unsafe(`copy ${name} to stdout`).readable();
    await pipeline(rows, await to.sql.unsafe(`copy ${name} from stdin`).writable());
  } finally {
    from.destroy();
    to.destroy();
  }
}
