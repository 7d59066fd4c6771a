/**
 * Work that is done in turns: the returned function begins it, unless it is under way, and resolves when `more` returns false,
 * or a turn failed; it never rejects. `failed` takes the error of a turn; the next call tries the work again.
 */
export function taskLoop(
  more: () => boolean,
  turn: () => Promise<void>,
  failed: (error: unknown) => void,
): () => Promise<void> {
  let running: Promise<void> | undefined;

  async function run(): Promise<void> {
    // Work of the same tick belongs to the first turn.
    await Promise.resolve();
    try {
      while (more()) await turn();
    } catch (error) {
      failed(error);
    } finally {
      // Right after `more` returned false, so that no work is added in between and left waiting.
      running = undefined;
    }
  }

  return () => (running ??= run());
}

/** The first `count` items, or all. */
export function firstOf<T>(items: Iterable<T>, count: number): T[] {
  const some: T[] = [];
  for (const item of items) {
    if (some.length === count) break;
    some.push(item);
  }
  return some;
}
