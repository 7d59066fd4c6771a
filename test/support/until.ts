import { setTimeout as pause } from "node:timers/promises";

const POLL_MS = 10;

/** Resolves as soon as `holds`; rejects with what `otherwise` says when that takes longer than `ms`. */
export async function until(
  holds: () => boolean | Promise<boolean>,
  ms: number,
  otherwise: () => string | Promise<string>,
): Promise<void> {
  for (const end = Date.now() + ms; !(await holds()); await pause(POLL_MS))
    if (Date.now() > end) throw new Error(`not within ${ms} ms: ${await otherwise()}`);
}
