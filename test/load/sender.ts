/** A child process that sends messages by one transport, at a rate or one after each acknowledgement. */
import { setTimeout as delay } from "node:timers/promises";
import { Audience, type Ends, type Heads, type Progress } from "./audience.ts";
import { serve } from "./children.ts";
import { Histogram, type HistogramCounts } from "./histogram.ts";
import { ownCpuMicros } from "./proc.ts";
import { nowMicros, stampedText } from "./stamp.ts";
import type { TallyCounts } from "./tally.ts";
import type { Transport, TransportPlan } from "./transport.ts";
import { openTransport } from "./transports.ts";

/** The most sends under way with a rate: further ones wait, and the rate is not reached. */
const MOST_OPEN = 20_000;
/** The longest wait for the last answers. */
const LAST_ANSWERS_MS = 10_000;

export interface Pace {
  /** Messages a second; 0: one after each acknowledgement, with `inflight` under way. */
  readonly rate: number;
  readonly seconds: number;
  readonly inflight: number;
  /** Length of a message's text. */
  readonly bytes: number;
  /** The rooms' seqs before the first message. */
  readonly heads: Ends;
}

export interface SendReport {
  /** In microseconds of the machine's clock. */
  readonly startedAt: number;
  /** The duration of the sending, in seconds. */
  readonly seconds: number;
  readonly sent: number;
  readonly acknowledged: number;
  /** Error code to number of sends; `unanswered` among them. */
  readonly refused: Readonly<Record<string, number>>;
  readonly ack: HistogramCounts;
  /** The highest seq of each room with a message. */
  readonly until: Heads;
  /** The CPU time of those seconds, in microseconds. */
  readonly cpu: number;
}

/** The calls of a sender. */
export interface SenderCalls {
  /** Opens the transport; answers with the number of its sessions. */
  open(plan: TransportPlan): Promise<number>;
  run(pace: Pace): Promise<SendReport>;
  progress(until: Heads): Progress;
  tally(nothing: undefined): TallyCounts;
}

const audience = new Audience();
let transport: Transport;

class Run {
  readonly ack = new Histogram();
  readonly refused: Record<string, number> = {};
  readonly until: Record<string, number> = {};
  sent = 0;
  acknowledged = 0;
  open = 0;
  readonly #bytes: number;

  constructor(bytes: number) {
    this.#bytes = bytes;
  }

  /** Sends the next message. Never rejects: errors are counted. */
  async one(): Promise<void> {
    const turn = this.sent++;
    const startedAt = nowMicros();
    this.open++;
    try {
      const { room, seq } = await transport.send(turn, stampedText(this.#bytes));
      this.ack.record(nowMicros() - startedAt);
      this.acknowledged++;
      this.until[room] = Math.max(seq, this.until[room] ?? 0);
    } catch (error) {
      this.refuse(error instanceof Error ? error.message : "unknown", 1);
    } finally {
      this.open--;
    }
  }

  refuse(code: string, count: number): void {
    this.refused[code] = (this.refused[code] ?? 0) + count;
  }
}

/** Sends the due messages every millisecond: slow answers do not lower the rate. */
async function atRate(run: Run, rate: number, seconds: number, startedAt: number): Promise<void> {
  const total = Math.round(rate * seconds);
  while (run.sent < total) {
    const elapsed = (nowMicros() - startedAt) / 1e6;
    if (elapsed > seconds + 1) return;
    const due = Math.min(total, Math.floor(elapsed * rate) + 1);
    while (run.sent < due && run.open < MOST_OPEN) void run.one();
    await delay(1);
  }
}

async function asAcknowledged(run: Run, inflight: number, seconds: number, startedAt: number): Promise<void> {
  const oneByOne = async (): Promise<void> => {
    while (nowMicros() - startedAt < seconds * 1e6) await run.one();
  };
  const all = Promise.all(Array.from({ length: inflight }, oneByOne));
  await Promise.race([all, delay(seconds * 1000 + LAST_ANSWERS_MS, undefined, { ref: false })]);
}

async function lastAnswers(run: Run): Promise<void> {
  const limit = nowMicros() + LAST_ANSWERS_MS * 1000;
  while (run.open > 0 && nowMicros() < limit) await delay(5);
  if (run.open > 0) run.refuse("unanswered", run.open);
}

async function send(pace: Pace): Promise<SendReport> {
  const run = new Run(pace.bytes);
  transport.begin(pace.heads);
  const begin = process.cpuUsage();
  const startedAt = nowMicros();
  if (pace.rate > 0) await atRate(run, pace.rate, pace.seconds, startedAt);
  else await asAcknowledged(run, pace.inflight, pace.seconds, startedAt);
  const cpu = ownCpuMicros(begin);
  const seconds = (nowMicros() - startedAt) / 1e6;
  await lastAnswers(run);
  const { sent, acknowledged, refused, until } = run;
  return { startedAt, seconds, sent, acknowledged, refused, until, ack: run.ack.toJSON(), cpu };
}

serve<SenderCalls>({
  open: async (plan) => {
    transport = await openTransport(plan, audience);
    return audience.sessions.length;
  },
  run: send,
  progress: (until) => audience.progress(until),
  tally: () => audience.tally.toJSON(),
});
