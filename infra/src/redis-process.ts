/** One Redis server as a child process that can be killed, frozen and started again on its port. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { RedisBinary } from "./redis-binary.ts";
import { redisCommand } from "./redis-command.ts";
import type { Guard } from "./redis-guard.ts";

const START_MS = 20_000;

export type Role = "primary" | "replica";

export class RedisProcess {
  readonly port: number;
  /** The role at the first start; see `currentRole`. */
  readonly role: Role;
  private readonly binary: RedisBinary;
  private readonly guard: Guard;
  private readonly folder: string;
  private readonly options: readonly string[];
  private child: ChildProcess | undefined;

  /** `folder` exists, belongs to this server, and lives as long as `guard`. `options` are for the command line. */
  constructor(
    { binary, guard, folder }: { binary: RedisBinary; guard: Guard; folder: string },
    { port, role, options }: { port: number; role: Role; options: readonly string[] },
  ) {
    this.binary = binary;
    this.guard = guard;
    this.folder = folder;
    this.port = port;
    this.role = role;
    this.options = options;
  }

  get pid(): number | undefined {
    return this.child?.pid;
  }

  /** Starts the server, for the first time or again; resolves once it answers. */
  async start(): Promise<void> {
    if (this.child !== undefined) return;
    const log = join(this.folder, "redis.log");
    const args = ["--port", String(this.port), "--bind", "127.0.0.1", "--dir", this.folder, "--logfile", log];
    const quiet = ["--save", "", "--appendonly", "no", "--daemonize", "no", "--protected-mode", "no"];
    const child = spawn(this.binary.path, [...args, ...quiet, ...this.options], {
      env: this.binary.env,
      stdio: "ignore",
    });
    this.child = child;
    const { pid } = child;
    if (pid !== undefined) this.guard.record("+", pid);
    child.once("error", () => {});
    child.once("exit", () => {
      if (pid !== undefined) this.guard.record("-", pid);
      if (this.child === child) this.child = undefined;
    });
    child.unref();
    for (const until = Date.now() + START_MS; !(await answers(this.port)); await sleep(20)) {
      if (this.child === child && pid !== undefined && Date.now() < until) continue;
      const text = await readFile(log, "utf8").catch(() => "");
      throw new Error(`Redis did not start on port ${this.port}: ${text.slice(-500)}`);
    }
  }

  /** Sends SIGKILL; resolves once the process is gone. */
  async kill(): Promise<void> {
    const child = this.child;
    if (child === undefined) return;
    // Started unreferenced, so that a forgotten server does not keep this process running; here its end is awaited.
    child.ref();
    const gone = once(child, "exit");
    child.kill("SIGKILL");
    await gone;
  }

  /** Freezes the server: connections stay open, nothing answers. */
  pause(): void {
    this.child?.kill("SIGSTOP");
  }

  resume(): void {
    this.child?.kill("SIGCONT");
  }

  /** The role of the server now, by its own answer. Rejects while it is down. */
  async currentRole(): Promise<Role> {
    return (await this.command("ROLE")) === "master" ? "primary" : "replica";
  }

  /** The reply as text, see `redisCommand`. */
  command(...parts: readonly (string | number)[]): Promise<string> {
    return redisCommand(this.port, ...parts);
  }
}

const answers = (port: number): Promise<boolean> =>
  redisCommand(port, "PING").then(
    (reply) => reply === "PONG",
    () => false,
  );

/** Ports given before: a cluster binds its ports only after all are chosen. */
const given = new Set<number>();

/**
 * A free port, below those that the system gives to outgoing connections: a killed server finds its port free when it
 * starts again.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 12_000);
    if (given.has(port)) continue;
    const server = createServer().listen(port, "127.0.0.1");
    const free = await Promise.race([
      once(server, "listening").then(() => true),
      once(server, "error").then(() => false),
    ]).catch(() => false);
    if (!free) continue;
    given.add(port);
    server.close();
    await once(server, "close");
    return port;
  }
}
