import { appendFile, chmod, copyFile, mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { Connection, type Sql } from "./connection.ts";
import { type Embedded, startEmbedded } from "./embedded.ts";
import { type Account, chooseAccount, giveTo } from "./os-account.ts";
import { postmaster, signal } from "./postmaster.ts";

const REPLAY_MS = 20_000;
/** Folders whose content belongs to the running server, or comes by streaming. */
const EMPTY = new Set([
  "pg_wal",
  "pg_replslot",
  "pg_stat_tmp",
  "pg_notify",
  "pg_serial",
  "pg_snapshots",
  "pg_dynshmem",
]);
const LEFT_OUT = new Set(["postmaster.pid", "postmaster.opts", "standby.signal", "backup_label"]);

/** A server that can be followed by standbys: a new one, or a standby that was promoted. */
export interface Server extends Embedded {
  readonly dir: string;
  readonly port: number;
}

export interface Standby extends Server {
  /** Resolves once the standby has all that `primary` has committed until now. */
  catchUp(primary: Server): Promise<void>;
  /** Makes it a primary, on the next timeline. Resolves once it takes writes. */
  promote(): Promise<void>;
}

/** Settings for tests: small and quick. The WAL is kept long enough for a standby that starts late. */
const SETTINGS = { shared_buffers: "16MB", fsync: "off", wal_keep_size: "128MB" };

/** Starts a primary with a new database in a folder of its own. */
export const startPrimary = async (): Promise<Server> => start(await newFolder());

/** Starts a stopped or crashed server again, in its folder and on its port. */
export const restart = ({ dir, port }: Server): Promise<Server> => start(dir, port);

/** Starts a streaming standby of `primary` in a folder of its own, from a backup of the running server's files. */
export async function startStandby(primary: Server): Promise<Standby> {
  const dir = await newFolder();
  const folder = join(dir, "postgres");
  const account = await chooseAccount();
  await copyFile(join(primary.dir, "postgres.password"), join(dir, "postgres.password"));
  const label = await withConnection(primary.url, async (sql) => {
    await sql`select pg_backup_start('standby', true)`;
    await copyFolder(join(primary.dir, "postgres"), folder, account);
    const [row] = await sql<[{ label: string }]>`select labelfile as label from pg_backup_stop(false)`;
    return row.label;
  });
  const { port, username, password } = new URL(primary.url);
  const conninfo = `host=127.0.0.1 port=${port} user=${username} password=${password}`;
  // Of a setting given twice the last one counts.
  await appendFile(join(folder, "postgresql.auto.conf"), `\nprimary_conninfo = '${conninfo}'\n`);
  for (const [name, text] of Object.entries({ backup_label: label, "standby.signal": "" })) {
    await writeFile(join(folder, name), text, { mode: 0o600 });
    await giveTo(join(folder, name), account);
  }
  const server = await start(dir);
  return {
    ...server,
    catchUp: (upstream) => catchUp(upstream.url, server.url),
    promote: () => withConnection(server.url, async (sql) => void (await sql`select pg_promote()`)),
  };
}

/** Ends a server as a failure of its machine does, without a last checkpoint. Its `stop` may follow. */
export async function crash({ dir }: Server): Promise<void> {
  const folder = join(dir, "postgres");
  const running = await postmaster(folder);
  if (!running) return;
  signal(running.pid, "SIGQUIT");
  while ((await postmaster(folder))?.pid === running.pid && signal(running.pid, 0)) await pause(10);
}

/** Stops a server and removes its folder. */
export async function remove({ dir, stop }: Server): Promise<void> {
  await stop();
  await rm(dir, { recursive: true, force: true });
}

const newFolder = (): Promise<string> => mkdtemp(join(tmpdir(), "signalbox-server-"));

async function start(dir: string, port?: number): Promise<Server> {
  const server = await startEmbedded({ dir, settings: SETTINGS, ...(port === undefined ? {} : { port }) });
  return { ...server, dir, port: Number(new URL(server.url).port) };
}

async function catchUp(primary: string, standby: string): Promise<void> {
  const [{ lsn }] = await withConnection(
    primary,
    (sql) => sql<[{ lsn: string }]>`select pg_current_wal_flush_lsn()::text as lsn`,
  );
  await withConnection(standby, async (sql) => {
    for (const until = Date.now() + REPLAY_MS; ; await pause(10)) {
      const [{ there }] = await sql<
        [{ there: boolean | null }]
      >`select pg_last_wal_replay_lsn() >= ${lsn}::pg_lsn as there`;
      if (there) return;
      if (Date.now() > until) throw new Error(`the standby has not replayed ${lsn} in time`);
    }
  });
}

async function withConnection<T>(url: string, work: (sql: Sql) => Promise<T>): Promise<T> {
  const connection = new Connection(url, {});
  try {
    return await work(connection.sql);
  } finally {
    connection.destroy();
  }
}

/** Copies the folder of a running server; what the server removes meanwhile is left out. */
async function copyFolder(from: string, to: string, account: Account | undefined): Promise<void> {
  await mkdir(to);
  await chmod(to, 0o700);
  await giveTo(to, account);
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isDirectory() && EMPTY.has(entry.name)) {
      await copyEmpty(target, account);
    } else if (entry.isDirectory()) {
      await copyFolder(source, target, account);
    } else if (!LEFT_OUT.has(entry.name)) {
      await copyFile(source, target).then(
        () => giveTo(target, account),
        (error: NodeJS.ErrnoException) => {
          if (error.code !== "ENOENT") throw error;
        },
      );
    }
  }
}

async function copyEmpty(target: string, account: Account | undefined): Promise<void> {
  await mkdir(target, { mode: 0o700 });
  await giveTo(target, account);
}
