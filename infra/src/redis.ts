/**
 * Real Redis servers, for tests and for a topology on one machine: a single one, or a cluster of three primaries and
 * three replicas.
 */
import { mkdir, mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { findRedis, type RedisBinary } from "./redis-binary.ts";
import { Guard } from "./redis-guard.ts";
import { freePort, RedisProcess, type Role } from "./redis-process.ts";

const PRIMARIES = 3;
const SLOTS = 16_384;
const READY_MS = 60_000;

/** A single server or a cluster. */
export interface Redis {
  /** The value for `REDIS_URL`. */
  readonly url: string;
  readonly nodes: readonly RedisProcess[];
  /** Sends SIGKILL to every server. */
  kill(): Promise<void>;
  /** Starts the servers that are down, on the same ports; resolves once all are ready again. */
  start(): Promise<void>;
  /** Freezes every server: connections stay open, without answers. */
  pause(): void;
  resume(): void;
  /** Ends every server and removes its files. Idempotent. */
  stop(): Promise<void>;
}

export interface SingleRedis extends Redis {
  readonly port: number;
}

export interface RedisCluster extends Redis {
  readonly nodes: readonly ClusterNode[];
  /** The nodes that are up and primaries by their own answer. */
  primaries(): Promise<readonly ClusterNode[]>;
  /** Resolves once every node that is up reports `cluster_state:ok`, and every replica that is up follows its primary. */
  ready(): Promise<void>;
}

class ClusterNode extends RedisProcess {
  readonly busPort: number;

  constructor(
    place: { binary: RedisBinary; guard: Guard; folder: string },
    { port, busPort, role }: { port: number; busPort: number; role: Role },
  ) {
    const cluster = ["--cluster-enabled", "yes", "--cluster-port", String(busPort), "--cluster-node-timeout", "2000"];
    // A replica that waits for its first copy cannot replace its primary: the copy begins at once.
    super(place, { port, role, options: [...cluster, "--repl-diskless-sync-delay", "0"] });
    this.busPort = busPort;
  }
}

/** A Redis server without persistence on 127.0.0.1. */
export async function startRedis(options: { port?: number } = {}): Promise<SingleRedis> {
  const binary = await findRedis();
  const folder = await mkdtemp(join(tmpdir(), "signalbox-redis-"));
  const guard = new Guard(folder);
  const port = options.port ?? (await freePort());
  const node = new RedisProcess({ binary, guard, folder }, { port, role: "primary", options: [] });
  await starting(guard, () => node.start());
  return { url: `redis://127.0.0.1:${port}`, port, nodes: [node], ...together([node], guard, () => node.start()) };
}

/** A Redis Cluster of three primaries with a replica each, on 127.0.0.1; a dead primary is replaced after about 3 s. */
export async function startRedisCluster(): Promise<RedisCluster> {
  const binary = await findRedis();
  const folder = await mkdtemp(join(tmpdir(), "signalbox-redis-"));
  const guard = new Guard(folder);
  const nodes: ClusterNode[] = [];
  for (let index = 0; index < 2 * PRIMARIES; index++) {
    const own = join(folder, String(index));
    await mkdir(own);
    const role = index < PRIMARIES ? "primary" : "replica";
    const ports = { port: await freePort(), busPort: await freePort() };
    nodes.push(new ClusterNode({ binary, guard, folder: own }, { ...ports, role }));
  }
  const ready = () => until(() => isReady(nodes));
  const start = async () => {
    await Promise.all(nodes.map((node) => node.start()));
    await ready();
  };
  await starting(guard, async () => {
    await Promise.all(nodes.map((node) => node.start()));
    await form(nodes);
    await ready();
  });
  const primaries = async () => {
    const roles = await Promise.all(nodes.map((node) => node.currentRole().catch(() => undefined)));
    return nodes.filter((_, index) => roles[index] === "primary");
  };
  const hosts = nodes.slice(0, PRIMARIES).map((node) => `127.0.0.1:${node.port}`);
  return { url: `redis+cluster://${hosts.join(",")}`, nodes, primaries, ready, ...together(nodes, guard, start) };
}

/** The methods that are the same for all kinds. */
function together(
  nodes: readonly RedisProcess[],
  guard: Guard,
  start: () => Promise<void>,
): Omit<Redis, "url" | "nodes"> {
  return {
    start,
    kill: async () => void (await Promise.all(nodes.map((node) => node.kill()))),
    pause: () => nodes.forEach((node) => void node.pause()),
    resume: () => nodes.forEach((node) => void node.resume()),
    stop: () => guard.end(),
  };
}

async function starting(guard: Guard, start: () => Promise<void>): Promise<void> {
  await start().catch(async (error: unknown) => {
    await guard.end();
    throw error;
  });
}

/** Makes a cluster of fresh nodes: the first half primaries that share the slots, the others a replica of one each. */
async function form(nodes: readonly ClusterNode[]): Promise<void> {
  const primaries = nodes.filter((node) => node.role === "primary");
  const edge = (index: number) => Math.floor((index * SLOTS) / primaries.length);
  for (const [index, node] of nodes.entries()) {
    // Set here, so that the nodes need not resolve conflicts of equal epochs first.
    await node.command("CLUSTER", "SET-CONFIG-EPOCH", index + 1);
    if (node.role === "primary") await node.command("CLUSTER", "ADDSLOTSRANGE", edge(index), edge(index + 1) - 1);
  }
  const [first, ...others] = nodes;
  for (const node of others) await first?.command("CLUSTER", "MEET", "127.0.0.1", node.port, node.busPort);
  await until(async () => {
    const infos = await Promise.all(nodes.map((node) => node.command("CLUSTER", "INFO")));
    return infos.every((info) => info.includes(`cluster_known_nodes:${nodes.length}\r`));
  });
  for (const [index, primary] of primaries.entries()) {
    const replica = nodes[primaries.length + index];
    await replica?.command("CLUSTER", "REPLICATE", await primary.command("CLUSTER", "MYID"));
  }
}

async function isReady(nodes: readonly ClusterNode[]): Promise<boolean> {
  const up = nodes.filter((node) => node.pid !== undefined);
  const infos = await Promise.all(up.map((node) => node.command("CLUSTER", "INFO")));
  const links = await Promise.all(up.map((node) => node.command("INFO", "replication")));
  const replicas = links.filter((link) => link.includes("role:slave"));
  const followers = links
    .map((link) => Number(/connected_slaves:(\d+)/.exec(link)?.[1]))
    .reduce((sum, count) => sum + count, 0);
  return (
    infos.every((info) => info.includes("cluster_state:ok")) &&
    replicas.every((link) => link.includes("master_link_status:up")) &&
    followers === replicas.length
  );
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  for (const end = Date.now() + READY_MS; ; await sleep(50)) {
    if (await holds().catch(() => false)) return;
    if (Date.now() > end) throw new Error("The Redis Cluster did not come together within a minute");
  }
}
