/**
 * Local ids for rooms, users and events of Matrix, derived from theirs, so that every node and every rebuild makes the
 * same ones.
 */
import { createHash, randomUUID } from "node:crypto";

/** The latest time in a UUID v7, in milliseconds since the epoch. */
const LATEST = 2 ** 48 - 1;

/** The id of a new room from Matrix. */
export const roomIdOf = (matrixRoomId: string): string => derived(digest(`room ${matrixRoomId}`));

/** The id of a Matrix user that is not mapped to a user here. */
export const userIdOf = (matrixUserId: string): string => derived(digest(`user ${matrixUserId}`));

/** An `origin_server_ts`, which is by another server's clock, limited to `now`. Both in milliseconds since the epoch. */
export const clampTimestamp = (ts: number, now: number): Date =>
  new Date(Math.floor(Math.max(0, Math.min(ts, now, LATEST))));

/** The id of a message or reaction from Matrix: a UUID v7 of its time, with 74 bits of the hash of its event id. */
export function subjectIdOf(eventId: string, sentAt: Date): string {
  const time = sentAt.getTime().toString(16).padStart(12, "0");
  const hash = digest(eventId);
  const tail = `${variant(hash.charAt(3))}${hash.slice(4, 7)}-${hash.slice(7, 19)}`;
  return `${time.slice(0, 8)}-${time.slice(8)}-7${hash.slice(0, 3)}-${tail}`;
}

/**
 * The transaction id of a write to the homeserver. It is the same for a repeat with the same client id, so that the
 * homeserver gives the first answer again. No other write may have it: without a client id it is random.
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

/** The variant digit of a UUID, with two bits of `digit`. */
const variant = (digit: string): string => (8 | (Number.parseInt(digit, 16) & 3)).toString(16);
