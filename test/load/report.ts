/** The result of a run, and its output. */
import type { Flags } from "./flags.ts";
import { Histogram } from "./histogram.ts";
import type { ReceiverReport } from "./receiver.ts";
import type { SendReport } from "./sender.ts";
import type { TallyCounts } from "./tally.ts";

/** The load of a receiver, in % of a core, from which on it may be the bottleneck of a run. */
const RECEIVER_BUSY = 85;

export interface Measured {
  readonly sessions: number;
  readonly send: SendReport;
  readonly receivers: readonly ReceiverReport[];
  /** The frames of the senders' own sessions. */
  readonly senders: TallyCounts;
  /** Deliveries that were missing at the end. */
  readonly behind: number;
  /** CPU of the measured processes while messages were under way, in microseconds. */
  readonly serverCpu: number;
  /** Resident memory of the measured processes before the first session and after the last message, in KiB. */
  readonly rss: { readonly before: number; readonly after: number };
}

/** A finished run: numbers under the names that `--json` prints. */
export type Result = Readonly<Record<string, number | string | boolean | Readonly<Record<string, number>> | undefined>>;

const round = (value: number, digits = 1): number => Number(value.toFixed(digits));

/** CPU time in microseconds as a share of one core. */
const percent = (micros: number, seconds: number): number => micros / (seconds * 10_000);

function merge(tallies: readonly TallyCounts[]): Omit<TallyCounts, "latency"> & { latency: Histogram } {
  const latency = new Histogram();
  const closed: Record<string, number> = {};
  const merged = { deliveries: 0, others: 0, missing: 0, doubled: 0, outOfOrder: 0 };
  for (const tally of tallies) {
    latency.add(tally.latency);
    for (const key of Object.keys(merged) as (keyof typeof merged)[]) merged[key] += tally[key];
    for (const [code, count] of Object.entries(tally.closed)) closed[code] = (closed[code] ?? 0) + count;
  }
  return { ...merged, closed, latency, lastAt: Math.max(...tallies.map((tally) => tally.lastAt)) };
}

/** Sums up a run. Latencies in ms, shares of CPU in % of one core. */
export function summarise({ via, rooms, rate, bytes, pids }: Flags, run: Measured): Result {
  const { send, serverCpu, rss } = run;
  const total = merge([...run.receivers.map(({ tally }) => tally), run.senders]);
  const ack = new Histogram();
  ack.add(send.ack);
  const seconds = Math.max(0.001, (total.lastAt - send.startedAt) / 1e6);
  const busiest = Math.max(...run.receivers.map(({ cpu }) => percent(cpu, seconds)));
  const refused = Object.values(send.refused).reduce((total, count) => total + count, 0);
  const wrong = run.behind + total.doubled + total.outOfOrder + Object.keys(total.closed).length + refused;
  return {
    ok: wrong === 0 && total.deliveries > 0,
    via,
    sessions: run.sessions,
    rooms,
    rate,
    bytes,
    sent: send.sent,
    acknowledged: send.acknowledged,
    sendsPerSecond: round(send.acknowledged / send.seconds, 0),
    ...(via === "engine" || via === "floor"
      ? {}
      : { ackP50Ms: round(ack.percentileMs(0.5), 2), ackP99Ms: round(ack.percentileMs(0.99), 2) }),
    refused: send.refused,
    deliveries: total.deliveries,
    deliveriesPerSecond: round(total.deliveries / seconds, 0),
    latencyP50Ms: round(total.latency.percentileMs(0.5), 2),
    latencyP99Ms: round(total.latency.percentileMs(0.99), 2),
    latencyMaxMs: round(total.latency.maxMs(), 2),
    missing: run.behind,
    doubled: total.doubled,
    outOfOrder: total.outOfOrder,
    closed: total.closed,
    ...(pids.length === 0
      ? {}
      : {
          serverCpuPercent: round(percent(serverCpu, seconds)),
          serverMicrosPerDelivery: round(serverCpu / total.deliveries, 3),
          rssKbPerSession: round((rss.after - rss.before) / run.sessions),
        }),
    receiverCpuPercent: round(busiest),
    senderCpuPercent: round(percent(send.cpu, send.seconds)),
    receiverBound: busiest >= RECEIVER_BUSY,
  };
}

/** Sums up an idle run. Memory in KiB. */
export const summariseIdle = (
  { sessions, rooms, roomsPerUser }: Flags,
  run: { readonly before: number; readonly after: number; readonly collected: boolean; readonly closed: number },
): Result => ({
  ok: run.closed === 0,
  sessions,
  rooms,
  roomsPerUser,
  rssBeforeKb: run.before,
  rssAfterKb: run.after,
  rssKbPerSession: round((run.after - run.before) / sessions, 2),
  collected: run.collected,
  closed: run.closed,
});

/** A table of two columns, one line each. */
export function table(result: Result): string {
  const rows = Object.entries(result).map(
    ([key, value]) => [key.replace(/([A-Z])/g, " $1").toLowerCase(), cell(value)] as const,
  );
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, value]) => `${name.padEnd(width)}  ${value}`).join("\n");
}

function cell(value: Result[string]): string {
  if (typeof value !== "object") return typeof value === "number" ? value.toLocaleString("en") : String(value);
  const parts = Object.entries(value).map(([name, count]) => `${name} × ${count}`);
  return parts.join(", ") || "none";
}
