/** What comes over the wire, told apart. The server is trusted for what is in a frame that it knows. */
import type { Events } from "./events.ts";
import type { Received } from "./ports.ts";

export interface Ready {
  readonly type: "READY";
  readonly userId: string;
  readonly heartbeatMs: number;
  readonly rooms: Record<string, number>;
}
/** Everything that a server says, as far as this version of it goes. */
export type Frame = Received | Ready | { readonly type: "RESUMED" | "PONG" };

/** What handlers know the frames as that reach them as they came. */
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

/** What is handed on; what a later server says besides is passed over. */
const KNOWN: ReadonlySet<string> = new Set([...Object.keys(NAMES), "READ_MSG", "RECEIPTS", "ACK", "ERROR"]);

/** Whether a frame is for others than the connection itself. */
export const isKnown = (frame: Frame): frame is Received => KNOWN.has(frame.type);

/** A frame, or undefined for what is none. */
export function frameOf(text: unknown): Frame | undefined {
  try {
    const frame: unknown = JSON.parse(String(text));
    return typeof frame === "object" && frame !== null && "type" in frame ? (frame as Frame) : undefined;
  } catch {
    return undefined;
  }
}
