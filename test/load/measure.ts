/**
 * `npm run measure`: starts Redis, Postgres, and an API node and a gateway of `npm run build`, runs the load generator against
 * them three times, and prints the figures of docs/FIGURES.md. Takes about a minute; with --compare, which runs the floor
 * programs in between, two.
 */
import { randomBytes } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { startNode } from "@signalbox/infra/node";
import { startRedis } from "@signalbox/infra/redis";
import { startEmbedded } from "@signalbox/postgres/embedded";
import { comparison, type Figures, type Floors, ratiosOf, summary } from "./figures.ts";
import { labelOf, newestRatios, withRow } from "./figures-file.ts";
import { bareSends, GROUP } from "./floor/store.ts";
import type { Result } from "./report.ts";
import { fanOut, floorFanOut, floorIdle, idle, oneByOne, type Stage, sends, WRITERS } from "./runs.ts";

const USAGE = `npm run measure -- [--record <label>] [--compare]
  --record <label>  adds a row to docs/FIGURES.md; the label is a version or a commit
  --compare         runs the bare floor programs beside the product, and prints the product's ratios to them`;
const FIGURES_FILE = new URL("../../docs/FIGURES.md", import.meta.url);
/** The duration of each of two runs of bare inserts. */
const BARE_SENDS_MS = 3000;

interface Options {
  readonly label: string | undefined;
  readonly compare: boolean;
}

/** The results of the floor programs so far; empty without --compare. */
type FloorResults = { readonly [Key in keyof Floors]: number[] };

const ends: (() => Promise<unknown>)[] = [];
const say = (line: string) => process.stdout.write(`${line}\n`);
const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

function number(result: Result, key: string): number {
  const value = result[key];
  if (typeof value !== "number") throw new Error(`the load run printed no ${key}`);
  return value;
}

async function raise(): Promise<Stage> {
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
  return { env, api: api.url };
}

async function measureFanOut(stage: Stage, floors: FloorResults, compare: boolean) {
  const floor = async (): Promise<void> => {
    if (!compare) return;
    const found = await floorFanOut();
    floors.p50Ms.push(number(found, "latencyP50Ms"));
    floors.p99Ms.push(number(found, "latencyP99Ms"));
    floors.microsPerDelivery.push(number(found, "serverMicrosPerDelivery"));
    say(`floor of fan-out, the same through ws alone: ${JSON.stringify(found)}`);
  };
  await floor();
  const found = await fanOut(stage);
  say(`fan-out, 1 room × 1,000 sessions × 600 messages/s of 200 bytes, through Redis: ${JSON.stringify(found)}`);
  await floor();
  return {
    deliveriesPerSecond: number(found, "deliveriesPerSecond"),
    p50Ms: number(found, "latencyP50Ms"),
    p99Ms: number(found, "latencyP99Ms"),
    microsPerDelivery: number(found, "serverMicrosPerDelivery"),
    corePercent: number(found, "serverCpuPercent"),
  };
}

async function measureSends(stage: Stage, floors: FloorResults, compare: boolean) {
  const floor = async (): Promise<void> => {
    if (!compare) return;
    const rate = await bareSends(stage.env.DATABASE_URL, BARE_SENDS_MS);
    floors.sendsPerSecond.push(rate);
    say(`floor of sends, bare inserts in groups of ${GROUP}: ${rate.toFixed(0)} a second`);
  };
  await floor();
  const found = await sends(stage);
  say(`durable acknowledged sends: ${JSON.stringify(found)}`);
  const single = await oneByOne(stage.env.DATABASE_URL);
  say(`one transaction per message, ${WRITERS} at a time: ${single.toFixed(0)} a second`);
  await floor();
  const sendsPerSecond = number(found, "sendsPerSecond");
  const timesOneByOne = sendsPerSecond / single;
  say(`ratio: ${timesOneByOne.toFixed(1)}`);
  return { sendsPerSecond, timesOneByOne };
}

async function measureIdle(stage: Stage, floors: FloorResults, compare: boolean) {
  const found = await idle(stage);
  say(`idle, 5,000 sessions in 5 rooms each: ${JSON.stringify(found)}`);
  if (compare) {
    const floor = await floorIdle();
    floors.idleKb.push(number(floor, "rssKbPerSession"));
    say(`floor of idle sessions, 5,000 sockets of ws: ${JSON.stringify(floor)}`);
  }
  return { idleKb: number(found, "rssKbPerSession") };
}

async function measure({ label, compare }: Options): Promise<void> {
  // The figures are only comparable without other work on the machine.
  const busy = loadavg()[0] ?? 0;
  const stage = await raise();
  const floors: FloorResults = { p50Ms: [], p99Ms: [], microsPerDelivery: [], sendsPerSecond: [], idleKb: [] };
  const figures: Figures = {
    ...(await measureFanOut(stage, floors, compare)),
    ...(await measureSends(stage, floors, compare)),
    ...(await measureIdle(stage, floors, compare)),
  };
  say(`\n${summary(figures)}\nload average before: ${busy.toFixed(1)}`);
  const page = await readFile(FIGURES_FILE, "utf8");
  if (compare) say(`\n${comparison(figures, floors, newestRatios(page))}`);
  if (label === undefined) return;
  const head = { label, date: new Date().toISOString().slice(0, 10) };
  await writeFile(FIGURES_FILE, withRow(page, head, figures, compare ? ratiosOf(figures, floors) : undefined));
}

function readOptions(): Options | undefined {
  try {
    const { values } = parseArgs({ options: { record: { type: "string" }, compare: { type: "boolean" } } });
    return {
      label: values.record === undefined ? undefined : labelOf(values.record),
      compare: values.compare ?? false,
    };
  } catch (error) {
    process.stderr.write(`${messageOf(error)}\n\n${USAGE}\n`);
    return undefined;
  }
}

const end = async (): Promise<void> => {
  for (let each = ends.pop(); each !== undefined; each = ends.pop()) await each();
};
for (const signal of ["SIGINT", "SIGTERM"] as const)
  process.once(signal, () => void end().then(() => process.exit(130)));

const options = readOptions();
if (options === undefined) process.exitCode = 2;
else {
  try {
    await measure(options);
  } catch (error) {
    process.exitCode = 1;
    process.stderr.write(`${messageOf(error)}\n`);
  } finally {
    await end();
  }
}
