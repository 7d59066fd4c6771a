/**
 * Events for a client, under the names of the document "Realtime" and our own (CONTRACT section 4). The interfaces say the same as
 * the protocol's schemas, which `events.test.ts` holds them to; they stand here so that the package's types need no other package.
 */
import type { ErrorCode } from "./errors.ts";

/** What every durable event has. `seq` counts its room's durable events from 1, without a gap. */
interface Durable {
  /** The user whom this connection belongs to. */
  recipientId: string;
  chatId: string;
  /** Who did it. */
  senderId: string;
  seq: number;
}

/** What a message has besides its text: absent are "m.text", no file, no thread. */
interface Kinds {
  messageType?: string | undefined;
  file?: { filename: string | null; mime_type: string | null; size: number | null; mxc_uri: string | null } | undefined;
  threadRootEventId?: string | undefined;
  /** The Matrix event id, when Matrix gave it one. */
  eventId?: string | undefined;
}

/** What a message has whose sender chose an id for it, or named somebody. */
interface Sent {
  clientMessageId?: string | undefined;
  mentions?: string[] | undefined;
}

/** A new message. */
export interface MessageSent extends Durable, Kinds, Sent {
  type: "SEND_MSG";
  timeStamp: string;
  message: string;
  messageId: string;
}

/** Another text for a message; what it says of the message holds from then on. */
export interface MessageEdited extends Durable, Kinds {
  type: "EDIT_MSG";
  message: string;
  messageId: string;
  editedAt: string;
}

export interface MessageDeleted extends Durable {
  type: "DELETE_MSG";
  messageId: string;
  timeStamp: string;
  eventId?: string | undefined;
}

/** The message that a reply answers, as it was then. */
export interface Original {
  chatId: string;
  timeStamp: string;
  messageId: string;
  senderId: string;
  content: string;
  edited: boolean;
  editedAt: string | null;
}

/** A new message that answers another. */
export interface MessageReplied extends Durable, Kinds, Sent {
  type: "REPLY";
  messageId: string;
  message: string;
  replyTo: Original;
  timeStamp: string;
}

export interface ReactionAdded extends Durable {
  type: "REACT";
  /** The reaction's own id. */
  messageId: string;
  /** The reaction. */
  message: string;
  /** The message that it is to. */
  parentMessageId: string;
  timeStamp: string;
  eventId?: string | undefined;
}

export interface ReactionRemoved extends Durable {
  type: "DELETE_REACT";
  /** The reaction's own id. */
  messageId: string;
  parentMessageId: string;
  eventId?: string | undefined;
}

export interface UserJoined extends Durable {
  type: "USER_JOIN";
  /** The id of who joined; `senderId` added them. */
  message: string;
  username: string;
}

export interface UserLeft extends Durable {
  type: "USER_LEAVE";
  /** A sentence about it. */
  message: string;
  timeStamp: string;
}

export interface ChatCreated extends Durable {
  type: "NEW_CHAT";
  timeStamp: string;
  /** The chat's name. */
  message: string;
}

export interface ChatDeleted extends Durable {
  type: "DELETE_CHAT";
}

/** Something of the room besides its messages is different: "room", "members", "engagement", "plan", "active_sidekicks" or "active_call". */
export interface RoomStateChanged {
  type: "ROOM_STATE";
  chatId: string;
  changed: string[];
  seq: number;
}

export type DurableEvent =
  | MessageSent
  | MessageEdited
  | MessageDeleted
  | MessageReplied
  | ReactionAdded
  | ReactionRemoved
  | UserJoined
  | UserLeft
  | ChatCreated
  | ChatDeleted
  | RoomStateChanged;

/** Somebody began to type. */
export interface TypingStarted {
  type: "TYPING";
  recipientId: string;
  chatId: string;
  senderId: string;
}

export interface TypingStopped {
  type: "STOP_TYPING";
  chatId: string;
  senderId: string;
}

/** `senderId` has read everything up to this message. */
export interface MessageRead {
  type: "READ_MSG";
  recipientId: string;
  chatId: string;
  senderId: string;
  messageId: string;
  timeStamp: string;
  eventId?: string | undefined;
}

/** What a person may choose to be. */
export type Choice = "online" | "idle" | "busy" | "appear_offline";
/** What a person is; `appear_offline` is only ever told to its owner. */
export type Status = Choice | "offline";

export interface PresenceChanged {
  type: "PRESENCE";
  userId: string;
  status: Status;
  lastActiveAt: string | null;
}

/** A message names the user, or there is something unread. */
export interface Notification {
  type: "NOTIFICATION";
  kind: "mention" | "unread";
  chatId: string;
  messageId: string;
  unreadCount: number;
  mentionCount: number;
}

/** The user's own marker was moved, on this device or another. */
export interface MarkerMoved {
  type: "MARKER";
  chatId: string;
  messageId: string;
}

/**
 * What the connection does. `connecting`: a socket is being opened, or catches up; `live`: everything arrives as it happens; `waiting`: it
 * tries again in `retryInMs`; `stopped`: it stays down until `connect()` is called, because of `code` when there is one; `idle`: after `disconnect()`.
 */
export interface ConnectionChanged {
  state: "idle" | "connecting" | "live" | "waiting" | "stopped";
  /** With `waiting`, in milliseconds. */
  retryInMs?: number;
  /** Why it went down: the socket's close code, 1006 when it was dead, or what is wrong with the token. */
  code?: number | ErrorCode;
}

/**
 * Events of a chat were missed, since they are no longer kept, or since it became the user's while there was no connection (`too_old`: load
 * its messages and state); or it is not the user's any more (`not_member`: forget it). Events go on after `seq`.
 */
export interface Reset {
  type: "RESET";
  chatId: string;
  reason: "too_old" | "not_member";
  seq: number;
}

/** Every event by its name. */
export interface Events {
  message: MessageSent;
  messageEdited: MessageEdited;
  messageDeleted: MessageDeleted;
  reply: MessageReplied;
  typing: TypingStarted;
  reaction: ReactionAdded;
  reactionDeleted: ReactionRemoved;
  messageRead: MessageRead;
  userJoined: UserJoined;
  userLeft: UserLeft;
  chatCreated: ChatCreated;
  chatDeleted: ChatDeleted;
  presence: PresenceChanged;
  stopTyping: TypingStopped;
  notification: Notification;
  marker: MarkerMoved;
  roomState: RoomStateChanged;
  connection: ConnectionChanged;
  reset: Reset;
}
