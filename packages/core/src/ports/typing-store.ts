export interface Typist {
  readonly userId: string;
  /** Milliseconds since the epoch, by the engine's clock. */
  readonly startedAt: number;
  /** How long the entry lasts unless it is refreshed, in milliseconds: relative, so that no two clocks are compared. */
  readonly remainingMs: number;
}

/** Who types in which room, over all nodes, for requests that ask. Sessions learn it from publications. */
export interface TypingStore {
  /** Records that `userId` types in `room` for `ttlMs` more. Best effort; never throws, never waits. */
  start(room: string, userId: string, ttlMs: number): void;
  /** Removes the entries of some hundred users at most. Best effort, as `start`. */
  stop(room: string, ...userIds: readonly string[]): void;
  /** The typists of each of `rooms`; rooms without any are absent. Rejects with `unavailable` when the server is away. */
  list(rooms: readonly string[]): Promise<ReadonlyMap<string, readonly Typist[]>>;
}
