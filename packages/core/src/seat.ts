import type { Feed } from "./feed.ts";
import type { Receipt } from "./frames.ts";
import type { Bytes, EventRow } from "./ports.ts";

/** A signal or receipt on its way to a session. Of those with the same `key`, only the newest matters. */
export interface Live {
  readonly key: string;
  readonly roomId: string;
  /** As a socket is sent it, not addressed yet. */
  readonly body: Bytes;
  readonly about:
    | { readonly kind: "typing"; readonly userId: string; readonly typing: boolean }
    | ({ readonly kind: "receipt" } & Receipt);
}

/** What the hub needs of a session: somewhere to put things. None of these calls may throw or wait. */
export interface Sink {
  readonly userId: string;
  event(event: EventRow): void;
  signal(signal: Live): void;
  /** Events of the room up to `seq` will not be delivered. */
  reset(roomId: string, reason: "too_old" | "not_member", seq: number): void;
  /** Tokens of the user issued until `at` are revoked. */
  revoked(at: Date): void;
  /** Whether a replay may put more in now. */
  ready(): boolean;
  /** Resolves with true when a replay may put more in, with false when the session is over. */
  drained(): Promise<boolean>;
}

/** A session's place in the hub. */
export interface Seat {
  readonly sink: Sink;
  /** The rooms that it is in. Kept by the feeds. */
  readonly feeds: Set<Feed>;
  /** Rooms that its user was seen leaving, and at which seq: a membership read before that must not let it in. Kept by the feeds. */
  readonly leaves: Map<string, number>;
  /** `parked`: nothing is delivered until it says where it was. */
  state: "parked" | "live" | "left";
}

export const createSeat = (sink: Sink): Seat => ({ sink, feeds: new Set(), leaves: new Map(), state: "parked" });
