import type { EventBody, SessionFrame, SignalBody } from "./down.ts";

/** Frames of our own carry no `recipientId`: only the twelve events of the document "Realtime" do. */
const UNADDRESSED: ReadonlySet<string> = new Set([
  "ROOM_STATE",
  "STOP_TYPING",
  "RECEIPTS",
  "PRESENCE",
  "NOTIFICATION",
  "MARKER",
]);

/**
 * Encodes an event or signal once for everybody: JSON that only lacks what `open` puts in front. `seq` comes first, so
 * that a reader that only counts finds it at a fixed place.
 */
export function encodeBody(body: EventBody | SignalBody): string {
  const { type, ...rest } = body;
  const head = "seq" in rest ? { seq: rest.seq, type } : { type };
  const json = JSON.stringify({ ...head, ...rest }).slice(1);
  return UNADDRESSED.has(type) ? json : `,${json}`;
}

/** What stands in front of the recipient's id. */
export const RECIPIENT = '{"recipientId":"';

/** Whether a body says whom it is for: then it begins with the comma behind that. */
export const isAddressed = (body: string): boolean => body.startsWith(",");

/**
 * What completes a body for one recipient: `open(body, userId) + body` is its JSON. A user id needs no escaping (CONTRACT
 * section 1, "User id"), so this is a concatenation, 0.26 µs instead of an encoding per recipient.
 */
export const open = (body: string, userId: string): string => (isAddressed(body) ? `${RECIPIENT}${userId}"` : "{");

/** Encodes a frame of a session's own life. */
export const encodeFrame = (frame: SessionFrame): string => JSON.stringify(frame);
