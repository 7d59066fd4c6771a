/**
 * `npm run test:node`: installs, starts and unit-tests a clean copy of this checkout on every supported Node, each with
 * the npm that it brings. Takes about a minute a version, and fetches each once.
 */
import { chmod, cp, mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { findNode, type NodeVersion, terminal } from "./binaries.ts";
import { Command, type Place } from "./command.ts";

/** The oldest that `engines` allows, and the newest of each line that is or was supported for long. */
const VERSIONS: readonly NodeVersion[] = [
  { node: "20.19.0", npm: "10.8.2" },
  { node: "22.23.5", npm: "10.9.9" },
  { node: "24.22.3", npm: "11.19.1" },
  { node: "26.12.1", npm: "11.20.0" },
];

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
/** The names that .gitignore keeps out of a checkout, and its history. */
const NOT_COPIED = new Set([".git", "node_modules", "dist", ".turbo", ".cache", "data", "coverage"]);
const FETCH_MS = 120_000;
const POLL_MS = 100;
/** A warning of Node's own: a later version ends what it warns of. */
const WARNING = /^\(node:\d+\) .*$/m;

const isCopied = (path: string): boolean => path === ROOT || !NOT_COPIED.has(basename(path));

interface Step {
  readonly name: string;
  readonly words: readonly string[];
  /** Variables of its environment besides the terminal's. */
  readonly env?: Readonly<Record<string, string>>;
  /** It fails when it takes longer. */
  readonly limitMs: number;
  /** Resolves when it succeeded; `signal` aborts at the latest then. */
  done(command: Command, signal: AbortSignal): Promise<void>;
}

const succeeds: Step["done"] = (command, signal) => command.succeeds(signal);
const STEPS: readonly Step[] = [
  { name: "npm ci", words: ["npm", "ci"], limitMs: 120_000, done: succeeds },
  {
    name: "npm start",
    words: ["npm", "start"],
    env: { HOST: "127.0.0.1", PORT: "0", DATA_DIR: "data" },
    limitMs: 60_000,
    done: startsAndStops,
  },
  {
    name: "unit tests",
    words: ["node_modules/.bin/vitest", "run", "--project", "unit", "--reporter=dot"],
    limitMs: 240_000,
    done: succeeds,
  },
];

const interrupted = new AbortController();
const say = (text: string) => process.stdout.write(text);

/** Rejects when the node is not ready, serves no page, prints a warning of Node's or leaves a process after Ctrl-C. */
async function startsAndStops(command: Command, signal: AbortSignal): Promise<void> {
  const early = command.ended.then((why) => {
    throw new Error(why ?? "ended before it was ready");
  });
  await Promise.race([ready(command, signal), early]);
  const left = await command.end();
  if (left.length > 0) throw new Error(`still ran after Ctrl-C: ${left.join(", ")}`);
  const [warning] = WARNING.exec(command.output) ?? [];
  if (warning !== undefined) throw new Error(`Node warns: ${warning}`);
}

/** Resolves when the node of `command` answers 200 at /readyz and serves the page that it built. Its URL is in the banner. */
async function ready(command: Command, signal: AbortSignal): Promise<void> {
  const statusOf = async (url: string): Promise<number> => {
    const response = await fetch(url, { signal });
    await response.arrayBuffer();
    return response.status;
  };
  for (; ; await pause(POLL_MS, undefined, { signal })) {
    const [url] = /http:\/\/127\.0\.0\.1:\d+/.exec(command.output) ?? [];
    if (url === undefined || (await statusOf(`${url}/readyz`)) !== 200) continue;
    const page = await statusOf(url);
    if (page !== 200) throw new Error(`the page's status is ${page}`);
    return;
  }
}

/** Runs one step, prints its line and, when it failed, the end of its output. False when it failed. */
async function run({ name, words, env, limitMs, done }: Step, version: NodeVersion, place: Place): Promise<boolean> {
  say(`Node ${version.node}, npm ${version.npm}: ${name} … `);
  const begun = performance.now();
  const seconds = () => `${((performance.now() - begun) / 1000).toFixed(0)} s`;
  const limit = AbortSignal.timeout(limitMs);
  const over = new AbortController();
  const command = new Command(words, { ...place, env: { ...place.env, ...env } });
  try {
    await done(command, AbortSignal.any([limit, interrupted.signal, over.signal]));
    say(`ok, ${seconds()}\n`);
    return true;
  } catch (error) {
    if (interrupted.signal.aborted) return false;
    const why = limit.aborted ? "it took too long" : error instanceof Error ? error.message : String(error);
    say(`FAILED after ${seconds()}: ${why}\n${command.tail.replace(/^/gm, "  | ")}\n`);
    return false;
  } finally {
    over.abort();
    await command.end();
  }
}

/** All steps in a copy of the checkout that lasts as long as they do. False when one failed. */
async function check(version: NodeVersion): Promise<boolean> {
  const programs = await findNode(version, AbortSignal.any([AbortSignal.timeout(FETCH_MS), interrupted.signal]));
  const folder = await mkdtemp(join(tmpdir(), "signalbox-node-"));
  const cwd = join(folder, "checkout");
  // Temporary files of what is interrupted go with the copy.
  const env = { ...terminal(programs), TMPDIR: join(folder, "tmp") };
  try {
    // Under root, Postgres runs as another account, and its binary lies in here.
    await chmod(folder, 0o755);
    await mkdir(env.TMPDIR);
    await cp(ROOT, cwd, { recursive: true, filter: isCopied });
    let passed = true;
    for (const step of STEPS) {
      if (interrupted.signal.aborted) return false;
      const went = await run(step, version, { cwd, env });
      // Without its packages, nothing else runs.
      if (!went && step.name === "npm ci") return false;
      passed &&= went;
    }
    return passed;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

for (const signal of ["SIGINT", "SIGTERM"] as const)
  process.on(signal, () => {
    if (!interrupted.signal.aborted) say("\nEnding what runs …\n");
    interrupted.abort();
  });

for (const version of VERSIONS) {
  if (interrupted.signal.aborted) break;
  try {
    if (!(await check(version))) process.exitCode = 1;
  } catch (error) {
    process.exitCode = 1;
    if (!interrupted.signal.aborted) say(`${error instanceof Error ? error.message : String(error)}\n`);
  }
}
if (interrupted.signal.aborted) process.exitCode = 130;
