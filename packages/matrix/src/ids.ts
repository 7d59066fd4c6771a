/** The ids of what comes from Matrix: made of Matrix's own, so that every node, and every rebuild, makes the same. */
import { createHash, randomUUID } from "node:crypto";

/** The largest time that a UUID v7 holds, in milliseconds since the epoch. */
const LATEST = 2 ** 48 - 1;

/** Our id of a room of Matrix that nobody has seen. */
export const roomIdOf = (matrixRoomId: string): string => derived(digest(`room ${matrixRoomId}`));

/** Our id of a Matrix user whom nobody mapped to one of ours. */
export const userIdOf = (matrixUserId: string): string => derived(digest(`user ${matrixUserId}`));

/** What to believe of an `origin_server_ts`, which is another server's clock: a time in the future is taken as `now`. Both in milliseconds since the epoch. */
export const clampTimestamp = (ts: number, now: number): Date =>
  new Date(Math.floor(Math.max(0, Math.min(ts, now, LATEST))));

/** Our id of an event of Matrix, a message or a reaction: a UUID v7 of its time, with 74 bits of the hash of its event id. */
export function subjectIdOf(eventId: string, sentAt: Date): string {
  const time = sentAt.getTime().toString(16).padStart(12, "0");
  const hash = digest(eventId);
  const tail = `${variant(hash.charAt(3))}${hash.slice(4, 7)}-${hash.slice(7, 19)}`;
  return `${time.slice(0, 8)}-${time.slice(8)}-7${hash.slice(0, 3)}-${tail}`;
}

/**
 * The transaction id under which something is written to the homeserver: the same for a repeat with the same client id, which
 * the homeserver then answers as the first. Nothing else may ever have it: without a client id it is random.
 */
export function transactionIdOf(matrixRoomId: string, author: string, clientMessageId: string | null): string {
  if (clientMessageId === null) return randomUUID();
  const parts = JSON.stringify([matrixRoomId, author, clientMessageId]);
  return createHash("sha256").update(parts).digest("base64url");
}

const digest = (text: string): string => createHash("sha256").update(text).digest("hex");

/** A UUID v8 (RFC 9562) of the first bits of a hash. */
const derived = (hash: string): string =>
  `${hash.slice(0, 8)}-${hash.slice(8, 12)}-8${hash.slice(13, 16)}-${variant(hash.charAt(16))}${hash.slice(17, 20)}-${hash.slice(20, 32)}`;

/** The digit of a UUID that says how it is laid out, with two bits of this one. */
const variant = (digit: string): string => (8 | (Number.parseInt(digit, 16) & 3)).toString(16);
