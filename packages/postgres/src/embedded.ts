import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { join, resolve } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { Connection } from "./connection.ts";
import { type Account, account, letThrough, own, reachable } from "./os-account.ts";
import { binaries, forget, initialise, launch, postmaster, shutDown, signal } from "./postmaster.ts";

export interface Embedded {
  /** `postgres://…`, with the password. */
  readonly url: string;
  /** Shuts the server down. Idempotent. */
  stop(): Promise<void>;
}

export interface EmbeddedOptions {
  /** Holds the data, the password and the server's log. Made when missing. */
  readonly dir: string;
  /** On 127.0.0.1; a free one when absent. */
  readonly port?: number;
  /** Deletes `dir` with the stop. */
  readonly ephemeral?: boolean;
  /** Settings of the server besides our own. */
  readonly settings?: Readonly<Record<string, string>>;
}

const SETTINGS = {
  listen_addresses: "127.0.0.1",
  unix_socket_directories: "",
  max_connections: "200",
  shared_buffers: "256MB",
  log_min_messages: "warning",
};
/** Held, on its own connection, by the process that uses the server: it is free as soon as that process is dead. */
const OWNER = 7_391_520_462;
/** How long a server whose user may just have died is given to notice. */
const ORPHAN_MS = 2_000;

/**
 * Starts a PostgreSQL of our own on 127.0.0.1. The data in `dir` survives stops and crashes. A server that a killed process
 * left running is shut down first; one that a living process uses rejects the start.
 */
export async function startEmbedded(options: EmbeddedOptions): Promise<Embedded> {
  const dir = resolve(options.dir);
  const folder = join(dir, "postgres");
  const who = await account();
  await mkdir(dir, { recursive: true });
  await letThrough(dir, who);
  await reachable(dir, who);
  await reachable((await binaries()).postgres, who);
  const password = await prepare(dir, folder, who);
  await takeOver(folder, password);

  const port = options.port ?? (await freePort());
  const settings = Object.entries({ ...SETTINGS, port: String(port), ...options.settings });
  const args = settings.flatMap(([name, value]) => ["-c", `${name}=${value}`]);
  const pid = await launch(folder, join(dir, "postgres.log"), args, who);
  const url = address(password, port);
  const owner = await possess(url, 0);
  return { url, stop: stopper({ folder, pid, owner }, options.ephemeral ? dir : undefined) };
}

/** Returns the password of the cluster in `folder`, which is made at the first start. */
async function prepare(dir: string, folder: string, who: Account | undefined): Promise<string> {
  const file = join(dir, "postgres.password");
  if (await stat(join(folder, "PG_VERSION")).catch(() => undefined)) return readFile(file, "utf8");
  const password = randomBytes(24).toString("base64url");
  await writeFile(file, password, { mode: 0o600 });
  // Made beside its place and moved there when complete: a start that was killed leaves nothing half made.
  const draft = `${folder}.new`;
  const handed = `${file}.new`;
  await rm(draft, { recursive: true, force: true });
  await mkdir(draft, { mode: 0o700 });
  await own(draft, who);
  await writeFile(handed, password, { mode: 0o600 });
  await own(handed, who);
  try {
    await initialise(draft, handed, who);
  } finally {
    await rm(handed);
  }
  await rename(draft, folder);
  return password;
}

/** Leaves `folder` without a server: shuts down one that nobody uses any more, and forgets one that died. */
async function takeOver(folder: string, password: string): Promise<void> {
  for (const until = Date.now() + ORPHAN_MS; ; await pause(100)) {
    const found = await postmaster(folder);
    if (!found) return;
    // What takes this folder's password on this port is this folder's server. A process number alone proves nothing: it may be reused.
    const owner = await possess(address(password, found.port), ORPHAN_MS).catch((error: unknown) => {
      if (error instanceof InUse) throw error;
    });
    if (owner) {
      owner.destroy();
      return shutDown(folder, found.pid);
    }
    // A server that starts, or stops, refuses for a while; one that had said "ready" is dead.
    if (found.ready || !signal(found.pid, 0) || Date.now() > until) return forget(folder);
  }
}

/** Connects, and keeps others from doing so while the connection stands. Ends the start when somebody else holds on for `ms`. */
async function possess(url: string, ms: number): Promise<Connection> {
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
  const leave = (): boolean => signal(pid, "SIGINT");
  const stop = async (): Promise<void> => {
    process.off("exit", leave);
    owner.destroy();
    await shutDown(folder, pid);
    if (remove) await rm(remove, { recursive: true, force: true });
  };
  // The last resort of a process that ends without a stop: nothing can be awaited any more.
  process.once("exit", leave);
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
