/** Older backups that are restored under the nodes, and copies of the rows that go on in a new cluster. */
import { rm } from "node:fs/promises";
import { freePort } from "@signalbox/infra/redis-process";
import { afterEach, describe, expect, test } from "vitest";
import { type Truth, truthOf } from "../support/history/check.ts";
import { Scene } from "../support/history/scene.ts";
import { backUp, copyStopped, restore } from "../support/postgres/backup.ts";
import { copyRows } from "../support/postgres/logical-copy.ts";
import { PostgresServer, type Settings, Yard } from "../support/postgres/server.ts";
import { eventually, passed } from "../support/until.ts";

const PATIENCE_MS = 30_000;
/** Sends of each room after the backup. */
const NEWER = 12;
/** Transactions of the source before its first row: the ids of a new cluster begin at 3. */
const TRANSACTIONS = 20_000;
/** Messages of the source, each a row that an idle node must not read again and again. */
const MESSAGES = 3000;
const IDLE_MS = 10_000;
/** Rows a second that a poll may read more than before. */
const IDLE_SLACK = 20;
const KEEP = 5;
/** Pruning begins a minute after a node has started. */
const PRUNE_MS = 120_000;
/** A rate that no send of these tests meets. */
const UNLIMITED = { ACTION_RATE: "100000", ACTION_BURST: "100000" };

const running: { scene?: Scene; yard?: Yard } = {};
afterEach(async () => {
  await running.scene?.stop();
  await running.yard?.end();
});

async function open(settings: Settings = {}): Promise<{ scene: Scene; server: PostgresServer }> {
  const yard = await Yard.open();
  running.yard = yard;
  const server = await yard.cluster();
  await server.start(settings);
  const scene = new Scene();
  running.scene = scene;
  return { scene, server };
}

/** Backs up while sends run. */
async function backUpRunning(scene: Scene, server: PostgresServer): Promise<string> {
  const copy = server.yard.path();
  await backUp(server, copy);
  await scene.sends.more(scene.busy, 1, PATIENCE_MS);
  return copy;
}

/** Backs up with the server down for that long. */
async function backUpStopped(_: Scene, server: PostgresServer): Promise<string> {
  const copy = server.yard.path();
  await server.stop();
  await copyStopped(server, copy);
  await server.start();
  return copy;
}

/** What a stopped server had, read on another port. */
async function truthOfStopped(server: PostgresServer, chatIds: readonly string[]): Promise<Truth> {
  const elsewhere = new PostgresServer(server.yard, server.folder, await freePort());
  await elsewhere.start();
  try {
    return await truthOf(elsewhere, chatIds);
  } finally {
    await elsewhere.stop();
  }
}

describe.each([
  ["running", backUpRunning],
  ["stopped", backUpStopped],
] as const)("an older backup, made of a %s server", (_, makeBackup) => {
  test("is restored under its clients: those with lost events are told so and hear all that is new", async () => {
    const { scene, server } = await open();
    await scene.start(server.url, { busy: 2, calm: 2 });
    const { sends, busy, chatIds } = scene;
    sends.into(chatIds);
    await sends.more(chatIds, 3, PATIENCE_MS);
    await sends.only(busy, PATIENCE_MS);
    const copy = await makeBackup(scene, server);
    await scene.heard(await sends.more(busy, NEWER, PATIENCE_MS));

    scene.sendAway();
    await server.stop();
    const before = await truthOfStopped(server, chatIds);
    await restore(server, copy);
    scene.changes();
    await server.start();
    const lost = await scene.changed(server, before);
    expect([...lost.keys()].sort(), "the rooms that lost messages").toEqual([...busy].sort());
    await scene.grown(server, busy, before);
    scene.admit();
    await sends.more(busy, 2, PATIENCE_MS);
    await scene.check(server);
    // All clients came to have lost messages: those that were connected, and those that were away.
    expect(scene.resets()).toBe(scene.hearings(busy));

    sends.into(chatIds);
    await sends.more(chatIds, 1, PATIENCE_MS);
    await scene.check(server);
    await rm(copy, { recursive: true });
  });
});

