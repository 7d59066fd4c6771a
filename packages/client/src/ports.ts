/** What the SDK's parts expect of each other. */
import type { Auth } from "./api.ts";
import type {
  ConnectionChanged,
  DurableEvent,
  MarkerMoved,
  MessageRead,
  Notification,
  PresenceChanged,
  Reset,
  TypingStarted,
  TypingStopped,
} from "./events.ts";

/** Many receipts at once: `READ_MSG` for each reader. */
export interface Receipts {
  type: "RECEIPTS";
  chatId: string;
  receipts: { senderId: string; messageId: string; timeStamp: string }[];
}

/** The answer to a frame with this `ref`. */
export type Answer =
  | { type: "ACK"; ref: string; data: unknown }
  | { type: "ERROR"; ref?: string; code: string; detail: string; retryAfterMs?: number };

/** What a connection hands on. Unknown types are passed over before. */
export type Received =
  | DurableEvent
  | TypingStarted
  | TypingStopped
  | MessageRead
  | Receipts
  | PresenceChanged
  | Notification
  | MarkerMoved
  | Reset
  | Answer;

export interface ConnectionEvents {
  /** Each durable event once, those of a room in the order of their seqs; signals, receipts and answers as they come. */
  received(frame: Received): void;
  changed(change: ConnectionChanged): void;
}

/** A connection that stays (connection.ts). */
export interface Connection {
  /** As `Realtime.connect`. */
  connect(): Promise<void>;
  disconnect(): void;
  /** Hands a frame to the socket when it is live; false when it is not: then nothing was sent. */
  send(frame: object): boolean;
  /** Who this connection belongs to, once it was live. */
  readonly userId: string | undefined;
}

/** Where tokens come from (tokens.ts). */
export interface Tokens {
  set(auth: Auth): void;
  /**
   * A token that is good for a while. Concurrent calls fetch once. Rejects with `no_token` before `set`, with `unauthenticated` when the only
   * one at hand was refused, and with whatever a fetching function rejects with, unless the last token still holds.
   */
  get(): Promise<string>;
  /** The server refused it: a fixed one is not offered again, and a function is asked for another. */
  refused(token: string): void;
  /** Milliseconds until a fresh one should replace it; undefined when none can be had, or when it does not say when it ends. */
  refreshIn(token: string): number | undefined;
}
