import type { Status } from "@signalbox/protocol/presence";
import type { Bytes } from "../model/bytes.ts";
import type { Receipt } from "../model/rows.ts";
import type { Counts } from "../ports/store.ts";

/** A signal or receipts on their way to a session. Of those with the same `key`, only the newest matters. */
export interface Signal {
  readonly key: string;
  /** The room that it is about; null for presence, which is sent once however many rooms are shared. */
  readonly roomId: string | null;
  /** The frame's body for a socket, not addressed yet. */
  readonly body: Bytes;
  readonly about:
    | Typing
    | Receipts
    | { readonly kind: "presence"; readonly userId: string; readonly status: Status; readonly activeAt: Date | null }
    | ({ readonly kind: "notification"; readonly why: "mention" | "unread" } & Pick<Receipt, "messageId" | "eventId"> &
        Pick<Counts, "unread" | "mentions">)
    | { readonly kind: "marker"; readonly messageId: string };
}

/** The user types for `remainingMs` more unless refreshed; 0: no longer. */
interface Typing {
  readonly kind: "typing";
  readonly userId: string;
  readonly remainingMs: number;
}

/** One receipt, or many that a socket receives as one frame. */
interface Receipts {
  readonly kind: "receipts";
  readonly receipts: readonly Receipt[];
}
