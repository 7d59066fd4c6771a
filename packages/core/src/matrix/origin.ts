import type { Revision } from "../model/rows.ts";

/** An event's place in Matrix. Users are ours, `eventId` is Matrix's. */
export interface EventOrigin {
  readonly roomId: string;
  readonly eventId: string;
  readonly senderId: string;
  /** `origin_server_ts`, as far as it can be believed: never in the future. */
  readonly sentAt: Date;
}

/** A message of Matrix before it has a seq. */
export interface MatrixMessage extends Revision {
  readonly messageId: string;
  /** The event that it answers. */
  readonly replyTo: string | null;
  readonly threadRoot: string | null;
  /** As the content says; believed only of a send that is under way. */
  readonly clientMessageId: string | null;
  /** It came redacted already. */
  readonly redacted: { readonly by: string; readonly at: Date } | null;
}
