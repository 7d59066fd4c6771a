/** The interfaces between the SDK's parts. */
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

/** Many receipts at once: one `READ_MSG` for each reader. */
export interface Receipts {
  type: "RECEIPTS";
  chatId: string;
  receipts: { senderId: string; messageId: string; timeStamp: string }[];
}

/** The answer to a frame with this `ref`. */
export type Answer =
  | { type: "ACK"; ref: string; data: unknown }
  | { type: "ERROR"; ref?: string; code: string; detail: string; retryAfterMs?: number };

/** The frames that a connection passes on. It drops those of an unknown type. */
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

/** A connection that reconnects by itself (connection.ts). */
export interface Connection {
  /** As `Realtime.connect`. */
  connect(): Promise<void>;
  disconnect(): void;
  /** Hands a frame to the socket while the connection is live. Returns false when it is not: nothing was sent. */
  send(frame: object): boolean;
  /** The user of the token; undefined before the first READY. */
  readonly userId: string | undefined;
}

/** The source of tokens (tokens.ts). */
export interface Tokens {
  set(auth: Auth): void;
  /**
   * A token that is valid for a while. Concurrent calls fetch once. Rejects with `no_token` before `set`, with `unauthenticated` when the
   * only token was refused, and with the error of the fetching function, unless the last token is still valid.
   */
  get(): Promise<string>;
  /** Reports a token that the server refused: a fixed one is not offered again, and a function is asked for another. */
  refused(token: string): void;
  /** Milliseconds until this token should be replaced; undefined when no other can be had, or when it names no expiry. */
  refreshIn(token: string): number | undefined;
}
