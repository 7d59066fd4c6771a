/** The frames of the wire, by their types. The fields of a known frame are trusted. */
import type { Cursor } from "./cursors.ts";
import type { Events } from "./events.ts";
import type { Received } from "./ports.ts";

export interface Ready {
  readonly type: "READY";
  readonly userId: string;
  readonly heartbeatMs: number;
  readonly rooms: Record<string, Cursor>;
}
/** All frames of the server that this version knows. */
export type Frame = Received | Ready | { readonly type: "RESUMED" | "PONG" };

/** The events that handlers receive as they came, by the type of their frame. */
export const NAMES = {
  SEND_MSG: "message",
  EDIT_MSG: "messageEdited",
  DELETE_MSG: "messageDeleted",
  REPLY: "reply",
  TYPING: "typing",
  REACT: "reaction",
  DELETE_REACT: "reactionDeleted",
  USER_JOIN: "userJoined",
  USER_LEAVE: "userLeft",
  NEW_CHAT: "chatCreated",
  DELETE_CHAT: "chatDeleted",
  PRESENCE: "presence",
  STOP_TYPING: "stopTyping",
  NOTIFICATION: "notification",
  MARKER: "marker",
  ROOM_STATE: "roomState",
  RESET: "reset",
} as const satisfies Record<Exclude<Received["type"], "ACK" | "ERROR" | "READ_MSG" | "RECEIPTS">, keyof Events>;

const KNOWN: ReadonlySet<string> = new Set([...Object.keys(NAMES), "READ_MSG", "RECEIPTS", "ACK", "ERROR"]);

/** True for a frame that the connection passes on; false for its own frames, and for those that only a later server knows. */
export const isKnown = (frame: Frame): frame is Received => KNOWN.has(frame.type);

/** A frame, or undefined when the text is none. */
export function frameOf(text: unknown): Frame | undefined {
  try {
    const frame: unknown = JSON.parse(String(text));
    return typeof frame === "object" && frame !== null && "type" in frame ? (frame as Frame) : undefined;
  } catch {
    return undefined;
  }
}
