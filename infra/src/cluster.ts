import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startEmbedded } from "@signalbox/postgres/embedded";
import { type NodeOptions, type NodeProcess, startNode } from "./node.ts";
import { type RedisCluster, startRedisCluster } from "./redis.ts";

export interface ClusterOptions {
  readonly apis?: number;
  readonly gateways?: number;
  /** Environment variables of every node, on top of the cluster's own. */
  readonly env?: Readonly<Record<string, string>>;
  readonly node?: Pick<NodeOptions, "built" | "flags">;
  /** Called with a line for each part that is up. */
  readonly progress?: (line: string) => void;
}

export interface Cluster {
  readonly redis: RedisCluster;
  readonly postgres: Awaited<ReturnType<typeof startEmbedded>>;
  readonly apis: readonly NodeProcess[];
  readonly gateways: readonly NodeProcess[];
  /** The secret that its tokens are signed with. */
  readonly secret: string;
  /** The environment variables of each node. */
  readonly env: Readonly<Record<string, string>>;
  /** Ends everything and removes its files. */
  stop(): Promise<void>;
}

/**
 * Starts the real topology on this machine: Redis Cluster, Postgres, API nodes and gateway nodes. When a part fails, it
 * ends the others and throws.
 */
export async function startCluster(options: ClusterOptions = {}): Promise<Cluster> {
  const { apis = 2, gateways = 2, progress = () => {} } = options;
  const ends: (() => Promise<void>)[] = [];
  const stop = async () => {
    for (let end = ends.pop(); end !== undefined; end = ends.pop()) await end();
  };
  try {
    const redis = await startRedisCluster();
    ends.push(() => redis.stop());
    progress(`Redis Cluster  ${redis.url}`);
    const folder = await mkdtemp(join(tmpdir(), "signalbox-postgres-"));
    ends.push(() => rm(folder, { recursive: true, force: true }));
    const postgres = await startEmbedded({ dir: folder });
    ends.push(() => postgres.stop());
    progress(`Postgres       ${postgres.url}`);
    const secret = randomBytes(32).toString("base64url");
    const env = { REDIS_URL: redis.url, DATABASE_URL: postgres.url, JWT_SECRET: secret, ...options.env };
    const kinds = [...Array<"api">(apis).fill("api"), ...Array<"gateway">(gateways).fill("gateway")];
    const nodes = await allOrNone(kinds.map((kind) => startNode({ kind, env, ...options.node })));
    for (const node of nodes) progress(`${node.kind.padEnd(14)} ${node.url}`);
    ends.push(async () => {
      await Promise.all(nodes.map((node) => node.stop()));
    });
    const of = (kind: string) => nodes.filter((node) => node.kind === kind);
    return { redis, postgres, apis: of("api"), gateways: of("gateway"), secret, env, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Resolves to all nodes. When one fails, it kills the others and throws. */
async function allOrNone(starts: readonly Promise<NodeProcess>[]): Promise<NodeProcess[]> {
  const outcomes = await Promise.allSettled(starts);
  const nodes = outcomes.flatMap((outcome) => (outcome.status === "fulfilled" ? [outcome.value] : []));
  const failure = outcomes.find((outcome) => outcome.status === "rejected");
  if (failure === undefined) return nodes;
  await Promise.all(nodes.map((node) => node.kill()));
  throw failure.reason;
}
