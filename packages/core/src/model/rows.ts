/** The rows of the store, as commands read and write them. */
import type { Attachment, EventType } from "@signalbox/protocol/down";
import type { Role } from "@signalbox/protocol/http";
import type { Choice } from "@signalbox/protocol/presence";
import type { Bytes } from "./bytes.ts";
import type { OutboxRow } from "./outbox.ts";

export interface RoomRow {
  readonly roomId: string;
  readonly name: string;
  readonly metadata: Record<string, unknown>;
  readonly createdBy: string;
  readonly createdAt: Date;
  readonly lastSeq: number;
  /** The mark of the event at `lastSeq`; 0 before the first one. */
  readonly lastMark: number;
  readonly memberCount: number;
  /** The number of messages ever sent, deleted ones included. */
  readonly messageCount: number;
  readonly deletedAt: Date | null;
  /** Null for a room that is not bridged. */
  readonly matrixRoomId: string | null;
}

/** A membership; `leftSeq` is the seq of the USER_LEAVE that ended it. The row stays, so that a return goes on from it. */
export interface MemberRow {
  readonly roomId: string;
  readonly userId: string;
  readonly role: Role;
  readonly joinedAt: Date;
  readonly joinedSeq: number;
  /** The seq of the user's first join of all: events before it are not replayed to them. */
  readonly firstSeq: number;
  readonly leftSeq: number | null;
}

/** A message as it is now. `seq` orders messages: it is the seq of the event that created it. */
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
  /** The ids of users in the author's list of mentions, as given. */
  readonly mentions: readonly string[] | null;
  /** The ids of members that its text names by `@name`. */
  readonly textMentions: readonly string[] | null;
  /** The `msgtype` of Matrix, "m.text" for a native message; "m.room.encrypted" when the text is unknown here. */
  readonly type: string;
  readonly file: Attachment | null;
  /** The Matrix event id of the first message of its thread. */
  readonly threadRoot: string | null;
  /** Its event id in Matrix; null for a message that did not come from Matrix. */
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
  /** "" when removed. */
  readonly reaction: string;
  readonly seq: number;
  readonly sentAt: Date;
  readonly removedSeq: number | null;
  /** As of a message. */
  readonly eventId: string | null;
}

/**
 * The last message that a user has read. `stampSeq` is the room's seq when the row changed: a resume sends the receipts
 * stamped at or after its cursor. While a user appears offline, a second, hidden row moves on, for their own sessions
 * alone; when they show themselves, it replaces the visible one.
 */
export interface ReceiptRow {
  readonly roomId: string;
  readonly userId: string;
  readonly hidden: boolean;
  /** A private receipt of Matrix: a third row, hidden for good, also while the user is visible. `hidden` is true as well. */
  readonly private: boolean;
  readonly messageId: string;
  /** The event id of the message. */
  readonly eventId: string | null;
  readonly messageSeq: number;
  /** The `ordinal` of the message. */
  readonly messageOrdinal: number;
  readonly readAt: Date;
  readonly stampSeq: number;
}

/** A receipt as sessions receive it; of two, the one with the higher `messageSeq` is the newer. */
export type Receipt = Pick<ReceiptRow, "userId" | "messageId" | "eventId" | "messageSeq" | "readAt">;

export interface UserRow {
  readonly userId: string;
  readonly name: string | null;
  /** Tokens issued until then are refused. */
  readonly revokedAt: Date | null;
  /** The last choice of a status: "online" before the first. */
  readonly choice: Choice;
  /** The number of choices so far. */
  readonly choiceVersion: number;
  /** The last activity before the user last went offline. */
  readonly activeAt: Date | null;
  /** The user's id in Matrix; null without one. */
  readonly matrixUserId: string | null;
}

/** The message up to which a user has scrolled: private, and may move backwards. */
export interface MarkerRow {
  readonly roomId: string;
  readonly userId: string;
  readonly messageId: string;
}

/** A section of a room's state. `section`: "engagement", "plan", "call", or "sidekick <id>". */
export interface RoomSectionRow {
  readonly roomId: string;
  readonly section: string;
  /** Null for a section that is not there, or no longer. */
  readonly body: Record<string, unknown> | null;
}

/** The parts of a message for notifications. They travel beside the encoded event, so that no node decodes it. */
export interface MessageRef {
  readonly messageId: string;
  /** Its event id in Matrix; null for a message that did not come from Matrix. */
  readonly eventId: string | null;
  /** The users that the message mentions. */
  readonly mentions: readonly string[];
}

/** A durable event: a small header that nodes read, and a body that they forward. */
export interface EventRow {
  readonly roomId: string;
  readonly seq: number;
  /** Tells the event from the one that another history of the room has at this seq: random, below 2^31. */
  readonly mark: number;
  /** The mark of the event before it; 0 for the first one. */
  readonly prev: number;
  readonly type: EventType;
  /** The subject of a USER_JOIN or USER_LEAVE; the sender of any other event. */
  readonly userId: string;
  /** The encoded event, see `encodeBody` of the protocol. */
  readonly body: Bytes;
  /** The message of a SEND_MSG or REPLY. */
  readonly message?: MessageRef;
}

/** The end of a room's history: its last event. */
export interface Head {
  readonly seq: number;
  readonly mark: number;
}

/**
 * An event as the store keeps it, without anything that other rows hold: a text that is taken back there is in no event. The
 * body is made of those rows whenever the event is read (`model/stored-events.ts`).
 */
export interface StoredEvent extends Omit<EventRow, "body" | "message"> {
  /** The message or the reaction that it is about; null for other events. */
  readonly subjectId: string | null;
  readonly details: EventDetails;
  /** The time of its commit. */
  readonly at: Date;
}

