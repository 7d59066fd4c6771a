/** The Postgres of a cluster, to be taken away: stopped, or frozen with its connections open. */
import { execFile } from "node:child_process";
import { dirname } from "node:path";
import { promisify } from "node:util";
import { startEmbedded } from "@signalbox/postgres/embedded";
import { postmaster, shutDown } from "@signalbox/postgres/postmaster";
import type { Stage } from "./stage.ts";

const run = promisify(execFile);

/** Shuts the server down; resolves, when it is gone, to what starts it again on its port and its data, and then to what ends it for good. */
export async function stopPostgres(stage: Stage): Promise<() => Promise<() => Promise<void>>> {
  const { url } = stage.cluster.postgres;
  const { folder, pid } = await serverOf(stage);
  await shutDown(folder, pid);
  return async () => {
    const { stop } = await startEmbedded({ dir: dirname(folder), port: Number(new URL(url).port) });
    return stop;
  };
}

/** Freezes the server and everybody who serves a connection; resolves to what lets them go on. */
export async function freezePostgres(stage: Stage): Promise<() => void> {
  const { pid } = await serverOf(stage);
  // First of all the one who makes others.
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
