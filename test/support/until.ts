/** Waiters: each ends with its condition, or fails the test. */
import { setTimeout as pause } from "node:timers/promises";

const POLL_MS = 10;
const PATIENCE_MS = 10_000;
/** Milliseconds that `passed` leaves a busy machine. */
const SLACK_MS = 5000;

/** Resolves as soon as `holds`; rejects with the text of `otherwise` when that takes longer than `ms`. */
export async function until(
  holds: () => boolean | Promise<boolean>,
  ms: number,
  otherwise: () => string | Promise<string>,
  pollMs = POLL_MS,
): Promise<void> {
  for (const end = Date.now() + ms; !(await holds()); await pause(pollMs))
    if (Date.now() > end) throw new Error(`not within ${ms} ms: ${await otherwise()}`);
}

/** Reads until `holds` is true of the reading, and resolves with it. Rejects with the last reading after `ms`. */
export async function eventually<T>(
  read: () => Promise<T>,
  holds: (reading: T) => boolean,
  ms = PATIENCE_MS,
): Promise<T> {
  const readings: { last?: T } = {};
  const isThere = async () => {
    readings.last = await read();
    return holds(readings.last);
  };
  await until(isThere, ms, () => `still ${JSON.stringify(readings.last)}`, 2 * POLL_MS);
  return readings.last as T;
}

/** Resolves when `ms` have passed since the moment `since`, in milliseconds since the epoch. */
export const passed = (since: number, ms: number): Promise<void> =>
  until(
    () => Date.now() > since + ms,
    ms + SLACK_MS,
    () => "time stands still",
  );
