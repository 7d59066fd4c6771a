/** Content that is kept under a ticket and read once. Every method rejects with `unavailable` while the server is away. */
export interface Tickets {
  /** Keeps `content` under `ticket` for `ttlMs`. */
  put(ticket: string, content: string, ttlMs: number): Promise<void>;
  /** Removes and returns the content under the ticket; null for a spent, expired or unknown one. */
  take(ticket: string): Promise<string | null>;
}
