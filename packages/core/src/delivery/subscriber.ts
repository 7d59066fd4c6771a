import type { EventRow, Head } from "../model/rows.ts";
import type { Signal } from "./signal.ts";

/**
 * `too_old`: the missed events are no longer kept. `diverged`: the session has events that the store does not have any more,
 * after a failover or a restore.
 */
export type ResetReason = "too_old" | "not_member" | "diverged";

/** A session as the hub sees it: it takes frames. None of these calls may throw or wait. */
export interface Sink {
  readonly userId: string;
  event(event: EventRow): void;
  signal(signal: Signal): void;
  /** Events of the room up to `head` will not be delivered; those after it will. */
  reset(roomId: string, reason: ResetReason, head: Head): void;
  /** Tokens of the user issued until `at` are revoked. */
  revoked(at: Date): void;
  /** The hub cannot serve the session any longer, by a fault of its own: the session ends with 4003, and resumes. */
  fail(): void;
  /** True when a replay may send more now. */
  ready(): boolean;
  /** Resolves with true when a replay may send more, with false when the session is over. */
  drained(): Promise<boolean>;
}

/** A session's place in the hub. */
export interface Subscriber {
  readonly sink: Sink;
  /** The one room that the session is for; null for a session in all rooms of its user. */
  readonly scope: string | null;
  /** True for a session that sees rooms without being a member. */
  service: boolean;
  /** Ids of the rooms that the session is in. Kept by the rooms. */
  readonly rooms: Set<string>;
  /** Rooms that its user left, with the seq: an older membership read must not let it in. Kept by the rooms. */
  readonly leaves: Map<string, number>;
  /** True when the session counts for its user's presence. Kept by the hub. */
  countsForPresence: boolean;
  /** `held`: nothing is delivered before the session names its cursors. */
  state: "held" | "live" | "left";
}

/** `scope`: the one room that the session is for. */
export const createSubscriber = (sink: Sink, scope: string | null = null): Subscriber => ({
  sink,
  scope,
  service: false,
  rooms: new Set(),
  leaves: new Map(),
  countsForPresence: false,
  state: "held",
});
