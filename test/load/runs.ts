/** The runs of `npm run measure`: of the product, and the same of the floor programs. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { createWriter } from "@signalbox/core/commands/writer";
import { createMemoryEngine } from "@signalbox/core/memory/engine";
import { systemClock } from "@signalbox/core/ports/clock";
import { PRODUCTION_FLAGS, startNode } from "@signalbox/infra/node";
import { createStore } from "@signalbox/postgres/store";
import { Child } from "./children.ts";
import type { FloorCalls } from "./floor/broadcast.ts";
import type { Result } from "./report.ts";

/** Writers that run side by side, with one message per transaction: as many as the store has connections. */
export const WRITERS = 10;
const ONE_BY_ONE_MS = 4000;
const MAIN = fileURLToPath(new URL("main.ts", import.meta.url));

const FAN_OUT = ["--sessions", "1000", "--rate", "600", "--seconds", "10"];
const SENDS = ["--rate", "0", "--inflight", "256", "--sessions", "20", "--rooms", "10", "--seconds", "6"];
const IDLE = ["--idle", "--sessions", "5000", "--rooms-per-user", "5"];

/** The servers that the runs share. */
export interface Stage {
  /** Configures a node. */
  readonly env: { readonly REDIS_URL: string; readonly DATABASE_URL: string; readonly JWT_SECRET: string };
  /** Base URL of the API node. */
  readonly api: string;
}

/** Runs the load generator. Rejects when it fails, or a delivery was missing, doubled or out of order. */
async function load(flags: readonly string[]): Promise<Result> {
  const node = ["--conditions=development", "--import", "tsx", MAIN, ...flags, "--json"];
  const { stdout } = await promisify(execFile)(process.execPath, node, { maxBuffer: 2 ** 24 });
  return JSON.parse(stdout.trim().split("\n").at(-1) ?? "") as Result;
}

/** Runs a load on a fresh gateway. */
async function withGateway({ env, api }: Stage, flags: readonly string[]): Promise<Result> {
  const gateway = await startNode({ kind: "gateway", env, built: true, flags: PRODUCTION_FLAGS });
  try {
    const to = [
      "--gateway",
      gateway.realtime,
      "--api",
      api,
      `--secret=${env.JWT_SECRET}`,
      "--pid",
      String(gateway.pid),
    ];
    return await load([...to, ...flags]);
  } finally {
    await gateway.stop();
  }
}

async function withFloor(flags: readonly string[]): Promise<Result> {
  const floor = new Child<FloorCalls>("floor/broadcast.ts", PRODUCTION_FLAGS);
  try {
    const { url, pid } = await floor.ask("listen", undefined);
    return await load(["--via", "floor", "--gateway", url, "--pid", String(pid), ...flags]);
  } finally {
    floor.end();
  }
}

/** Fan-out past the store: one room, 1,000 sessions, 600 messages a second. */
export const fanOut = (stage: Stage): Promise<Result> =>
  withGateway(stage, ["--via", "engine", "--redis", stage.env.REDIS_URL, ...FAN_OUT]);
export const floorFanOut = (): Promise<Result> => withFloor(FAN_OUT);

/** Durable sends over sockets, as fast as they are acknowledged. */
export const sends = (stage: Stage): Promise<Result> => withGateway(stage, ["--via", "socket", ...SENDS]);

/** 5,000 idle sessions in 5 rooms each; the floor's are in none. */
export const idle = (stage: Stage): Promise<Result> => withGateway(stage, IDLE);
export const floorIdle = (): Promise<Result> => withFloor(IDLE);

/** Messages a second with a transaction for each message. */
export async function oneByOne(url: string): Promise<number> {
  const store = await createStore({ url });
  const engine = createMemoryEngine();
  const actor = { userId: "measure", service: false };
  const faults = {
    report: (_: string, error: unknown) => {
      throw error;
    },
  };
  const writers = Array.from({ length: WRITERS }, () =>
    createWriter({ store, engine, clock: systemClock, faults, typingTtlMs: 4000 }),
  );
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
