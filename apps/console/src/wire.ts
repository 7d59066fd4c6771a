/** The live wire: what arrives, as it arrives. Pure. */
import type { Events } from "@signalbox/client";

/** One event of the SDK under its name. */
export type Heard = { [Name in keyof Events]: { name: Name; event: Events[Name] } }[keyof Events];

/** All of them. */
export const EVENT_NAMES: readonly (keyof Events)[] = [
  "message",
  "messageEdited",
  "messageDeleted",
  "reply",
  "typing",
  "reaction",
  "reactionDeleted",
  "messageRead",
  "userJoined",
  "userLeft",
  "chatCreated",
  "chatDeleted",
  "presence",
  "stopTyping",
  "notification",
  "marker",
  "roomState",
  "connection",
  "reset",
];

/** One line of the wire. */
export interface Line {
  /** Counts the lines of a session. */
  number: number;
  /** Milliseconds since 1970. */
  at: number;
  /** The event's type on the wire. */
  type: string;
  chatId: string | undefined;
  /** Who did it, or whom it is about. */
  userId: string | undefined;
  /** Of durable events only. */
  seq: number | undefined;
  /** The gateway that it came from. */
  node: string;
  /** See `latencyOf`. */
  latencyMs: number | undefined;
}

export const LINES_MAX = 200;

/** How many of one's own actions may be without their event. */
const CALLS_MAX = 1000;

/** When the person's own actions were called, until their events come. */
export class Calls {
  private readonly times = new Map<string, number>();

  /** `key` as `keyOf` makes it of the event. */
  called(key: string, now: number): void {
    const [oldest] = this.times.keys();
    if (this.times.size >= CALLS_MAX && oldest !== undefined) this.times.delete(oldest);
    this.times.set(key, now);
  }

  /** When the action of this event was called, once. */
  take(key: string | undefined): number | undefined {
    if (key === undefined) return undefined;
    const time = this.times.get(key);
    this.times.delete(key);
    return time;
  }
}

/** What an action and its event have in common. */
export function keyOf(event: Heard["event"]): string | undefined {
  if (!("type" in event)) return undefined;
  switch (event.type) {
    case "SEND_MSG":
    case "REPLY":
      return event.clientMessageId;
    case "REACT":
      return `REACT ${event.parentMessageId} ${event.message}`;
    case "EDIT_MSG":
    case "DELETE_MSG":
    case "DELETE_REACT":
      return `${event.type} ${event.messageId}`;
    default:
      return undefined;
  }
}

/**
 * How long it took in milliseconds: for one's own actions from the call to the event, for others' from the server's time to now,
 * which is only as good as the two clocks agree. Undefined when an event says no time.
 */
export function latencyOf(event: Heard["event"], called: number | undefined, now: number): number | undefined {
  if (called !== undefined) return now - called;
  const time = "timeStamp" in event ? event.timeStamp : "editedAt" in event ? event.editedAt : undefined;
  return time === undefined ? undefined : now - Date.parse(time);
}

/** The line of an event; undefined for those of the connection, which did not come over the wire. */
export function lineOf(heard: Heard, about: Pick<Line, "number" | "at" | "node" | "latencyMs">): Line | undefined {
  if (heard.name === "connection") return undefined;
  const { event } = heard;
  return {
    ...about,
    type: event.type,
    chatId: "chatId" in event ? event.chatId : undefined,
    userId: "senderId" in event ? event.senderId : "userId" in event ? event.userId : undefined,
    seq: "seq" in event ? event.seq : undefined,
  };
}
