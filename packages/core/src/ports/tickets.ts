/** Content that is kept under a ticket and handed out once. Every method rejects with `unavailable` when the server is away. */
export interface Tickets {
  /** Keeps `content` under `ticket` for `ttlMs`. */
  put(ticket: string, content: string, ttlMs: number): Promise<void>;
  /** The content that was kept under the ticket, once; null for a spent or unknown one. */
  take(ticket: string): Promise<string | null>;
}
