/** The log of the events of a session, with their latencies. Pure. */
import type { Events } from "@signalbox/client";

/** One event of the SDK under its name. */
export type NamedEvent = { [Name in keyof Events]: { name: Name; event: Events[Name] } }[keyof Events];

/** All events of the SDK. */
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

/** One line of the log. */
export interface Line {
  /** Counts the lines of a session. */
  number: number;
  /** Milliseconds since 1970. */
  at: number;
  /** The event's type on the wire. */
  type: string;
  chatId: string | undefined;
  /** The user that caused the event, or that it is about. */
  userId: string | undefined;
  /** Durable events only. */
  seq: number | undefined;
  /** The name of the gateway. */
  node: string;
  /** See `latencyOf`. */
  latencyMs: number | undefined;
}

export const MAX_LINES = 200;

/** The most own actions without their event. */
const MAX_ACTIONS = 1000;

/** The start times of own actions, until their events arrive. */
export class ActionTimes {
  private readonly times = new Map<string, number>();

  /** `key` is that of `keyOf` for the event. */
  start(key: string, now: number): void {
    const [oldest] = this.times.keys();
    if (this.times.size >= MAX_ACTIONS && oldest !== undefined) this.times.delete(oldest);
    this.times.set(key, now);
  }

  /** The start time of the action of this event; only once. */
  take(key: string | undefined): number | undefined {
    if (key === undefined) return undefined;
    const time = this.times.get(key);
    this.times.delete(key);
    return time;
  }
}

/** The key that an action and its event have in common. */
export function keyOf(event: NamedEvent["event"]): string | undefined {
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
 * The latency in milliseconds: from call to event for own actions, from the server's time to now for events of others, which is as exact
 * as the two clocks agree. Undefined when an event has no time.
 */
export function latencyOf(event: NamedEvent["event"], startedAt: number | undefined, now: number): number | undefined {
  if (startedAt !== undefined) return now - startedAt;
  const time = "timeStamp" in event ? event.timeStamp : "editedAt" in event ? event.editedAt : undefined;
  return time === undefined ? undefined : now - Date.parse(time);
}

/** The line of an event; undefined for `connection`, which is not an event of the server. */
export function lineOf(named: NamedEvent, about: Pick<Line, "number" | "at" | "node" | "latencyMs">): Line | undefined {
  if (named.name === "connection") return undefined;
  const { event } = named;
  return {
    ...about,
    type: event.type,
    chatId: "chatId" in event ? event.chatId : undefined,
    userId: "senderId" in event ? event.senderId : "userId" in event ? event.userId : undefined,
    seq: "seq" in event ? event.seq : undefined,
  };
}
