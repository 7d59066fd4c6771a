/** The rows of the store: what a group of changes reads, decides by and writes. */
import type { EventType } from "@signalbox/protocol/down";
import type { Role } from "@signalbox/protocol/http";
import type { Choice } from "@signalbox/protocol/presence";
import type { Bytes } from "./bytes.ts";

export interface RoomRow {
  readonly roomId: string;
  readonly name: string;
  readonly metadata: Record<string, unknown>;
  readonly createdBy: string;
  readonly createdAt: Date;
  readonly lastSeq: number;
  readonly memberCount: number;
  /** Messages that were ever sent, deleted ones included. */
  readonly messageCount: number;
  readonly deletedAt: Date | null;
  /** Null: not bridged. */
  readonly matrixRoomId: string | null;
}

/** A membership; `leftSeq` is the seq of the USER_LEAVE that ended it. The row stays, so that the end can be seen by asking what changed. */
export interface MemberRow {
  readonly roomId: string;
  readonly userId: string;
  readonly role: Role;
  readonly joinedAt: Date;
  readonly joinedSeq: number;
  readonly leftSeq: number | null;
}

/** A file that a message brings, as projections print it. */
export interface Attachment {
  readonly filename: string | null;
  readonly mime_type: string | null;
  /** In bytes. */
  readonly size: number | null;
  readonly mxc_uri: string | null;
}

/** A message as it is now. `seq` orders messages: it is the seq of the event that made it. */
export interface MessageRow {
  readonly roomId: string;
  readonly seq: number;
  /** Counts the room's messages from 1. */
  readonly ordinal: number;
  readonly messageId: string;
  readonly senderId: string;
  /** "" when deleted. */
  readonly content: string;
  readonly sentAt: Date;
  readonly clientMessageId: string | null;
  readonly replyTo: string | null;
  /** Whom its author named, as given. */
  readonly mentions: readonly string[] | null;
  /** Whom its text names by `@name`. */
  readonly textMentions: readonly string[] | null;
  /** "m.text" unless Matrix says otherwise; "m.room.encrypted" when its text is not ours to read. */
  readonly type: string;
  readonly file: Attachment | null;
  /** The Matrix event id that its thread began with. */
  readonly threadRoot: string | null;
  /** The event id that Matrix gave it; null: it did not come from Matrix. */
  readonly eventId: string | null;
  readonly editSeq: number | null;
  readonly editedAt: Date | null;
  readonly deleteSeq: number | null;
  readonly deletedAt: Date | null;
  readonly deletedBy: string | null;
}

/** A reaction; a removed one keeps its row, so that removing it again gives the same answer. */
export interface ReactionRow {
  readonly roomId: string;
  readonly messageId: string;
  readonly reactionId: string;
  readonly senderId: string;
  readonly reaction: string;
  readonly seq: number;
  readonly sentAt: Date;
  readonly removedSeq: number | null;
  /** As of a message. */
  readonly eventId: string | null;
}

/**
 * How far a user has read. `stampSeq` is the room's seq when it changed: a resume sends those stamped at or after its cursor.
 * Whoever appears offline reads on in a second, hidden row, which is for their own sessions alone and ahead of the other;
 * when they show themselves it takes the other's place.
 */
export interface ReceiptRow {
  readonly roomId: string;
  readonly userId: string;
  readonly hidden: boolean;
  /** Read in private, which is Matrix's word: hidden for good, whatever the user shows of themselves. A third row, which is `hidden` too. */
  readonly private: boolean;
  readonly messageId: string;
  /** The message's. */
  readonly eventId: string | null;
  readonly messageSeq: number;
  /** The message's `place`. */
  readonly messageOrdinal: number;
  readonly readAt: Date;
  readonly stampSeq: number;
}

/** A receipt as sessions receive it, and `messageSeq`, which tells the newer of two. */
export type Receipt = Pick<ReceiptRow, "userId" | "messageId" | "eventId" | "messageSeq" | "readAt">;

export interface UserRow {
  readonly userId: string;
  readonly name: string | null;
  /** Tokens issued until then are refused. */
  readonly revokedAt: Date | null;
  /** What they chose last: "online" before they ever did. */
  readonly choice: Choice;
  /** Counts their choices. */
  readonly choiceVersion: number;
  /** When they were last active before they were last seen going offline. */
  readonly activeAt: Date | null;
  /** Who they are in Matrix. */
  readonly matrixUserId: string | null;
}

/** Up to where a user has scrolled: private, and may move backwards. */
export interface MarkerRow {
  readonly roomId: string;
  readonly userId: string;
  readonly messageId: string;
}

/** A part of a room's state. `part`: "engagement", "plan", "call", or "sidekick <id>". */
export interface RoomSectionRow {
  readonly roomId: string;
  readonly section: string;
  /** Null: there is none (any more). */
  readonly body: Record<string, unknown> | null;
}

/** What a notification says of a message. It travels beside the encoded event, so that no node decodes that. */
export interface MessageRef {
  readonly messageId: string;
  /** The event id that Matrix gave it; null: it did not come from Matrix. */
  readonly eventId: string | null;
  /** The users that the message mentions. */
  readonly mentions: readonly string[];
}

