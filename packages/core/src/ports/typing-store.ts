export interface Typist {
  readonly userId: string;
  /** Milliseconds since the epoch, by the engine's clock. */
  readonly startedAt: number;
  /** Milliseconds until the entry expires: relative, so that no two clocks are compared. */
  readonly remainingMs: number;
}

/** The typists of rooms over all nodes, for requests. Sessions learn them from publications. */
export interface TypingStore {
  /** Records that `userId` types in `room` for `ttlMs` more. Best effort: never throws, never waits. */
  start(room: string, userId: string, ttlMs: number): void;
  /** Removes the entries of these users, some hundred at most. Best effort, as `start`. */
  stop(room: string, ...userIds: readonly string[]): void;
  /** The typists of each of `rooms`; rooms without any are absent. Rejects with `unavailable` while the server is away. */
  list(rooms: readonly string[]): Promise<ReadonlyMap<string, readonly Typist[]>>;
}
