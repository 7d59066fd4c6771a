/** The number of granted tokens, and milliseconds until the next one is available: 0 when it is. */
export interface Grant {
  readonly granted: number;
  readonly retryAfterMs: number;
}

/** Token buckets, one for each user over all nodes. */
export interface RateTokens {
  /**
   * Takes up to `count` tokens from the user's bucket (`rate` per second, at most `burst`). Rejects with `unavailable` while
   * the server is away.
   */
  take(userId: string, count: number, rate: number, burst: number): Promise<Grant>;
}