/** A durable event: a small header that nodes read, and a body that they forward. */
export interface EventRow {
  readonly roomId: string;
  readonly seq: number;
  readonly type: EventType;
  /** Whom a USER_JOIN or USER_LEAVE is about; else who did it. */
  readonly userId: string;
  /** The encoded event, see `encodeBody` of the protocol. */
  readonly body: Bytes;
  /** Of a SEND_MSG or REPLY, unless it was read from the store. */
  readonly message?: MessageRef;
}

/** What an edit puts in a message's place. */
export type Revision = Pick<MessageRow, "content" | "type" | "file" | "mentions">;

/**
 * An event of a bridged room, kept so that it is taken once, and so that what refers to it finds what it became. One whose
 * target has not come yet waits here for it.
 */
export interface MatrixRow {
  readonly roomId: string;
  readonly eventId: string;
  readonly kind: "message" | "edit" | "reaction" | "redaction" | "other";
  /** The event that it edits, reacts to or redacts. */
  readonly targetId: string | null;
  /** The message or reaction that it became; null for other kinds, and while its target is not there. */
  readonly subjectId: string | null;
  readonly senderId: string;
  readonly sentAt: Date;
  /** What an edit says; of a message what it said first, once it is edited; of a reaction that waits, its key as content and its id as type. */
  readonly revision: Revision | null;
  readonly redacted: boolean;
  /** The room's seq when it came: what was read up to it. */
  readonly seq: number;
}

/** The rows that a group of changes needs to know, or wants to be written. */
export interface Rows {
  readonly rooms: readonly RoomRow[];
  readonly members: readonly MemberRow[];
  readonly messages: readonly MessageRow[];
  readonly reactions: readonly ReactionRow[];
  readonly receipts: readonly ReceiptRow[];
  readonly users: readonly UserRow[];
  readonly events: readonly EventRow[];
  readonly markers: readonly MarkerRow[];
  readonly sections: readonly RoomSectionRow[];
  readonly matrix: readonly MatrixRow[];
  /** Answers to `Needs.writes`; never written. */
  readonly writes: readonly MatrixWrite[];
  /** Answers to `Needs.names`; never written. */
  readonly named: readonly { readonly roomId: string; readonly name: string; readonly userId: string }[];
  /** Answers to `Needs.upTo`; never written. The messages are among `messages`. */
  readonly lastMessagesAtEvents: readonly {
    readonly roomId: string;
    readonly eventId: string;
    readonly messageId: string;
  }[];
}

/** No rows of any kind: given to a group that reads nothing, returned by one that writes nothing. */
export const NO_ROWS: Rows = {
  rooms: [],
  members: [],
  messages: [],
  reactions: [],
  receipts: [],
  users: [],
  events: [],
  markers: [],
  sections: [],
  matrix: [],
  writes: [],
  named: [],
  lastMessagesAtEvents: [],
};

/** A send on its way to the homeserver: its echo may carry this client id. */
export interface MatrixWrite {
  readonly roomId: string;
  readonly senderId: string;
  readonly clientMessageId: string;
}

/** Which rows a group of changes needs. Every room named anywhere is locked. */
export interface ReadSet {
  readonly rooms: readonly string[];
  readonly members: readonly { readonly roomId: string; readonly userId: string }[];
  /** Each with the message that it answers. */
  readonly messages: readonly { readonly roomId: string; readonly messageId: string }[];
  /** Earlier sends with the same client id, each with the event that it made, or, when that is no longer kept, with the message that it answers. */
  readonly repeats: readonly { readonly roomId: string; readonly senderId: string; readonly clientMessageId: string }[];
  /** Reactions that stand (are not removed). */
  readonly activeReactions: readonly {
    readonly roomId: string;
    readonly messageId: string;
    readonly senderId: string;
    readonly reaction: string;
  }[];
  /** Reactions by their id, wherever they are; their rooms are locked too, and their messages and the actors' memberships loaded. */
  readonly reactions: readonly { readonly reactionId: string; readonly userId: string }[];
  /** Both rows of each, as far as they are there. */
  readonly receipts: readonly { readonly roomId: string; readonly userId: string }[];
  readonly users: readonly string[];
  readonly sections: readonly { readonly roomId: string; readonly section: string }[];
  /** Members of the room who alone have this name there. */
  readonly names: readonly { readonly roomId: string; readonly name: string }[];
  /**
   * Events of Matrix, as far as they came: each with its target, with the edits and redactions of both, with the reactions to them that
   * wait, and with the messages (and those that they answer) and reactions that all of these became.
   */
  readonly matrix: readonly { readonly roomId: string; readonly eventId: string }[];
  /** Those of these sends that are under way. */
  readonly writes: readonly MatrixWrite[];
  /** The last message that had come when this event of Matrix came; for one that has not come yet, the room's last. */
  readonly lastMessagesAtEvents: readonly { readonly roomId: string; readonly eventId: string }[];
  /** As `standing`, where the message is only known by its event of Matrix. */
  readonly annotated: readonly {
    readonly roomId: string;
    readonly eventId: string;
    readonly senderId: string;
    readonly reaction: string;
  }[];
}
