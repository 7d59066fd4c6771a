/**
 * `npm run measure`: brings up Redis, Postgres, an API node and a gateway as `npm run build` made them, runs the load generator
 * against them three times, and prints what README quotes. Takes about a minute.
 */
import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { createWriter } from "@signalbox/core/commands/writer";
import { createMemoryEngine } from "@signalbox/core/memory/engine";
import { type NodeProcess, PRODUCTION_FLAGS, startNode } from "@signalbox/infra/node";
import { startRedis } from "@signalbox/infra/redis";
import { startEmbedded } from "@signalbox/postgres/embedded";
import { createStore } from "@signalbox/postgres/store";

/** Transactions of one message each that run side by side: as many as the store has connections. */
const LANES = 10;
const ONE_BY_ONE_MS = 4000;
const MAIN = fileURLToPath(new URL("main.ts", import.meta.url));

type Figures = Readonly<Record<string, number>>;

const ends: (() => Promise<unknown>)[] = [];
const say = (line: string) => process.stdout.write(`${line}\n`);

/** Messages a second when every message is a transaction of its own. */
async function oneByOne(url: string): Promise<number> {
  const store = await createStore({ url });
  const engine = createMemoryEngine();
  const actor = { userId: "measure", service: false };
  const writers = Array.from({ length: LANES }, () => createWriter({ store, engine, typingTtlMs: 4000 }));
  const until = performance.now() + ONE_BY_ONE_MS;
  let sent = 0;
  await Promise.all(
    writers.map(async (writer) => {
      const { roomId: chatId } = await writer.createRoom(actor, { name: "one by one", members: [], metadata: {} });
      for (; performance.now() < until; sent++)
        await writer.act(actor, { type: "SEND_MSG", chatId, message: "x".repeat(200) });
    }),
  );
  await store.close();
  return sent / (ONE_BY_ONE_MS / 1000);
}

async function load(flags: readonly string[]): Promise<Figures> {
  const node = ["--conditions=development", "--import", "tsx", MAIN, ...flags, "--json"];
  const { stdout } = await promisify(execFile)(process.execPath, node, { maxBuffer: 2 ** 24 });
  return JSON.parse(stdout.trim().split("\n").at(-1) ?? "") as Figures;
}

async function measure(): Promise<void> {
  const redis = await startRedis();
  ends.push(() => redis.stop());
  const dir = await mkdtemp(join(tmpdir(), "signalbox-measure-"));
  ends.push(() => rm(dir, { recursive: true, force: true }));
  const postgres = await startEmbedded({ dir });
  ends.push(() => postgres.stop());
  const secret = randomBytes(32).toString("base64url");
  const env = { REDIS_URL: redis.url, DATABASE_URL: postgres.url, JWT_SECRET: secret };
  const api = await startNode({ kind: "api", env, built: true });
  ends.push(() => api.stop());

  /** Each figure is of a gateway that has done nothing else. */
  const withGateway = async <T>(run: (flags: string[]) => Promise<T>): Promise<T> => {
    const gateway: NodeProcess = await startNode({ kind: "gateway", env, built: true, flags: PRODUCTION_FLAGS });
    try {
      return await run([
        "--gateway",
        gateway.realtime,
        "--api",
        api.url,
        "--secret",
        secret,
        "--pid",
        String(gateway.pid),
      ]);
    } finally {
      await gateway.stop();
    }
  };

  const fanOut = await withGateway((to) =>
    load([...to, "--via", "engine", "--redis", redis.url, "--sessions", "1000", "--rate", "600", "--seconds", "10"]),
  );
  say(`fan-out, 1 room × 1,000 sessions × 600 messages/s of 200 bytes, through Redis: ${JSON.stringify(fanOut)}`);
  const durable = await withGateway((to) =>
    load([
      ...to,
      "--via",
      "socket",
      "--rate",
      "0",
      "--inflight",
      "256",
      "--sessions",
      "20",
      "--rooms",
      "10",
      "--seconds",
      "6",
    ]),
  );
  say(`durable acknowledged sends: ${JSON.stringify(durable)}`);
  const single = await oneByOne(postgres.url);
  say(`one transaction per message, ${LANES} at a time: ${single.toFixed(0)} a second`);
  say(`ratio: ${((durable.sendsPerSecond ?? 0) / single).toFixed(1)}`);
  const idle = await withGateway((to) => load([...to, "--idle", "--sessions", "5000", "--rooms-per-user", "5"]));
  say(`idle, 5,000 sessions in 5 rooms each: ${JSON.stringify(idle)}`);
}

const end = async (): Promise<void> => {
  for (let each = ends.pop(); each !== undefined; each = ends.pop()) await each();
};
for (const signal of ["SIGINT", "SIGTERM"] as const)
  process.once(signal, () => void end().then(() => process.exit(130)));
try {
  await measure();
} catch (error) {
  process.exitCode = 1;
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
} finally {
  await end();
}
