/** What Linux says about a process, from /proc. */
import { readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";

/** /proc counts CPU time in hundredths of a second on every architecture that Node runs on. */
const TICK_MICROS = 10_000;
const SIGUSR2_BIT = 1n << 11n;

/** Readings in a row that must agree within `STEADY_KB` per process, `STEADY_EVERY_MS` apart, and how often is tried. */
const STEADY_READINGS = 5;
const STEADY_KB = 512;
const STEADY_EVERY_MS = 200;
const STEADY_ATTEMPTS = 100;

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

/** User and system time that these processes have used together, in microseconds. Throws when one is gone. */
export function cpuMicros(pids: readonly number[]): number {
  return sum(
    pids.map((pid) => {
      // The second field is the command in brackets, which may hold blanks: count from behind it.
      const [, fields = ""] = /^.*\) (.*)$/s.exec(readFileSync(`/proc/${pid}/stat`, "utf8")) ?? [];
      const [user, system] = fields.split(" ").slice(11, 13).map(Number);
      return (user! + system!) * TICK_MICROS;
    }),
  );
}

/** User and system time that this process has used since `start`, in microseconds. */
export function ownCpuMicros(start: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(start);
  return user + system;
}

function status(pid: number, field: string): string {
  const text = readFileSync(`/proc/${pid}/status`, "utf8");
  return new RegExp(`^${field}:\\s+(\\S+)`, "m").exec(text)?.[1] ?? "";
}

/** Resident memory of these processes together, in KiB. Throws when one is gone. */
export const rssKb = (pids: readonly number[]): number => sum(pids.map((pid) => Number(status(pid, "VmRSS"))));

/**
 * Asks each process to collect its garbage (SIGUSR2) and waits until their resident memory is steady, 20 s at most.
 * A process that does not handle the signal would die of it: it is left alone. Returns the memory in KiB and whether all collected.
 */
export async function collectedRssKb(pids: readonly number[]): Promise<{ kb: number; collected: boolean }> {
  const willing = pids.filter((pid) => (BigInt(`0x${status(pid, "SigCgt")}`) & SIGUSR2_BIT) !== 0n);
  for (const pid of willing) process.kill(pid, "SIGUSR2");
  const readings: number[] = [];
  for (let attempt = 0; attempt < STEADY_ATTEMPTS; attempt++) {
    await delay(STEADY_EVERY_MS);
    readings.push(rssKb(pids));
    const latest = readings.slice(-STEADY_READINGS);
    if (latest.length === STEADY_READINGS && Math.max(...latest) - Math.min(...latest) <= STEADY_KB * pids.length)
      break;
  }
  return { kb: readings.at(-1) ?? 0, collected: willing.length === pids.length };
}
