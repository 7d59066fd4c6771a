/**
 * The events of a client, named as in the document "Realtime" and CONTRACT section 4. The interfaces equal the protocol's schemas
 * (`events.test.ts` compares them); they are declared here so that the package's types need no other package.
 */
import type { ErrorCode } from "./errors.ts";

/**
 * The fields of every durable event. `seq` counts its room's durable events from 1, without a gap; `mark` tells the event from
 * another with its seq, after the server lost events.
 */
interface Durable {
  /** The user of this connection. */
  recipientId: string;
  chatId: string;
  /** The user that caused it. */
  senderId: string;
  seq: number;
  mark?: string | undefined;
}

/** Fields of a message besides its text. Absent, they mean "m.text", no file, no thread. */
interface Kinds {
  messageType?: string | undefined;
  file?: { filename: string | null; mime_type: string | null; size: number | null; mxc_uri: string | null } | undefined;
  threadRootEventId?: string | undefined;
  /** The Matrix event id, when Matrix gave it one. */
  eventId?: string | undefined;
}

/** Fields of a new message: the id that its sender chose, and the users that it mentions. */
interface Sent {
  clientMessageId?: string | undefined;
  mentions?: string[] | undefined;
  /** Present on a missed message that was deleted meanwhile: its text is empty. */
  deleted?: true | undefined;
}

/** A new message. */
export interface MessageSent extends Durable, Kinds, Sent {
  type: "SEND_MSG";
  timeStamp: string;
  message: string;
  messageId: string;
}

/** Another text for a message. Its other fields replace those of the message, too. */
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

/** The message that a reply answers, as it was at that time. */
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
  /** The message that it was added to. */
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
  /** The id of the user that joined; `senderId` added them. */
  message: string;
  username: string;
}

export interface UserLeft extends Durable {
  type: "USER_LEAVE";
  /** A sentence about it, in English. */
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

/** Parts of the room's state changed: "room", "members", "engagement", "plan", "active_sidekicks" or "active_call". */
export interface RoomStateChanged {
  type: "ROOM_STATE";
  chatId: string;
  changed: string[];
  seq: number;
  mark?: string | undefined;
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

/** A user began to type. */
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

/** `senderId` has read all messages up to this one. */
export interface MessageRead {
  type: "READ_MSG";
  recipientId: string;
  chatId: string;
  senderId: string;
  messageId: string;
  timeStamp: string;
  eventId?: string | undefined;
}

/** A status that a user can choose. */
export type Choice = "online" | "idle" | "busy" | "appear_offline";
/** The status of a user; only the user sees their own `appear_offline`. */
export type Status = Choice | "offline";

export interface PresenceChanged {
  type: "PRESENCE";
  userId: string;
  status: Status;
  lastActiveAt: string | null;
}

/** A message mentions the user, or the user has unread messages. */
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
 * The state of the connection. `connecting`: a socket is being opened, or missed events arrive; `live`: events arrive as they happen;
 * `waiting`: the next attempt is in `retryInMs`; `stopped`: there are no more attempts until `connect()`; `idle`: after `disconnect()`.
 */
export interface ConnectionChanged {
  state: "idle" | "connecting" | "live" | "waiting" | "stopped";
  /** With `waiting`, in milliseconds. */
  retryInMs?: number;
  /** The reason of the last change: the socket's close code (1006 when it was dead), or an error code when the token failed. */
  code?: number | ErrorCode;
}

/**
 * Events of a chat are lost to this client. `too_old`: they are no longer kept, or the user entered the chat without a connection, so load
 * its messages and state. `diverged`: the server lost events that this client has, so load them instead of what is there.
 * `not_member`: the chat is no longer the user's, so forget it. Events go on after `seq`, the seq in `cursor`.
 */
export interface Reset {
  type: "RESET";
  chatId: string;
  reason: "too_old" | "not_member" | "diverged";
  seq: number;
  cursor: string;
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
