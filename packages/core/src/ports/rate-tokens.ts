/** Tokens that were granted, and milliseconds until the next one is there (0: it is there). */
export interface Grant {
  readonly granted: number;
  readonly retryAfterMs: number;
}

/** Token buckets, one for each user over all nodes. */
export interface RateTokens {
  /**
   * Takes up to `count` tokens from the user's bucket (`rate` per second, at most `burst`). Rejects with `unavailable` when
   * the server is away.
   */
  take(userId: string, count: number, rate: number, burst: number): Promise<Grant>;
}
