/** What core needs of the world. An implementation keeps every promise written here; `test/conformance` holds each of them to it. */
import type { Original } from "@signalbox/protocol/down";
import type { Role } from "@signalbox/protocol/http";
import type { Choice } from "@signalbox/protocol/presence";
import type {
  EventRow,
  MarkerRow,
  MatrixWrite,
  MemberRow,
  MessageRow,
  ReactionRow,
  ReadSet,
  ReceiptRow,
  RoomRow,
  RoomSectionRow,
  Rows,
  UserRow,
} from "../model/rows.ts";

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

export interface RoomStateMember {
  readonly userId: string;
  readonly name: string | null;
  readonly role: Role;
  /** As it is printed: two dates for each of many members, made of text and made text again, were a tenth of what a state costs a node. */
  readonly joinedAt: string;
  /** As `UserRow`. */
  readonly activeAt: Date | null;
  /** How far they have read, as the asking user may know; `readAt` as it is printed. */
  readonly read: (Pick<ReceiptRow, "messageId" | "eventId"> & { readonly readAt: string }) | null;
}

/** A room as one user sees it, in one snapshot: everything but presence and typing. */
export interface RoomState extends Counts {
  readonly room: RoomRow;
  /** By the time of joining, then by id. */
  readonly members: readonly RoomStateMember[];
  readonly sections: readonly RoomSectionRow[];
  readonly lastReadId: string | null;
  readonly markerId: string | null;
  /** Messages whose snooze is not over. */
  readonly snoozed: readonly string[];
}

/** A message as projections list it. */
export type Projection = Omit<MessageRow, "mentions" | "textMentions" | "clientMessageId">;

/** Which messages a list of projections holds: all of these that are given. */
export interface ProjectionFilter {
  readonly roomId: string | null;
  readonly type: string | null;
  readonly hasFile: boolean | null;
  readonly senderId: string | null;
  readonly threadRoot: string | null;
  /** At this time or later, and before that one. */
  readonly from: Date | null;
  readonly until: Date | null;
  /** Words, as people type them into a search. */
  readonly words: string | null;
  /** Only what comes after this message id in the order of the list. */
  readonly after: string | null;
}

/** What there is in a room now: its messages that are not deleted. */
export interface Statistics {
  readonly total: number;
  readonly byType: ReadonlyMap<string, number>;
  readonly attachments: number;
  /** Threads with at least one reply. */
  readonly threads: number;
  readonly firstAt: Date | null;
  readonly lastAt: Date | null;
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
  commit(needs: ReadSet, decide: (rows: Rows, now: Date) => Rows): Promise<void>;

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

  /**
   * The newest `limit` messages that the filter lets through, of all rooms that the user is a member of (a `service`: of any), by
   * `sentAt` and then by id, descending. An id of a message holds the time at which it was sent, so that this is the order of the ids.
   */
  projections(
    userId: string,
    service: boolean,
    filter: ProjectionFilter,
    limit: number,
  ): Promise<readonly Projection[]>;
  /** One of them, by our id or by Matrix's ("$…"); null when there is none that the user may see. */
  projection(userId: string, service: boolean, messageId: string): Promise<Projection | null>;
  /** Kept up to date by whatever writes messages, in the same transaction; null as `seqOf`. */
  statistics(room: string, userId: string, service: boolean): Promise<Statistics | null>;

  /**
   * What Matrix's ids are here: rooms that nobody has seen are made, empty, under the given id, and so are users. A name is taken
   * for users under the given id: one whom somebody mapped to Matrix keeps the name they have here.
   */
  bridge(
    rooms: readonly { readonly matrixRoomId: string; readonly roomId: string }[],
    users: readonly { readonly matrixUserId: string; readonly userId: string; readonly name: string | null }[],
  ): Promise<{ readonly rooms: ReadonlyMap<string, string>; readonly users: ReadonlyMap<string, string> }>;
  /** Whether a user of Matrix is one of ours. */
  isMatrixUser(matrixUserId: string): Promise<boolean>;
  /** Our id of each of these events of Matrix that became a message in the room, or, without a room, anywhere. */
  messageIds(room: string | null, eventIds: readonly string[]): Promise<ReadonlyMap<string, string>>;
  /** Notes that a send is on its way to the homeserver; forgotten after a day (`prune`). */
  recordPendingWrite(write: MatrixWrite): Promise<void>;
  /** All bridged rooms by id, above `after`. */
  bridgedRooms(
    after: string | null,
    limit: number,
  ): Promise<readonly { readonly roomId: string; readonly matrixRoomId: string }[]>;
  /** How far a rebuild of the room has come: what the homeserver gave to go on from. */
  rebuildCursor(room: string): Promise<string | null>;
  /** Notes how far a rebuild has come; null: it is done. */
  saveRebuildCursor(room: string, token: string | null): Promise<void>;

  /** Those of the users that exist, by id. */
  users(userIds: readonly string[]): Promise<ReadonlyMap<string, UserRow>>;
  /** Creates the user, or changes what is not null. Rejects with `conflict` when that Matrix user was mapped to somebody else. */
  putUser(userId: string, name: string | null, matrixUserId?: string | null): Promise<UserRow>;
  /** Those of `userIds` who exist and share a room with the user, or are the user; for a `service`, all who exist. */
  visibleUsers(userId: string, service: boolean, userIds: readonly string[]): Promise<ReadonlyMap<string, UserRow>>;
  /** Notes what a user chose. Whoever shows themselves again also shows what they read meanwhile, in the same transaction. */
  choosePresence(userId: string, choice: Choice): Promise<UserRow>;
  /** Notes when these users were last active; an earlier time than the known one changes nothing. */
  saveLastActive(users: ReadonlyMap<string, Date>): Promise<void>;
  /** Refuses every token of the user issued until now; returns that moment, by the store's clock. */
  revoke(userId: string): Promise<Date>;

  /** Deletes events that are neither among the last `keep` of their room nor younger than `days`. Returns how many; 0 when another node is at it. */
  prune(keep: number, days: number): Promise<number>;
  /** Resolves when the store answers. */
  ping(): Promise<void>;
  /** Ends every connection. Idempotent. */
  close(): Promise<void>;
}
