/** What a field must look like when its value cannot be known. */
import { expect } from "vitest";

export const ANY_UUID: unknown = expect.stringMatching(
  /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/,
);
export const ANY_UUID_V7: unknown = expect.stringMatching(
  /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
);
export const ANY_TIME: unknown = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/);
export const ANY_TEXT: unknown = expect.stringMatching(/./);

/** An id of the right form behind which there is nothing. */
export const NOTHING = "01890000-0000-7000-8000-000000000000";

/** Looks again and again until what is seen holds; resolves with it. Fails with the last sight after `ms`. */
export async function seen<T>(look: () => Promise<T>, holds: (sight: T) => boolean, ms = 10_000): Promise<T> {
  for (const since = Date.now(); ; await new Promise((resolve) => setTimeout(resolve, 20))) {
    const sight = await look();
    if (holds(sight)) return sight;
    if (Date.now() - since > ms) throw new Error(`still ${JSON.stringify(sight)} after ${ms} ms`);
  }
}

/** Resolves to every one of `count` results, asked for at once. */
export const times = <T>(count: number, make: (index: number) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: count }, (_, index) => make(index)));
