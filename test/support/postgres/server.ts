/** PostgreSQL servers of one test, from the project's own programs, on fixed ports of 127.0.0.1: killed, copied and promoted. */
import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdir, mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { Guard } from "@signalbox/infra/redis-guard";
import { freePort } from "@signalbox/infra/redis-process";
import { Connection, type Sql } from "@signalbox/postgres/connection";
import { type Account, allowPassage, chooseAccount, giveTo, requireReachable } from "@signalbox/postgres/os-account";
import { binaries, forget, initialise, launch, shutDown, signal } from "@signalbox/postgres/postmaster";
import { until } from "../until.ts";

const run = promisify(execFile);
const GONE_MS = 10_000;

const SETTINGS = {
  listen_addresses: "127.0.0.1",
  unix_socket_directories: "",
  max_connections: "100",
  shared_buffers: "64MB",
  log_min_messages: "warning",
  // A copy needs the log from its begin to its end, and a standby what was written while it was away.
  wal_keep_size: "512MB",
  wal_retrieve_retry_interval: "200ms",
};

/** Settings of a server, by name. */
export type Settings = Readonly<Record<string, string>>;

/** The folder of all servers of a test. They end, and it goes, with `end`, or when the test's process ends in any way. */
export class Yard {
  readonly folder: string;
  readonly account: Account | undefined;
  readonly password = randomBytes(24).toString("base64url");
  readonly guard: Guard;
  #count = 0;

  private constructor(folder: string, account: Account | undefined) {
    this.folder = folder;
    this.account = account;
    this.guard = new Guard(folder);
  }

  static async open(): Promise<Yard> {
    const account = await chooseAccount();
    const folder = await mkdtemp(join(tmpdir(), "signalbox-history-"));
    await allowPassage(folder, account);
    await requireReachable((await binaries()).postgres, account);
    return new Yard(folder, account);
  }

  /** A path in the yard that nothing uses. */
  path(): string {
    return join(this.folder, String(++this.#count));
  }

  /** A server on a free port whose folder is not there yet. */
  async place(): Promise<PostgresServer> {
    return new PostgresServer(this, this.path(), await freePort());
  }

  /** A server with a new, empty cluster; it is not started. */
  async cluster(): Promise<PostgresServer> {
    const server = await this.place();
    const file = `${server.folder}.password`;
    await this.makeFolder(server.folder);
    await writeFile(file, this.password, { mode: 0o600 });
    await giveTo(file, this.account);
    await initialise(server.folder, file, this.account);
    return server;
  }

  /** Makes a folder that only the servers' account may enter. */
  async makeFolder(path: string): Promise<void> {
    await mkdir(path, { mode: 0o700 });
    await giveTo(path, this.account);
  }

  end(): Promise<void> {
    return this.guard.end();
  }
}

export class PostgresServer {
  readonly yard: Yard;
  /** The data directory. */
  readonly folder: string;
  readonly port: number;
  #pid: number | undefined;

  constructor(yard: Yard, folder: string, port: number) {
    this.yard = yard;
    this.folder = folder;
    this.port = port;
  }

  /** `postgres://…`, with the password; the same for every start. */
  get url(): string {
    return this.urlAt(this.port);
  }

  /** The URL for a proxy in front of it. */
  urlAt(port: number): string {
    return `postgres://signalbox:${this.yard.password}@127.0.0.1:${port}/postgres`;
  }

  get running(): boolean {
    return this.#pid !== undefined;
  }

  /** Resolves once it takes connections, a standby those that only read. */
  async start(settings: Settings = {}): Promise<void> {
    const all = Object.entries({ ...SETTINGS, port: String(this.port), ...settings });
    const args = all.flatMap(([name, value]) => ["-c", `${name}=${value}`]);
    this.#pid = await launch(this.folder, `${this.folder}.log`, args, this.yard.account);
    this.yard.guard.record("+", this.#pid);
  }

  /** Shuts it down in order, which ends its connections. */
  async stop(): Promise<void> {
    const pid = this.#forgetPid();
    if (pid === undefined) return;
    await shutDown(this.folder, pid);
    this.yard.guard.record("-", pid);
  }

  /** Sends SIGKILL to the server and the processes of its connections; resolves once all are gone. */
  async kill(): Promise<void> {
    const pid = this.#forgetPid();
    if (pid === undefined) throw new Error("the server is not running");
    const { stdout } = await run("pgrep", ["-P", String(pid)]);
    const pids = [pid, ...stdout.trim().split("\n").map(Number)];
    // The postmaster first: it starts the others, and those of the last moment end without it.
    for (const each of pids) signal(each, "SIGKILL");
    await until(
      () => !pids.some((each) => signal(each, 0)),
      GONE_MS,
      () => "a killed server is still there",
    );
    this.yard.guard.record("-", pid);
    await forget(this.folder);
  }

  /** Runs `work` on a connection of its own, without the limits of the store's connections. */
  async run<T>(work: (sql: Sql) => Promise<T>): Promise<T> {
    const connection = new Connection(this.url, {});
    try {
      return await work(connection.sql);
    } finally {
      connection.destroy();
    }
  }

  #forgetPid(): number | undefined {
    const pid = this.#pid;
    this.#pid = undefined;
    return pid;
  }
}
