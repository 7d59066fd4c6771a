import type { Revision } from "../model/rows.ts";

/** The origin of an event. `eventId` is the id in Matrix; the other ids are the ones of this store. */
export interface EventOrigin {
  readonly roomId: string;
  readonly eventId: string;
  readonly senderId: string;
  /** `origin_server_ts`, but never in the future. */
  readonly sentAt: Date;
}

/** A message of Matrix before it has a seq. */
export interface MatrixMessage extends Revision {
  readonly messageId: string;
  /** The id of the event that it answers. */
  readonly replyTo: string | null;
  readonly threadRoot: string | null;
  /** The client id in the content; it counts only for a send that is under way. */
  readonly clientMessageId: string | null;
  /** The redaction of a message that came redacted; null for any other. */
  readonly redacted: { readonly by: string; readonly at: Date } | null;
}
