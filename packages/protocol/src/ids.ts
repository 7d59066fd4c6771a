import * as v from "valibot";

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const USER = /^[A-Za-z0-9._~:@!$=+-]{1,128}$/;
const MATRIX_EVENT = /^\$[^\s\0\p{Surrogate}]{1,254}$/u;
const MATRIX_ROOM = /^![^\s\0\p{Surrogate}]{1,254}$/u;
const MATRIX_USER = /^(?=.{4,255}$)@[^\s:\0\p{Surrogate}]+:[A-Za-z0-9.:[\]-]+$/u;
/** `$<base64url of 16 bytes>:server`: the Matrix event id of a message that did not come from Matrix. */
const OWN_MATRIX_EVENT = /^\$([A-Za-z0-9_-]{22}):/;

function uuid(text: string, prefix: RegExp): string | undefined {
  const id = text.replace(prefix, "").toLowerCase();
  return UUID.test(id) ? id : undefined;
}

/** A room id in lower case without `room-`; undefined for an invalid one. CONTRACT section 1, "Room id". */
export const parseRoomId = (text: string): string | undefined => uuid(text, /^room-/);

/**
 * The UUID in any form of a message id: bare, `msg-…`, `evt-…`, or a Matrix event id made of it by `matrixEventId`. An event id
 * of Matrix is returned unchanged (`$…`). Undefined for other text. CONTRACT section 1, "Message id".
 */
export function parseMessageId(text: string): string | undefined {
  if (!isMatrixEventId(text)) return uuid(text, /^(msg|evt)-/);
  const own = OWN_MATRIX_EVENT.exec(text)?.[1];
  if (own !== undefined) return uuidOfBase64(own);
  return MATRIX_EVENT.test(text) ? text : undefined;
}

/** An event id of Matrix. */
export type MatrixEventId = `$${string}`;

/** True for a parsed message id that is an event id of Matrix, false for a UUID. */
export const isMatrixEventId = (messageId: string): messageId is MatrixEventId => messageId.startsWith("$");

/** True for a valid user id. CONTRACT section 1, "User id". */
export const isUserId = (text: string): boolean => USER.test(text);

/** The Matrix event id of a message that did not come from Matrix. CONTRACT section 1, "Matrix event id". */
export function matrixEventId(messageId: string, serverName: string): string {
  const hex = messageId.replaceAll("-", "");
  let base64 = "";
  // Three hex digits make two base64 digits; 32 hex digits are ten times three, and two more.
  for (let at = 0; at < 30; at += 3) base64 += pairOf(Number.parseInt(hex.slice(at, at + 3), 16));
  return `$${base64}${pairOf(Number.parseInt(hex.slice(30), 16) << 4)}:${serverName}`;
}

/** The event id of a message: the one of Matrix, or, for a message that did not come from there, one made of its id. */
export const eventIdOf = (
  { eventId, messageId }: { readonly messageId: string; readonly eventId?: string | null | undefined },
  serverName: string,
): string => eventId ?? matrixEventId(messageId, serverName);

const BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const pairOf = (bits: number): string => BASE64.charAt(bits >> 6) + BASE64.charAt(bits & 63);

function uuidOfBase64(base64: string): string {
  const raw = atob(base64.replaceAll("-", "+").replaceAll("_", "/"));
  const hex = Array.from(raw, (char) => char.charCodeAt(0).toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

function parsed(parse: (text: string) => string | undefined, expected: string) {
  return v.pipe(
    v.string(),
    v.rawTransform(({ dataset, addIssue, NEVER }) => {
      const id = parse(dataset.value);
      if (id !== undefined) return id;
      addIssue({ message: expected });
      return NEVER;
    }),
  );
}

export const roomId = parsed(parseRoomId, "a room id: a UUID");
export const messageId = parsed(parseMessageId, "a message id: a UUID, msg-…, evt-… or $…");
export const reactionId = parsed((text) => uuid(text, /^/), "a reaction id: a UUID");
export const userId = v.pipe(
  v.string(),
  v.regex(USER, "a user id: 1 to 128 characters of A-Z a-z 0-9 . _ ~ : @ ! $ = + -"),
);
/** A Matrix room id, opaque: newer rooms have no domain in their id. */
export const matrixRoomId = v.pipe(v.string(), v.regex(MATRIX_ROOM, "a Matrix room id: !…"));
export const matrixUserId = v.pipe(v.string(), v.regex(MATRIX_USER, "a Matrix user id: @name:server"));
