import type { Bytes } from "./bytes.ts";

/** A frame with its channel, as `ports/engine-frames.ts` encodes them. */
export type OutboxFrame = readonly [kind: "room" | "user", channelId: string, frame: Bytes];

/**
 * What a transaction is about to publish, noted by the transaction itself. The row goes when the engine has confirmed every
 * publication of it; gateways read the rows that stay. A frame of it may come late, twice, and after newer ones.
 */
export interface OutboxRow {
  /** A UUID. */
  readonly id: string;
  readonly frames: readonly OutboxFrame[];
}

/** A row of the outbox is read when it is so old, in milliseconds: by then the engine has confirmed what it can. */
export const OUTBOX_AGE_MS = 500;
/** The longest life of a transaction, in milliseconds: a row may appear so long after the time that it has. */
export const TRANSACTION_MS = 10_000;
/** An older row of the outbox is deleted by `prune`; in milliseconds. */
export const OUTBOX_KEPT_MS = 60_000;
