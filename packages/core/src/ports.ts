/** What core needs of the world. An implementation keeps every promise written here; `test/conformance` holds each of them to it. */
import type { EventType, Original } from "@signalbox/protocol/down";
import type { Role } from "@signalbox/protocol/http";
import type { Choice } from "@signalbox/protocol/presence";
import type { Registry } from "./registry.ts";

/** UTF-8 as a one-byte ("latin1") string: it joins as cheaply as a string and goes to a socket without being encoded again. */
export type Bytes = string;

// ---------------------------------------------------------------------------------------------------------------- Engine

/** A room's channel carries its events and signals; a user's what concerns all their sessions; a node's its own probe. */
export type ChannelKind = "room" | "user" | "node";
export interface Channel {
  readonly kind: ChannelKind;
  readonly id: string;
}

export interface EngineListener {
  /** A publication arrived. */
  message(channel: Channel, payload: Bytes): void;
  /** These channels are subscribed again after a break: what was published meanwhile may be lost. */
  restored(channels: readonly Channel[]): void;
}

export interface Typist {
  readonly userId: string;
  /** Milliseconds since the epoch, by the engine's clock. */
  readonly startedAt: number;
  /** How long this lasts unless refreshed, in milliseconds: relative, so that no two clocks are compared. */
  readonly remainingMs: number;
}

/**
 * Carries frames and signals between nodes. Everything it carries is a hint (DESIGN 3.3): a publication may be lost, and only
 * the store knows the truth.
 */
export interface Engine {
  /** Sets who hears of publications. Called once, before the first subscription. */
  listen(listener: EngineListener): void;
  /**
   * Hands a publication on. Never throws, never waits, keeps nothing when the engine is away (it is counted as lost).
   * Publications of one node to one channel arrive in the order in which they were handed in.
   */
  publish(channel: Channel, payload: Bytes): void;
  /**
   * Resolves when every publication that starts from now on arrives, as far as any does. While the engine is away it waits,
   * and is active after the return. Subscribing twice is one subscription. Many channels cost few commands.
   */
  subscribe(channels: readonly Channel[]): Promise<void>;
  /** As `publish`, for what must not be forgotten: resolves when the engine took it, rejects with `unavailable` when it did not. */
  announce(channel: Channel, payload: Bytes): Promise<void>;
  /** Ends subscriptions; a publication that is under way may still arrive. Unknown channels are passed over. */
  unsubscribe(channels: readonly Channel[]): void;
  /** Notes that `userId` types in `room` for `ttlMs` more. Best effort, as `publish`. */
  startTyping(room: string, userId: string, ttlMs: number): void;
  /** Takes that note back. Best effort. */
  stopTyping(room: string, userId: string): void;
  /** Who types in each of `rooms` now; rooms without anybody are absent. Rejects with `unavailable` when the engine is away. */
  typists(rooms: readonly string[]): Promise<ReadonlyMap<string, readonly Typist[]>>;
  /**
   * Takes up to `count` tokens from the user's bucket (`rate` per second, at most `burst`), over all nodes. Returns how many
   * were granted and when the next one is there. Falls back to a bucket of this node while the engine is away. Never rejects.
   */
  takeTokens(
    userId: string,
    count: number,
    rate: number,
    burst: number,
  ): Promise<{ granted: number; retryAfterMs: number }>;
  /** Who is here, over all nodes. */
  readonly registry: Registry;
  /** Keeps `content` under a ticket for `ttlMs`. Rejects with `unavailable`. */
  putTicket(ticket: string, content: string, ttlMs: number): Promise<void>;
  /** What was kept under the ticket, once; null for a spent or unknown one. Rejects with `unavailable`. */
  takeTicket(ticket: string): Promise<string | null>;
  /** Whether publications can be handed on at the moment. */
  connected(): boolean;
  /** Ends every connection and timer. Idempotent. */
  close(): Promise<void>;
}

// ----------------------------------------------------------------------------------------------------------------- Store

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