/** Rows that statements read a second, without anything to do. */
async function idleRows(server: PostgresServer): Promise<{ tables: number; database: number }> {
  const read = () =>
    server.run(async (sql) => {
      const [row] = await sql<[{ tables: string; database: string }]>`
        select (select sum(coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0)) from pg_stat_user_tables)::text as tables,
          (select tup_returned + tup_fetched from pg_stat_database where datname = current_database())::text as database`;
      return { tables: Number(row.tables), database: Number(row.database) };
    });
  const first = await read();
  await passed(Date.now(), IDLE_MS);
  const second = await read();
  const rate = (name: "tables" | "database") => ((second[name] - first[name]) * 1000) / IDLE_MS;
  return { tables: rate("tables"), database: rate("database") };
}

/** Uses up transaction ids. */
const age = (server: PostgresServer) =>
  server.run((sql) =>
    sql
      .unsafe(`do $$ begin for i in 1..${TRANSACTIONS} loop perform pg_current_xact_id(); commit; end loop; end $$`)
      .simple(),
  );

describe("a copy of the rows in a new cluster", () => {
  test("serves at once, reads no more rows when idle than the source, and is pruned", async () => {
    // Its reads would count as those of the nodes.
    const settings = { autovacuum: "off" };
    const { scene, server } = await open(settings);
    await age(server);
    const env = { ...UNLIMITED, EVENTS_KEEP: String(KEEP) };
    await scene.start(server.url, { busy: 1, calm: 1, env });
    // As if it had been pruned up to here: its later rows are still to come, and those of the copy have lower ids.
    await server.run((sql) => sql`update pruning set walked_at = clock_timestamp(), keep = ${KEEP}`.execute());
    const { sends, busy, chatIds } = scene;
    await Promise.all(chatIds.map((chatId) => scene.fill(chatId, MESSAGES / chatIds.length)));
    await scene.check(server);
    await scene.stopSecondGateway();
    await scene.check(server);
    const source = await idleRows(server);

    await scene.stopNodes();
    const target = await server.yard.cluster();
    await target.start(settings);
    await copyRows(server, target);
    const before = await truthOf(server, chatIds);
    await server.stop();
    scene.changes();
    await scene.startNodes(target.url, env);
    expect(await scene.changed(target, before)).toEqual(new Map());
    // The calm room gets nothing new: only the copied rows themselves can have it pruned.
    sends.into(busy);
    await scene.heard(await sends.more(busy, 2, PATIENCE_MS));
    await scene.dropHints();
    await scene.heard(await sends.more(busy, 2, PATIENCE_MS));
    await scene.passHints();
    await scene.check(target);
    expect(scene.resets()).toBe(0);

    await scene.stopSecondGateway();
    await scene.check(target);
    // Nodes that start publish before their engine is connected: gateways read such rows again for ten seconds.
    const unconfirmed = () =>
      target.run((sql) => sql<{ id: string }[]>`select id from outbox where at > now() - interval '12 seconds'`);
    await eventually(unconfirmed, (rows) => rows.length === 0, PATIENCE_MS);
    const copy = await idleRows(target);
    process.stdout.write(
      `idle rows a second, of tables: ${source.tables} before the copy, ${copy.tables} after; of the database: ${source.database}, ${copy.database}\n`,
    );
    // Soft, so that a failure shows what becomes of the pruning as well.
    expect.soft(copy.tables).toBeLessThan(1.5 * source.tables + IDLE_SLACK);

    await scene.replaceApi({ ...env, EVENTS_KEEP_DAYS: "0" });
    const kept = () => target.run((sql) => sql<{ count: number }[]>`select count(*) from events group by room_id`);
    await eventually(kept, (rows) => rows.every(({ count }) => count === KEEP), PRUNE_MS);
  }, 600_000);
});
