import { readdir, readFile } from "node:fs/promises";
import { Problem } from "@signalbox/protocol/errors";
import { Connection, type Sql } from "./connection.ts";
import { problemOf } from "./errors.ts";

const FOLDER = new URL("../migrations/", import.meta.url);
/** The key of an advisory lock that no other code takes in this database; the same in every version. */
const LOCK = 7_391_520_461;

interface Migration {
  readonly number: number;
  readonly file: string;
}

/**
 * Brings the database up to the newest migration. Nodes that start at the same time take turns. Each migration is one
 * transaction. Rejects when the database is newer than this code, and with `unavailable` when there is no server.
 */
export async function migrate(url: string): Promise<void> {
  const migrations = await listed();
  // No limits of `SERVING`: a migration may take long.
  const connection = new Connection(url, {});
  try {
    await connection.sql`select pg_advisory_lock(${LOCK}::bigint)`;
    await apply(connection.sql, migrations);
    await connection.end();
  } catch (error) {
    connection.destroy();
    throw problemOf(error);
  }
}

async function apply(sql: Sql, migrations: readonly Migration[]): Promise<void> {
  await sql`create table if not exists migrations (number integer primary key, file text not null, at timestamptz not null default now())`;
  const [done] = await sql<[{ number: number | null }]>`select max(number) as number from migrations`;
  const current = done.number ?? 0;
  const newest = migrations.at(-1)?.number ?? 0;
  if (current > newest) {
    throw new Problem(
      "internal",
      `the database has migration ${current}, this version knows ${newest}: start a newer version`,
    );
  }
  for (const migration of migrations.filter(({ number }) => number > current)) await step(sql, migration);
}

async function step(sql: Sql, { number, file }: Migration): Promise<void> {
  const ddl = await readFile(new URL(file, FOLDER), "utf8");
  await sql`begin`;
  await sql.unsafe(ddl).simple();
  await sql`insert into migrations (number, file) values (${number}, ${file})`;
  await sql`commit`;
}

async function listed(): Promise<readonly Migration[]> {
  const files = (await readdir(FOLDER)).filter((file) => /^\d{4}_.+\.sql$/.test(file)).sort();
  return files.map((file) => ({ number: Number(file.slice(0, 4)), file }));
}
