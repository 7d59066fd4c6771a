/** The load generator: creates rooms, opens sessions, sends, and reports deliveries and costs. See `flags.ts` for its use. */
import { setTimeout as delay } from "node:timers/promises";
import { type Ends, type Heads, latest, type Progress } from "./audience.ts";
import { type Calls, Child } from "./children.ts";
import { type Flags, readFlags, USAGE } from "./flags.ts";
import { floorPlan } from "./floor/plan.ts";
import { collectedRssKb, cpuMicros, rssKb } from "./proc.ts";
import type { ReceiverCalls } from "./receiver.ts";
import { type Result, summarise, summariseIdle, table } from "./report.ts";
import type { SenderCalls } from "./sender.ts";
import { type Plan, setUp } from "./setup.ts";

/** The time without a frame after which the signals of opening sessions (presence of all to all) are over. */
const QUIET_MS = 500;
const QUIET_LIMIT_MS = 60_000;
/** The time without a frame after which late deliveries are missing. */
const STALLED_MS = 5000;
const LAST_DELIVERIES_LIMIT_MS = 60_000;
const POLL_MS = 50;

type Receiver = Child<ReceiverCalls>;
/** A child with sessions. */
interface Counting {
  ask(name: "progress", until: Heads): Promise<Progress>;
}

const children: { end(): void }[] = [];
const log = (line: string): void => void process.stderr.write(`${line}\n`);

function start<C extends Calls<C>>(file: string): Child<C> {
  const child = new Child<C>(file);
  children.push(child);
  return child;
}

async function openReceivers({ workers }: Flags, { listeners }: Plan): Promise<{ receivers: Receiver[]; heads: Ends }> {
  const receivers = Array.from({ length: workers }, () => start<ReceiverCalls>("receiver.ts"));
  const opened = await Promise.all(
    receivers.map((receiver, nth) =>
      receiver.ask(
        "open",
        listeners.filter((_, index) => index % workers === nth),
      ),
    ),
  );
  return { receivers, heads: latest(opened.flatMap((each) => Object.entries(each))) };
}

async function progressOf(all: readonly Counting[], until: Heads): Promise<Progress> {
  const each = await Promise.all(all.map((child) => child.ask("progress", until)));
  return {
    frames: each.reduce((total, { frames }) => total + frames, 0),
    behind: each.reduce((total, { behind }) => total + behind, 0),
  };
}

/** Waits until `done`, or no frame has arrived for `quietMs`, or the limit is over. Resolves with the progress of all. */
async function settle(
  all: readonly Counting[],
  until: Heads,
  { quietMs, limitMs, done }: { quietMs: number; limitMs: number; done: (progress: Progress) => boolean },
): Promise<Progress> {
  const limit = performance.now() + limitMs;
  let last = await progressOf(all, until);
  let lastAt = performance.now();
  while (!done(last) && performance.now() < Math.min(limit, lastAt + quietMs)) {
    await delay(POLL_MS);
    const next = await progressOf(all, until);
    if (next.frames !== last.frames) lastAt = performance.now();
    last = next;
  }
  return last;
}

async function quiet(all: readonly Counting[]): Promise<void> {
  const since = performance.now();
  await settle(all, {}, { quietMs: QUIET_MS, limitMs: QUIET_LIMIT_MS, done: () => false });
  if (performance.now() - since >= QUIET_LIMIT_MS)
    log("the sessions never became quiet: the figures contain other frames");
}

async function loadRun(flags: Flags, plan: Plan): Promise<Result> {
  const { via, api, redis, rate, seconds, inflight, bytes, pids } = flags;
  const rssBefore = rssKb(pids);
  const { receivers, heads } = await openReceivers(flags, plan);
  const sender = start<SenderCalls>("sender.ts");
  const own = await sender.ask("open", { via, api, redis, authors: plan.authors, speakers: plan.speakers });
  const all: readonly Counting[] = [...receivers, sender];
  await quiet(all);
  log(`${flags.sessions} + ${own} sessions are open; sending for ${seconds} s`);

  await Promise.all(receivers.map((receiver) => receiver.ask("begin", undefined)));
  const cpuBefore = cpuMicros(pids);
  const send = await sender.ask("run", { rate, seconds, inflight, bytes, heads });
  const limits = { quietMs: STALLED_MS, limitMs: LAST_DELIVERIES_LIMIT_MS };
  const { behind } = await settle(all, send.until, { ...limits, done: (progress) => progress.behind === 0 });
  const serverCpu = cpuMicros(pids) - cpuBefore;
  return summarise(flags, {
    sessions: flags.sessions + own,
    send,
    receivers: await Promise.all(receivers.map((receiver) => receiver.ask("report", undefined))),
    senders: await sender.ask("tally", undefined),
    behind,
    serverCpu,
    rss: { before: rssBefore, after: rssKb(pids) },
  });
}

async function idleRun(flags: Flags, plan: Plan): Promise<Result> {
  const before = await collectedRssKb(flags.pids);
  const { receivers } = await openReceivers(flags, plan);
  await quiet(receivers);
  log(`${flags.sessions} sessions are open`);
  const after = await collectedRssKb(flags.pids);
  if (!after.collected) log("not all processes handle SIGUSR2: the memory contains garbage");
  const reports = await Promise.all(receivers.map((receiver) => receiver.ask("report", undefined)));
  const closed = reports.flatMap(({ tally }) => Object.values(tally.closed)).reduce((total, count) => total + count, 0);
  return summariseIdle(flags, { before: before.kb, after: after.kb, collected: after.collected, closed });
}

/** Logs the progress of the set-up, at most once a second. */
function progressLog(): (done: number, of: number) => void {
  let loggedAt = performance.now();
  return (done, of) => {
    if (done < of && performance.now() - loggedAt < 1000) return;
    loggedAt = performance.now();
    log(`set up ${done} of ${of} rooms and late members`);
  };
}

async function run(flags: Flags): Promise<number> {
  const plan = flags.via === "floor" ? floorPlan(flags) : await setUp(flags, progressLog());
  const result = await (flags.idle ? idleRun(flags, plan) : loadRun(flags, plan));
  process.stdout.write(`${flags.json ? JSON.stringify(result) : table(result)}\n`);
  return result.ok === true ? 0 : 1;
}

function readFlagsOrExit(): Flags {
  try {
    return readFlags(process.argv.slice(2));
  } catch (error) {
    log(`${messageOf(error)}\n\n${USAGE}`);
    process.exit(2);
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

function endAll(code: number): void {
  for (const child of children) child.end();
  process.exitCode = code;
}

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => {
    endAll(130);
    process.exit();
  });
}
run(readFlagsOrExit()).then(endAll, (error: unknown) => {
  log(messageOf(error));
  endAll(2);
});
