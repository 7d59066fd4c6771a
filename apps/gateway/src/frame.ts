import type { Bytes } from "@signalbox/core/ports";

/**
 * A WebSocket text frame as a server sends it (RFC 6455 section 5.2: final, text, not masked), as a one-byte string: frames
 * of one session are joined and leave in one write, whose cost does not depend on how many they are.
 */
export function textFrame(payload: Bytes): Bytes {
  const { length } = payload;
  if (length < 126) return `\x81${String.fromCharCode(length)}${payload}`;
  if (length < 65_536) return `\x81\x7e${String.fromCharCode(length >> 8, length & 255)}${payload}`;
  const low = String.fromCharCode(length >>> 24, (length >> 16) & 255, (length >> 8) & 255, length & 255);
  return `\x81\x7f\0\0\0\0${low}${payload}`;
}