/** The parts of an event that no row holds. */
export interface EventDetails {
  /** The user that added the member of a USER_JOIN. */
  readonly senderId?: string;
  /** The time of an EDIT_MSG, NEW_CHAT or USER_LEAVE. */
  readonly timeStamp?: string;
  /** The member of a USER_LEAVE was removed by another user. */
  readonly removed?: true;
  /** The changed parts of a ROOM_STATE. */
  readonly changed?: readonly string[];
}

/** The part of a message that an edit replaces. */
export type Revision = Pick<MessageRow, "content" | "type" | "file" | "mentions">;

/**
 * An event of a bridged room. The row ensures that the event is applied once, and leads from its id to the message or reaction
 * that it became. An event that came before its target waits here.
 */
export interface MatrixRow {
  readonly roomId: string;
  readonly eventId: string;
  readonly kind: "message" | "edit" | "reaction" | "redaction" | "other";
  /** The id of the event that it edits, reacts to or redacts. */
  readonly targetId: string | null;
  /** The id of the message or reaction that it became; null for other kinds, and while its target is missing. */
  readonly subjectId: string | null;
  readonly senderId: string;
  readonly sentAt: Date;
  /**
   * Of an edit its content; of an edited message its first content; of a reaction that waits its key, as content, and its id, as
   * type.
   */
  readonly revision: Revision | null;
  readonly redacted: boolean;
  /** The room's seq when the event came: a receipt for the event covers the messages up to it. */
  readonly seq: number;
}

/** The rows that a transaction has read, or writes. */
export interface Rows {
  readonly rooms: readonly RoomRow[];
  readonly members: readonly MemberRow[];
  readonly messages: readonly MessageRow[];
  readonly reactions: readonly ReactionRow[];
  readonly receipts: readonly ReceiptRow[];
  readonly users: readonly UserRow[];
  /** New events; none is read. */
  readonly events: readonly StoredEvent[];
  /** The marks of kept events about the messages and reactions that were read, for the answers to repeats; never written. */
  readonly marks: readonly Pick<StoredEvent, "roomId" | "seq" | "mark">[];
  readonly markers: readonly MarkerRow[];
  readonly sections: readonly RoomSectionRow[];
  readonly matrix: readonly MatrixRow[];
  /** Written, never read: one for a transaction that publishes something durable. */
  readonly outbox: readonly OutboxRow[];
  /** The result of `ReadSet.writes`; never written. */
  readonly writes: readonly MatrixWrite[];
  /** The result of `ReadSet.names`; never written. */
  readonly named: readonly { readonly roomId: string; readonly name: string; readonly userId: string }[];
  /** The result of `ReadSet.lastMessagesAtEvents`; never written. The messages themselves are among `messages`. */
  readonly lastMessagesAtEvents: readonly {
    readonly roomId: string;
    readonly eventId: string;
    readonly messageId: string;
  }[];
}

/** No rows of any kind: the rows of a group that reads or writes none. */
export const NO_ROWS: Rows = {
  rooms: [],
  members: [],
  messages: [],
  reactions: [],
  receipts: [],
  users: [],
  events: [],
  marks: [],
  markers: [],
  sections: [],
  matrix: [],
  outbox: [],
  writes: [],
  named: [],
  lastMessagesAtEvents: [],
};

/** A send on its way to the homeserver; its echo may have this client id. */
export interface MatrixWrite {
  readonly roomId: string;
  readonly senderId: string;
  readonly clientMessageId: string;
}

/** The rows that a transaction reads. Every room that any part names is locked. */
export interface ReadSet {
  readonly rooms: readonly string[];
  readonly members: readonly { readonly roomId: string; readonly userId: string }[];
  /** Messages, each with the message that it answers. */
  readonly messages: readonly { readonly roomId: string; readonly messageId: string }[];
  /** Earlier sends with the same client id, each with the message that it answers. */
  readonly repeats: readonly { readonly roomId: string; readonly senderId: string; readonly clientMessageId: string }[];
  /** Reactions that are not removed. */
  readonly activeReactions: readonly {
    readonly roomId: string;
    readonly messageId: string;
    readonly senderId: string;
    readonly reaction: string;
  }[];
  /** Reactions by id, in any room; their rooms are locked too, and their messages and the memberships of `userId` read. */
  readonly reactions: readonly { readonly reactionId: string; readonly userId: string }[];
  /** Receipts, visible and hidden ones. */
  readonly receipts: readonly { readonly roomId: string; readonly userId: string }[];
  readonly users: readonly string[];
  readonly sections: readonly { readonly roomId: string; readonly section: string }[];
  /** Members that are the only ones of their room with this name. */
  readonly names: readonly { readonly roomId: string; readonly name: string }[];
  /**
   * Known events of Matrix. With each come its target, the edits and redactions of both, the reactions to both that wait, and the
   * messages (with the ones that they answer) and reactions that all of these became.
   */
  readonly matrix: readonly { readonly roomId: string; readonly eventId: string }[];
  /** Sends, as far as they are under way to the homeserver. */
  readonly writes: readonly MatrixWrite[];
  /** The room's last message at the time of this Matrix event; for an event that has not come yet, the last one of all. */
  readonly lastMessagesAtEvents: readonly { readonly roomId: string; readonly eventId: string }[];
  /** As `activeReactions`, for a message of which only the Matrix event id is known. */
  readonly annotated: readonly {
    readonly roomId: string;
    readonly eventId: string;
    readonly senderId: string;
    readonly reaction: string;
  }[];
}
