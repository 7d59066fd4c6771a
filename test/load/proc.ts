/** CPU time and memory of processes, from Linux's /proc. */
import { readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";

/** /proc counts CPU time in hundredths of a second on every architecture that Node runs on. */
const TICK_MICROS = 10_000;
const SIGUSR2_BIT = 1n << 11n;

/** The readings in a row, `STEADY_EVERY_MS` apart, that must agree within `STEADY_KB` per process. */
const STEADY_READINGS = 5;
const STEADY_KB = 512;
const STEADY_EVERY_MS = 200;
const STEADY_ATTEMPTS = 100;

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

/** The user and system time of these processes together, in microseconds. Throws when one is gone. */
export function cpuMicros(pids: readonly number[]): number {
  return sum(
    pids.map((pid) => {
      // The second field is the command in brackets, which may contain blanks: fields are counted from behind it.
      const [, fields = ""] = /^.*\) (.*)$/s.exec(readFileSync(`/proc/${pid}/stat`, "utf8")) ?? [];
      const [user, system] = fields.split(" ").slice(11, 13).map(Number);
      return (user! + system!) * TICK_MICROS;
    }),
  );
}

/** The user and system time of this process since `start`, in microseconds. */
export function ownCpuMicros(start: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(start);
  return user + system;
}

function status(pid: number, field: string): string {
  const text = readFileSync(`/proc/${pid}/status`, "utf8");
  return new RegExp(`^${field}:\\s+(\\S+)`, "m").exec(text)?.[1] ?? "";
}

/** The resident memory of these processes together, in KiB. Throws when one is gone. */
export const rssKb = (pids: readonly number[]): number => sum(pids.map((pid) => Number(status(pid, "VmRSS"))));

/**
 * Has each process collect its garbage (SIGUSR2) and waits until the resident memory is steady, 20 s at most. A process without
 * a handler would die of the signal: it is left alone. Resolves with the memory in KiB; `collected` is true when all collected.
 */
export async function collectedRssKb(pids: readonly number[]): Promise<{ kb: number; collected: boolean }> {
  const handling = pids.filter((pid) => (BigInt(`0x${status(pid, "SigCgt")}`) & SIGUSR2_BIT) !== 0n);
  for (const pid of handling) process.kill(pid, "SIGUSR2");
  const readings: number[] = [];
  for (let attempt = 0; attempt < STEADY_ATTEMPTS; attempt++) {
    await delay(STEADY_EVERY_MS);
    readings.push(rssKb(pids));
    const latest = readings.slice(-STEADY_READINGS);
    if (latest.length === STEADY_READINGS && Math.max(...latest) - Math.min(...latest) <= STEADY_KB * pids.length)
      break;
  }
  return { kb: readings.at(-1) ?? 0, collected: handling.length === pids.length };
}
