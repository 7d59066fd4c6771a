import type { Status } from "@signalbox/protocol/presence";
import type { Bytes } from "../model/bytes.ts";
import type { EventRow, Receipt } from "../model/rows.ts";
import type { Counts } from "../ports/store.ts";
import type { LocalRoom } from "./local-room.ts";

/** A signal or receipts on their way to a session. Of those with the same `key`, only the newest matters. */
export interface Signal {
  readonly key: string;
  /** The room that it is about; null for presence, which is told once however many rooms are shared. */
  readonly roomId: string | null;
  /** As a socket is sent it, not addressed yet. */
  readonly body: Bytes;
  readonly about: /** They type, for so long unless they go on; 0: no longer. */
    | { readonly kind: "typing"; readonly userId: string; readonly remainingMs: number }
    /** One, or many that a socket is sent as one frame. */
    | { readonly kind: "receipts"; readonly receipts: readonly Receipt[] }
    | { readonly kind: "presence"; readonly userId: string; readonly status: Status; readonly activeAt: Date | null }
    | ({ readonly kind: "notification"; readonly why: "mention" | "unread" } & Pick<Receipt, "messageId" | "eventId"> &
        Pick<Counts, "unread" | "mentions">)
    | { readonly kind: "marker"; readonly messageId: string };
}

/** What the hub needs of a session: somewhere to put things. None of these calls may throw or wait. */
export interface Sink {
  readonly userId: string;
  event(event: EventRow): void;
  signal(signal: Signal): void;
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
export interface Subscriber {
  readonly sink: Sink;
  /** The one room that it is for; null for one that is in all rooms of its user. */
  readonly scope: string | null;
  /** The rooms that it is in. Kept by the rooms. */
  readonly rooms: Set<LocalRoom>;
  /** Rooms that its user was seen leaving, and at which seq: a membership read before that must not let it in. Kept by the rooms. */
  readonly leaves: Map<string, number>;
  /** Whether it counts for its user's presence. Kept by the hub. */
  countsForPresence: boolean;
  /** `parked`: nothing is delivered until it says where it was. */
  state: "parked" | "live" | "left";
}

/** `scope`: the one room that the session is for. */
export const createSubscriber = (sink: Sink, scope: string | null = null): Subscriber => ({
  sink,
  scope,
  rooms: new Set(),
  leaves: new Map(),
  countsForPresence: false,
  state: "parked",
});
