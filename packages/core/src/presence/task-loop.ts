/**
 * Work that is done a turn at a time: the returned function begins it, unless it is under way, and resolves when there is no
 * `more` of it, or a turn failed; it never rejects. What failed is tried again with the next call.
 */
export function untilDone(more: () => boolean, turn: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | undefined;

  async function run(): Promise<void> {
    // What else comes in this tick belongs to the first turn.
    await Promise.resolve();
    try {
      while (more()) await turn();
    } catch {
      // Whatever was away will be back.
    } finally {
      // Right after `more` said no, so that nothing is put there in between and left lying.
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