/** A message as it is now. `seq` orders messages: it is the seq of the event that made it. */
export interface MessageRow {
  readonly roomId: string;
  readonly seq: number;
  /** Counts the room's messages from 1. */
  readonly place: number;
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
  readonly named: readonly string[] | null;
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
  readonly messageId: string;
  readonly messageSeq: number;
  /** The message's `place`. */
  readonly messagePlace: number;
  readonly readAt: Date;
  readonly stampSeq: number;
}

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
}

/** Up to where a user has scrolled: private, and may move backwards. */
export interface MarkerRow {
  readonly roomId: string;
  readonly userId: string;
  readonly messageId: string;
}

/** A part of a room's state. `part`: "engagement", "plan", "call", or "sidekick <id>". */
export interface PartRow {
  readonly roomId: string;
  readonly part: string;
  /** Null: there is none (any more). */
  readonly body: Record<string, unknown> | null;
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
  readonly parts: readonly PartRow[];
  /** Answers to `Needs.names`; never written. */
  readonly named: readonly { readonly roomId: string; readonly name: string; readonly userId: string }[];
}

/** Which rows a group of changes needs. Every room named anywhere is locked. */
export interface Needs {
  readonly rooms: readonly string[];
  readonly members: readonly { readonly roomId: string; readonly userId: string }[];
  /** Each with the message that it answers. */
  readonly messages: readonly { readonly roomId: string; readonly messageId: string }[];
  /** Earlier sends with the same client id, each with the event that it made, or, when that is no longer kept, with the message that it answers. */
  readonly repeats: readonly { readonly roomId: string; readonly senderId: string; readonly clientMessageId: string }[];
  /** Reactions that stand (are not removed). */
  readonly standing: readonly {
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
  readonly parts: readonly { readonly roomId: string; readonly part: string }[];
  /** Members of the room who alone have this name there. */
  readonly names: readonly { readonly roomId: string; readonly name: string }[];
}

/** What changed since a snapshot. Rows of one transaction all appear, or none. */
export interface Changes {
  /** Opaque: hand it to the next call. */
  readonly snapshot: string;
  readonly rooms: readonly { readonly roomId: string; readonly lastSeq: number }[];
  readonly members: readonly MemberRow[];
  readonly receipts: readonly ReceiptRow[];
  readonly markers: readonly MarkerRow[];
  /** Users who were made or renamed, who chose, or whose tokens were revoked. */
  readonly users: readonly UserRow[];
}

/** A message as history prints it. */
export interface HistoryMessage extends MessageRow {
  /** The message that it answers, as that is now. */
  readonly original: Original | null;
  readonly reactions: readonly ReactionRow[];
}

export interface RoomSummary extends RoomRow {
  readonly role: Role;
  readonly unread: number;
  readonly lastMessage: MessageRow | null;
}

/** Up to where a user has read, and what came after. */
export interface Counts {
  readonly roomId: string;
  readonly userId: string;
  /** Messages by others after the last read one, not deleted. */
  readonly unread: number;
  /** Those of them that mention the user. */
  readonly mentions: number;
  /** Until when the user wants to hear nothing of it; null also when that is over. */
  readonly mutedUntil: Date | null;
}

export interface StateMember {
  readonly userId: string;
  readonly name: string | null;
  readonly role: Role;
  readonly joinedAt: Date;
  /** As `UserRow`. */
  readonly activeAt: Date | null;
  /** How far they have read, as the asking user may know. */
  readonly read: { readonly messageId: string; readonly readAt: Date } | null;
}

/** A room as one user sees it, in one snapshot: everything but presence and typing. */
export interface RoomState extends Counts {
  readonly room: RoomRow;
  /** By the time of joining, then by id. */
  readonly members: readonly StateMember[];
  readonly parts: readonly PartRow[];
  readonly lastReadId: string | null;
  readonly markerId: string | null;
  /** Messages whose snooze is not over. */
  readonly snoozed: readonly string[];
}

/**
 * The truth. Every method rejects with `unavailable` when the store cannot be reached or takes longer than 5 seconds; a
 * `commit` that rejects so may still have happened.
 */
export interface Store {
  /**
   * One transaction: locks the rooms of `needs` in the order of their ids; then, in a second statement, whose snapshot is
   * younger than the locks, reads the rows; lets `decide` say which rows to write; writes them; commits. `decide` runs
   * synchronously and holds the locks meanwhile. Rows that do not exist are absent from what it is given; a row that it
   * returns replaces the one with its key. `now` is the store's clock under the locks: in one room it never runs backwards.
   * When `decide` throws, nothing is written and the error is passed on.
   */
  commit(needs: Needs, decide: (rows: Rows, now: Date) => Rows): Promise<void>;

