/** Switches of the server behind an address: restarts, promotions, former primaries, restores. */
import { setTimeout as pause } from "node:timers/promises";
import { NO_METER } from "@signalbox/core/ports/meter";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { Connection, type Sql } from "./connection.ts";
import { askHistory, type HistoryId } from "./history-id.ts";
import { Pool } from "./pool.ts";
import { type Relay, startRelay } from "./relay.fake.ts";
import { crash, remove, restart, type Server, type Standby, startPrimary, startStandby } from "./standby.fake.ts";
import { createStore } from "./store.ts";

const SERVERS_MS = 120_000;
const unavailable = { code: "unavailable", message: "the store does not answer at the moment" };

let primary: Server;
/** The others that run. */
const servers: Server[] = [];
let relay: Relay;
let pool: Pool;
let switches: number;

beforeAll(async () => {
  primary = await startPrimary();
  await superuser(async (sql) => {
    await sql`create table kept (n int)`;
    await sql`create role app login password 'secret' nosuperuser`;
    await sql`create database app owner app`;
  });
}, SERVERS_MS);
afterAll(async () => {
  for (const server of servers) await remove(server);
  await remove(primary);
});
beforeEach(async () => {
  relay = await startRelay(primary.port);
  pool = new Pool(relay.through(primary.url), 3, NO_METER);
  switches = 0;
  pool.onSwitch = () => {
    switches++;
  };
});
afterEach(async () => {
  await pool.close();
  await relay.close();
});

async function started(upstream: Server): Promise<Standby> {
  const standby = await startStandby(upstream);
  servers.push(standby);
  return standby;
}

async function superuser<T>(work: (sql: Sql) => Promise<T>, url = primary.url): Promise<T> {
  const connection = new Connection(url, {});
  try {
    return await work(connection.sql);
  } finally {
    connection.destroy();
  }
}

const appUrl = (): string =>
  Object.assign(new URL(primary.url), { username: "app", password: "secret", pathname: "/app" }).href;

/** The port of the server that answers a call. */
const port = (): Promise<number> =>
  pool.run(async (sql) => {
    const [row] = await sql<[{ port: number }]>`select inet_server_port() as port`;
    return row.port;
  });

const write = (): Promise<unknown> => pool.run(async (sql) => sql`insert into kept values (1)`);

/** A call that writes, and then stays under way until `finish`. */
async function underWay() {
  let finish = (): void => {};
  const gate = new Promise<void>((resolve) => {
    finish = resolve;
  });
  let begin = (): void => {};
  const began = new Promise<void>((resolve) => {
    begin = resolve;
  });
  const call = pool.run(async (sql) => {
    await sql`insert into kept values (2)`;
    begin();
    await gate;
  });
  const outcome = call.then(
    () => "done",
    (error: unknown) => error,
  );
  await began;
  return { finish, outcome };
}

test("an ordinary role is told all parts, and of a refused function only its part is missing", async () => {
  const ask = (): Promise<HistoryId> => superuser(askHistory, appUrl());
  const told = await ask();
  expect(told).toEqual({
    system: expect.stringMatching(/^\d{15,20}$/),
    timeline: 1,
    inRecovery: false,
    readOnly: false,
    startedAt: expect.closeTo(Date.now() * 1000, -8),
    now: expect.closeTo(Date.now() * 1000, -8),
  });
  const inApp = new URL(primary.url);
  inApp.pathname = "/app";
  const change = (statement: string) => superuser((sql) => sql.unsafe(statement), inApp.href);
  await change("revoke execute on function pg_control_system() from public");
  expect(await ask()).toEqual({ ...told, system: null, now: expect.any(Number) });
  await change("revoke execute on function pg_walfile_name(pg_lsn) from public");
  expect(await ask()).toEqual({ ...told, system: null, timeline: null, now: expect.any(Number) });
  await change("grant execute on function pg_control_system() to public");
  await change("grant execute on function pg_walfile_name(pg_lsn) to public");
});

test("nothing is told when nothing happened, also over many new connections to the same server", async () => {
  for (let round = 0; round < 5; round++) {
    await Promise.all([write(), write(), write()]);
    relay.cut();
    await expect.poll(() => write().then(() => "done", String)).toBe("done");
  }
  expect(relay.opened()).toBeGreaterThan(5);
  expect(switches).toBe(0);
});

