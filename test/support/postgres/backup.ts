/** Copies of a data directory, as a file-level backup makes and restores them. */
import { chmod, copyFile, mkdir, readdir, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Account, giveTo } from "@signalbox/postgres/os-account";
import type { PostgresServer } from "./server.ts";

/** Files of a running server that say nothing to another one. */
const OWN = new Set(["postmaster.pid", "postmaster.opts", "backup_label", "standby.signal"]);
/** Folders that a server fills again by itself, and the log, which is copied last. */
const EMPTY = new Set([
  "pg_dynshmem",
  "pg_notify",
  "pg_replslot",
  "pg_serial",
  "pg_snapshots",
  "pg_stat_tmp",
  "pg_wal",
]);

/** Copies a running server into the folder `into`, which is not there yet: what pg_basebackup would make. */
export async function backUp(server: PostgresServer, into: string): Promise<void> {
  const { account } = server.yard;
  await server.yard.makeFolder(into);
  await server.run(async (sql) => {
    // One session begins and ends it.
    await sql`select pg_backup_start('a copy', true)`;
    await copyInside(server.folder, into, account, EMPTY);
    const [end] = await sql<[{ labelfile: string }]>`select labelfile from pg_backup_stop(false)`;
    await copyInside(join(server.folder, "pg_wal"), join(into, "pg_wal"), account);
    const label = join(into, "backup_label");
    await writeFile(label, end.labelfile, { mode: 0o600 });
    await giveTo(label, account);
  });
}

/** Copies a stopped server into the folder `into`, which is not there yet. */
export async function copyStopped(server: PostgresServer, into: string): Promise<void> {
  if (server.running) throw new Error("the server is running");
  await server.yard.makeFolder(into);
  await copyInside(server.folder, into, server.yard.account);
}

/** Puts a copy in the place of a stopped server's data; its port and password stay. */
export async function restore(server: PostgresServer, copy: string): Promise<void> {
  if (server.running) throw new Error("the server is running");
  await rm(server.folder, { recursive: true });
  await server.yard.makeFolder(server.folder);
  const { account } = server.yard;
  await copyInside(copy, server.folder, account);
  await copyIfThere(join(copy, "backup_label"), join(server.folder, "backup_label"), account);
}

/** Copies what is in a folder. A file that a running server removes meanwhile is left out. */
async function copyInside(
  from: string,
  to: string,
  account: Account | undefined,
  empty: ReadonlySet<string> = new Set(),
): Promise<void> {
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (OWN.has(entry.name)) continue;
    if (!entry.isDirectory()) {
      await copyIfThere(source, target, account);
      continue;
    }
    await mkdir(target, { mode: 0o700, recursive: true });
    await giveTo(target, account);
    if (!empty.has(entry.name)) await copyInside(source, target, account);
  }
}

async function copyIfThere(source: string, target: string, account: Account | undefined): Promise<void> {
  try {
    await copyFile(source, target);
    await chmod(target, (await stat(source)).mode & 0o777);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    await rm(target, { force: true });
    return;
  }
  await giveTo(target, account);
}