  /** The rooms that a user is a member of now, with their last seq: one snapshot. Deleted rooms are left out. */
  roomsOf(userId: string): Promise<readonly { readonly roomId: string; readonly lastSeq: number }[]>;
  /**
   * Where a resume of these rooms may go: their last seq, for rooms that the user is a member of, deleted ones included;
   * others are absent.
   */
  resumable(userId: string, rooms: readonly string[]): Promise<ReadonlyMap<string, number>>;
  /** At most `limit` events of a room above `after`, in order. When the first is not `after + 1`, those between are no longer kept. */
  events(room: string, after: number, limit: number): Promise<readonly EventRow[]>;
  /** Receipts that a session which saw everything up to these cursors (by room) may have missed: never too few, some possibly seen before. */
  receiptsSince(cursors: ReadonlyMap<string, number>): Promise<readonly ReceiptRow[]>;
  /**
   * What was committed since `snapshot` was taken: everything, including rows of transactions that began before it and
   * committed after; some of it possibly reported before. Without a snapshot: nothing, only where to start.
   */
  changes(snapshot: string | null): Promise<Changes>;

  /** The rooms, as `roomsOf`, of several users; users without any are absent. */
  roomsOfAll(userIds: readonly string[]): Promise<ReadonlyMap<string, readonly string[]>>;
  /** The members of each of these rooms. */
  membersOf(rooms: readonly string[]): Promise<ReadonlyMap<string, readonly string[]>>;

  /** The last seq of a room that stands and that the user may see, as a member or as a `service`; null for any other. */
  seqOf(room: string, userId: string, service: boolean): Promise<number | null>;
  /** Everything of a room but presence and typing, in one statement; null as `seqOf`. */
  roomState(room: string, userId: string, service: boolean): Promise<RoomState | null>;
  /** What is unread by these users in these rooms. */
  counts(asked: readonly { readonly roomId: string; readonly userId: string }[]): Promise<readonly Counts[]>;
  /** Mutes the room for the user until then; null ends it. False when they are no member. */
  mute(room: string, userId: string, until: Date | null): Promise<boolean>;
  /** Snoozes the message for the user until then; null ends it. False when they are no member, or the message is not there. */
  snooze(room: string, userId: string, messageId: string, until: Date | null): Promise<boolean>;
  /** Newest first, from below the message `before` (or the end). An unknown `before` is `not_found`. */
  history(room: string, limit: number, before: string | null): Promise<readonly HistoryMessage[]>;
  /** The user's rooms by descending id, below `before`. */
  roomPage(userId: string, limit: number, before: string | null): Promise<readonly RoomSummary[]>;

  /** Those of the users that exist, by id. */
  users(userIds: readonly string[]): Promise<ReadonlyMap<string, UserRow>>;
  /** Creates the user or changes the name. */
  putUser(userId: string, name: string | null): Promise<UserRow>;
  /** Those of `userIds` who exist and share a room with the user, or are the user; for a `service`, all who exist. */
  companions(userId: string, service: boolean, userIds: readonly string[]): Promise<ReadonlyMap<string, UserRow>>;
  /** Notes what a user chose. Whoever shows themselves again also shows what they read meanwhile, in the same transaction. */
  choose(userId: string, choice: Choice): Promise<UserRow>;
  /** Notes when these users were last active; an earlier time than the known one changes nothing. */
  noteActive(users: ReadonlyMap<string, Date>): Promise<void>;
  /** Refuses every token of the user issued until now; returns that moment, by the store's clock. */
  revoke(userId: string): Promise<Date>;

  /** Deletes events that are neither among the last `keep` of their room nor younger than `days`. Returns how many; 0 when another node is at it. */
  prune(keep: number, days: number): Promise<number>;
  /** Resolves when the store answers. */
  ping(): Promise<void>;
  /** Ends every connection. Idempotent. */
  close(): Promise<void>;
}