test("a server that turns read-only is `unavailable`, first by its answer, then by its mode, and serves again after", async () => {
  await write();
  const readOnly = async (on: boolean) => {
    await superuser(async (sql) => {
      await sql.unsafe(`alter system set default_transaction_read_only = ${on}`);
      await sql`select pg_reload_conf()`;
    });
  };
  await readOnly(true);
  // Established connections answer with 25006 once they have read the new setting.
  await expect.poll(() => write().catch((error: unknown) => error)).toMatchObject(unavailable);
  const opened = relay.opened();
  const began = performance.now();
  await expect(port()).rejects.toMatchObject(unavailable);
  expect(performance.now() - began).toBeGreaterThan(4_900);
  expect(performance.now() - began).toBeLessThan(5_500);
  expect(relay.opened() - opened).toBeGreaterThan(5);
  const waiting = Promise.all([write(), write(), write(), write(), write()]);
  await pause(300);
  await readOnly(false);
  await waiting;
  expect(switches).toBe(0);
});

test("a pool closes while its calls are refused", async () => {
  await superuser((sql) => sql.unsafe("alter database app set default_transaction_read_only = on"));
  const refused = new Pool(appUrl(), 1, NO_METER);
  const calls = [1, 2].map(() => refused.run(async (sql) => sql`select`).catch((error: unknown) => error));
  await pause(50);
  await refused.close();
  expect(await Promise.all(calls)).toMatchObject([unavailable, unavailable]);
  await superuser((sql) => sql.unsafe("alter database app reset default_transaction_read_only"));
});

test(
  "a restart of the same server is told once, by a pool and by a store of an ordinary role",
  async () => {
    const store = await createStore({ url: appUrl() });
    let told = 0;
    store.onSwitch(() => {
      told++;
    });
    await store.ping();
    await write();
    await primary.stop();
    await expect(write()).rejects.toMatchObject(unavailable);
    primary = await restart(primary);
    await Promise.all([write(), write(), write(), store.ping(), store.ping()]);
    expect({ switches, told }).toEqual({ switches: 1, told: 1 });
    await store.close();
  },
  SERVERS_MS,
);

test(
  "after a promotion the listener is told once, calls on the former primary fail, and it is refused until it is a restored one",
  async () => {
    const standby = await started(primary);
    await write();
    await standby.catchUp(primary);
    // A standby gets no calls, and a call waits for the primary behind its address.
    relay.point(standby.port);
    relay.cut();
    const early = expect.poll(port, { timeout: 10_000 }).toBe(primary.port);
    await pause(300);
    relay.point(primary.port);
    await early;
    const lent = await underWay();
    const failing = pool.run(async (sql) => {
      await lent.outcome;
      await sql`select 1 / 0`;
    });
    expect(switches).toBe(0);

    await standby.promote();
    expect(await superuser(askHistory, standby.url)).toMatchObject({ timeline: 2, inRecovery: false, readOnly: false });
    relay.point(standby.port);
    expect(await port()).toBe(standby.port);
    expect(switches).toBe(1);
    lent.finish();
    expect(await lent.outcome).toMatchObject(unavailable);
    await expect(failing).rejects.toMatchObject(unavailable);
    expect(await Promise.all([port(), port(), port()])).toEqual(Array(3).fill(standby.port));

    // The former primary still runs, and takes writes.
    relay.point(primary.port);
    relay.cut();
    await expect(write()).rejects.toMatchObject(unavailable);
    const before = await superuser((sql) => sql`select from kept`);
    await expect(write()).rejects.toMatchObject(unavailable);
    expect(await superuser((sql) => sql`select from kept`)).toHaveLength(before.length);
    const waiting = [port(), port(), port(), port()];
    await pause(300);
    relay.point(standby.port);
    expect(await Promise.all(waiting)).toEqual(Array(4).fill(standby.port));
    expect(switches).toBe(1);

    // Restarted on its own timeline it is a restore.
    await crash(primary);
    await primary.stop();
    primary = await restart(primary);
    relay.point(primary.port);
    relay.cut();
    await expect.poll(() => port().catch(() => 0), { timeout: 10_000 }).toBe(primary.port);
    expect(switches).toBe(2);
  },
  SERVERS_MS,
);

test(
  "idle connections to the former primary end with the switch",
  async () => {
    const next = await started(primary);
    await Promise.all([write(), write()]);
    const lent = await underWay();
    await next.catchUp(primary);
    await next.promote();
    relay.point(next.port);
    // The idle connection serves the first one, and is idle again when the new one has been asked.
    const first = port();
    expect(await port()).toBe(next.port);
    expect([primary.port, "unavailable"]).toContain(
      await first.catch((error: unknown) => (error as { code: string }).code),
    );
    expect(switches).toBe(1);
    for (let call = 0; call < 5; call++) expect(await port()).toBe(next.port);
    lent.finish();
    expect(await lent.outcome).toMatchObject(unavailable);
    const others = await superuser(
      (sql) => sql`select from pg_stat_activity where application_name = 'signalbox' and pid <> pg_backend_pid()
        and backend_type = 'client backend'`,
    );
    expect(others).toHaveLength(0);
    expect(switches).toBe(1);
  },
  SERVERS_MS,
);
