/** Faults of the Postgres of a stage: stopped, or frozen with its connections open. */
import { execFile } from "node:child_process";
import { dirname } from "node:path";
import { promisify } from "node:util";
import { startEmbedded } from "@signalbox/postgres/embedded";
import { postmaster, shutDown } from "@signalbox/postgres/postmaster";
import type { Stage } from "./stage.ts";

const run = promisify(execFile);

/** Shuts the server down. Resolves to a function that starts it again on its port and data, which resolves to one that ends it. */
export async function stopPostgres(stage: Stage): Promise<() => Promise<() => Promise<void>>> {
  const { url } = stage.cluster.postgres;
  const { folder, pid } = await serverOf(stage);
  await shutDown(folder, pid);
  return async () => {
    const { stop } = await startEmbedded({ dir: dirname(folder), port: Number(new URL(url).port) });
    return stop;
  };
}

/** Freezes the server and the processes of its connections; resolves to a function that thaws them. */
export async function freezePostgres(stage: Stage): Promise<() => void> {
  const { pid } = await serverOf(stage);
  // The postmaster first: it starts the others.
  process.kill(pid, "SIGSTOP");
  const { stdout } = await run("pgrep", ["-P", String(pid)]);
  const pids = stdout.trim().split("\n").map(Number);
  for (const each of pids) process.kill(each, "SIGSTOP");
  return () => {
    for (const each of [...pids, pid]) process.kill(each, "SIGCONT");
  };
}

async function serverOf(stage: Stage): Promise<{ folder: string; pid: number }> {
  const [row] = await stage.sql<
    [{ dataDirectory: string }]
  >`select current_setting('data_directory') as data_directory`;
  const folder = row.dataDirectory;
  const server = await postmaster(folder);
  if (server === undefined) throw new Error("the cluster's Postgres is not running");
  return { folder, pid: server.pid };
}
