import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { join, resolve } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { Connection } from "./connection.ts";
import { type Account, allowPassage, chooseAccount, giveTo, requireReachable } from "./os-account.ts";
import { binaries, forget, initialise, launch, postmaster, shutDown, signal } from "./postmaster.ts";

export interface Embedded {
  /** `postgres://…`, with the password. */
  readonly url: string;
  /** Shuts the server down. Idempotent. */
  stop(): Promise<void>;
}

export interface EmbeddedOptions {
  /** The folder of the data, the password and the server's log. Made when missing. */
  readonly dir: string;
  /** The port on 127.0.0.1; by default a free one. */
  readonly port?: number;
  /** Deletes `dir` when the server stops. */
  readonly ephemeral?: boolean;
  /** Settings of the server, on top of `SETTINGS`. */
  readonly settings?: Readonly<Record<string, string>>;
}

const SETTINGS = {
  listen_addresses: "127.0.0.1",
  unix_socket_directories: "",
  max_connections: "200",
  shared_buffers: "256MB",
  log_min_messages: "warning",
};
/**
 * The key of the advisory lock of the process that uses the server: held on a connection, so that it is free once that
 * process is dead.
 */
const OWNER = 7_391_520_462;
/** The time for a server to notice that the process that used it has died, in milliseconds. */
const ORPHAN_MS = 2_000;

/**
 * Starts a private PostgreSQL on 127.0.0.1. The data in `dir` survives stops and crashes. A server that a killed
 * process left running is shut down first. Rejects while a live process uses the server of `dir`.
 */
export async function startEmbedded(options: EmbeddedOptions): Promise<Embedded> {
  const dir = resolve(options.dir);
  const folder = join(dir, "postgres");
  const account = await chooseAccount();
  await mkdir(dir, { recursive: true });
  await allowPassage(dir, account);
  await requireReachable(dir, account);
  await requireReachable((await binaries()).postgres, account);
  const password = await prepare(dir, folder, account);
  await takeOver(folder, password);

  const port = options.port ?? (await freePort());
  const settings = Object.entries({ ...SETTINGS, port: String(port), ...options.settings });
  const args = settings.flatMap(([name, value]) => ["-c", `${name}=${value}`]);
  const pid = await launch(folder, join(dir, "postgres.log"), args, account);
  const url = address(password, port);
  const owner = await lockServer(url, 0);
  return { url, stop: stopper({ folder, pid, owner }, options.ephemeral ? dir : undefined) };
}

/** Returns the password of the cluster in `folder`, which is made at the first start. */
async function prepare(dir: string, folder: string, account: Account | undefined): Promise<string> {
  const file = join(dir, "postgres.password");
  if (await stat(join(folder, "PG_VERSION")).catch(() => undefined)) return readFile(file, "utf8");
  const password = randomBytes(24).toString("base64url");
  await writeFile(file, password, { mode: 0o600 });
  // Made beside its place and renamed once complete: a start that is killed leaves no unfinished cluster in `folder`.
  const newFolder = `${folder}.new`;
  const newFile = `${file}.new`;
  await rm(newFolder, { recursive: true, force: true });
  await mkdir(newFolder, { mode: 0o700 });
  await giveTo(newFolder, account);
  await writeFile(newFile, password, { mode: 0o600 });
  await giveTo(newFile, account);
  try {
    await initialise(newFolder, newFile, account);
  } finally {
    await rm(newFile);
  }
  await rename(newFolder, folder);
  return password;
}

/** Leaves `folder` without a server: shuts down one without a process that uses it, and removes the record of a dead one. */
async function takeOver(folder: string, password: string): Promise<void> {
  for (const until = Date.now() + ORPHAN_MS; ; await pause(100)) {
    const found = await postmaster(folder);
    if (!found) return;
    // A server on this port that takes this folder's password is this folder's. A process id alone may be another
    // program's by now.
    const owner = await lockServer(address(password, found.port), ORPHAN_MS).catch((error: unknown) => {
      if (error instanceof InUse) throw error;
    });
    if (owner) {
      owner.destroy();
      return shutDown(folder, found.pid);
    }
    // A server that starts or stops refuses connections for a while; one that was ready before is dead.
    if (found.ready || !signal(found.pid, 0) || Date.now() > until) return forget(folder);
  }
}

/**
 * Connects, and locks the server for this process while the connection lasts. Throws `InUse` when another process keeps
 * the lock for `ms`.
 */
async function lockServer(url: string, ms: number): Promise<Connection> {
  const connection = new Connection(url, { application_name: "signalbox embedded" });
  for (const until = Date.now() + ms; ; await pause(100)) {
    const [answer] = await connection.sql<[{ free: boolean }]>`select pg_try_advisory_lock(${OWNER}::bigint) as free`;
    if (answer.free) return connection;
    if (Date.now() < until) continue;
    connection.destroy();
    throw new InUse("another process uses this folder's PostgreSQL: stop that one, or use another folder");
  }
}

class InUse extends Error {}

interface Running {
  readonly folder: string;
  readonly pid: number;
  readonly owner: Connection;
}

function stopper({ folder, pid, owner }: Running, remove: string | undefined): () => Promise<void> {
  let stopping: Promise<void> | undefined;
  const interrupt = (): boolean => signal(pid, "SIGINT");
  const stop = async (): Promise<void> => {
    process.off("exit", interrupt);
    owner.destroy();
    await shutDown(folder, pid);
    if (remove) await rm(remove, { recursive: true, force: true });
  };
  // For a process that ends without a stop: on exit nothing can be awaited.
  process.once("exit", interrupt);
  return () => {
    stopping ??= stop();
    return stopping;
  };
}

const address = (password: string, port: number): string =>
  `postgres://signalbox:${password}@127.0.0.1:${port}/postgres`;

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
