/** A copy of the rows into another cluster, as pg_dump and psql make it: row ids, transaction ids and clocks are the target's own. */
import { pipeline } from "node:stream/promises";
import { Connection } from "@signalbox/postgres/connection";
import { migrate } from "@signalbox/postgres/migrate";
import type { PostgresServer } from "./server.ts";

/** Applies the migrations to `target`, a new cluster, and fills every table from `source`. */
export async function copyRows(source: PostgresServer, target: PostgresServer): Promise<void> {
  await migrate(target.url);
  const [from, to] = [new Connection(source.url, {}), new Connection(target.url, {})];
  try {
    // A dump is loaded before its triggers are made.
    await to.sql`set session_replication_role = replica`;
    const tables = await from.sql<{ name: string }[]>`
      select quote_ident(relname) as name from pg_class
      where relkind = 'r' and relnamespace = 'public'::regnamespace order by relname`;
    // Rows of the migrations themselves come from the source as well.
    await to.sql.unsafe(`truncate ${tables.map(({ name }) => name).join()}`);
    await from.sql`begin isolation level repeatable read read only`;
    for (const { name } of tables) {
      const rows = await from.sql.unsafe(`copy ${name} to stdout`).readable();
      await pipeline(rows, await to.sql.unsafe(`copy ${name} from stdin`).writable());
    }
    const sequences = await from.sql<{ name: string; value: string | null }[]>`
      select quote_ident(sequencename) as name, last_value::text as value from pg_sequences where schemaname = 'public'`;
    for (const { name, value } of sequences)
      if (value !== null) await to.sql`select setval(${name}::regclass, ${value}::bigint)`;
    await from.sql`commit`;
  } finally {
    from.destroy();
    to.destroy();
  }
}
