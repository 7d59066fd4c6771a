import type { Bytes } from "@signalbox/core/model/bytes";
import { isAddressed, RECIPIENT } from "@signalbox/protocol/encode";

/** Heads of frames up to this length are kept: most messages have a few hundred bytes. */
const KEPT = 4096;
const heads: Bytes[] = [];

/** The bytes of an addressed frame besides its body and its recipient's id, at most. */
export const FRAME_OVERHEAD = 10 + RECIPIENT.length + 1;

/**
 * A WebSocket text frame of a server (RFC 6455 section 5.2: final, text, not masked), as a one-byte string: frames of one
 * session are joined and leave in one write, at a cost that does not depend on their number.
 */
export const textFrame = (payload: Bytes): Bytes => header(payload.length) + payload;

/** The frame of an event or signal for `userId`: only its head and the id are made for each recipient. */
export function addressedFrame(body: Bytes, userId: string): Bytes {
  if (!isAddressed(body)) return textFrame(`{${body}`);
  return `${head(RECIPIENT.length + userId.length + 1 + body.length)}${userId}"${body}`;
}

/** A frame's header, and the beginning of its JSON up to the recipient's id. */
function head(length: number): Bytes {
  if (length >= KEPT) return header(length) + RECIPIENT;
  heads[length] ??= header(length) + RECIPIENT;
  return heads[length];
}

function header(length: number): Bytes {
  if (length < 126) return `\x81${String.fromCharCode(length)}`;
  if (length < 65_536) return `\x81\x7e${String.fromCharCode(length >> 8, length & 255)}`;
  const low = String.fromCharCode(length >>> 24, (length >> 16) & 255, (length >> 8) & 255, length & 255);
  return `\x81\x7f\0\0\0\0${low}`;
}
