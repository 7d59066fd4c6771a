import { randomUUID } from "node:crypto";
import { mkdtemp, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Connection, type Sql } from "./connection.ts";
import { type Embedded, startEmbedded } from "./embedded.ts";
import { migrate } from "./migrate.ts";

let server: Embedded;

beforeAll(async () => {
  server = await startEmbedded({ dir: await mkdtemp(join(tmpdir(), "signalbox-schema-")), ephemeral: true });
}, 60_000);
afterAll(() => server.stop());

test("nodes that start at the same time migrate an empty database once, to exactly what schema.sql says", async () => {
  await Promise.all([1, 2, 3, 4, 5].map(() => migrate(server.url)));
  const connection = new Connection(server.url, {});
  await expect(await dump(connection.sql)).toMatchFileSnapshot("../schema.sql");
  await connection.end();
});

test("a database that is newer than the code is refused with the reason", async () => {
  const connection = new Connection(server.url, {});
  await connection.sql`insert into migrations (number, file) values (9999, '9999_future.sql')`;
  await expect(migrate(server.url)).rejects.toMatchObject({
    message: expect.stringMatching(/^the database has migration 9999, this version knows \d+: start a newer version$/),
  });
  await connection.sql`delete from migrations where number = 9999`;
  await connection.end();
});

test("messages of the first schema get their ordinals, mentions and counters", async () => {
  const first = new Connection(server.url, {});
  await first.sql`create database first`;
  await first.end();
  const url = Object.assign(new URL(server.url), { pathname: "/first" }).href;
  const connection = new Connection(url, {});
  const { sql } = connection;
  await sql.unsafe(await readFile(new URL("../migrations/0001_rooms.sql", import.meta.url), "utf8")).simple();
  await sql`create table migrations (number integer primary key, file text not null, at timestamptz not null default now())`;
  await sql`insert into migrations values (1, '0001_rooms.sql')`;
  const [busy, quiet] = [randomUUID(), randomUUID()];
  await sql`
    insert into rooms (room_id, name, metadata, created_by, created_at, last_seq, last_at, member_count)
    select unnest(${[busy, quiet]}::uuid[]), 'Room', '{}', 'ada', now(), 9, now(), 2`;
  // Seqs 2, 4, 6, 8: joins and edits lie between. The message at 6 is deleted.
  await sql`
    insert into messages (room_id, seq, message_id, sender_id, content, sent_at, mentions, delete_seq)
    select ${busy}, n * 2, gen_random_uuid(), 'ada', '', now(), json_build_array('ada', 'bob', 'bob'), case when n = 3 then 9 end
    from generate_series(1, 4) n`;
  await sql`
    insert into receipts (room_id, user_id, message_id, message_seq, read_at, stamp_seq, changed_at)
    select room_id, 'bob', message_id, seq, now(), seq, now() from messages where seq = 4`;
  await migrate(url);
  expect(await sql`select room_id, message_count, standing_count from rooms order by message_count`).toEqual([
    { roomId: quiet, messageCount: 0, standingCount: 0 },
    { roomId: busy, messageCount: 4, standingCount: 3 },
  ]);
  expect(await sql`select first_id, last_id from rooms where room_id = ${busy}`).toEqual([await firstAndLast(sql)]);
  expect(await sql`select seq, place, named from messages order by seq`).toEqual(
    [1, 2, 3, 4].map((place) => ({ seq: place * 2, place, named: null })),
  );
  expect(await sql`select hidden, message_place from receipts`).toEqual([{ hidden: false, messagePlace: 2 }]);
  expect(await sql`select user_id, seq from mentions order by seq`).toEqual(
    [2, 4, 8].map((seq) => ({ userId: "bob", seq })),
  );
  await connection.end();
});

/** The first and the last id of the messages that are not deleted. */
async function firstAndLast(sql: Sql): Promise<{ readonly firstId: string; readonly lastId: string }> {
  const ids = await sql<{ messageId: string }[]>`
    select message_id from messages where delete_seq is null order by message_id`;
  return { firstId: ids[0]!.messageId, lastId: ids.at(-1)!.messageId };
}

/** The schema as SQL, in an order that does not depend on its migrations. */
async function dump(sql: Sql): Promise<string> {
  const tables = await sql<{ oid: number; name: string; options: string | null }[]>`
    select oid::int, relname as name, array_to_string(reloptions, ', ') as options
    from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r' order by relname`;
  const parts: string[] = [];
  for (const { oid, name, options } of tables) {
    const lines = [...(await columns(sql, oid)), ...(await constraints(sql, oid))].map((line) => `  ${line}`);
    const indexes = await sql<{ definition: string }[]>`
      select pg_get_indexdef(indexrelid) as definition from pg_index i
      where indrelid = ${oid} and not exists (select from pg_constraint c where c.conindid = i.indexrelid) order by 1`;
    parts.push(`CREATE TABLE ${name} (\n${lines.join(",\n")}\n)${options ? ` WITH (${options})` : ""};\n`);
    parts.push(...indexes.map(({ definition }) => `${definition};\n`), "\n");
  }
  return parts.join("").trimEnd().concat("\n");
}

async function columns(sql: Sql, table: number): Promise<string[]> {
  const rows = await sql<{ line: string }[]>`
    select concat_ws(' ', attname, format_type(atttypid, atttypmod),
      case when attcollation <> typcollation then 'COLLATE ' || quote_ident(collname) end,
      case when attnotnull then 'NOT NULL' end,
      'DEFAULT ' || pg_get_expr(adbin, adrelid)) as line
    from pg_attribute a join pg_type t on t.oid = atttypid
    left join pg_collation c on c.oid = attcollation
    left join pg_attrdef d on d.adrelid = attrelid and d.adnum = attnum
    where attrelid = ${table} and attnum > 0 and not attisdropped order by attnum`;
  return rows.map(({ line }) => line);
}

async function constraints(sql: Sql, table: number): Promise<string[]> {
  // Since version 18 "not null" is a constraint too; the columns print it already.
  const rows = await sql<{ line: string }[]>`
    select 'CONSTRAINT ' || conname || ' ' || pg_get_constraintdef(oid) as line
    from pg_constraint where conrelid = ${table} and contype <> 'n' order by contype desc, conname`;
  return rows.map(({ line }) => line);
}
