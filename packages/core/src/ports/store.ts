/** The port to the durable store. `test/conformance` holds every implementation to the promises written here. */
import type { Original } from "@signalbox/protocol/down";
import type { Role } from "@signalbox/protocol/http";
import type { Choice } from "@signalbox/protocol/presence";
import type { OutboxRow } from "../model/outbox.ts";
import type {
  EventRow,
  Head,
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

/** A membership's or a marker's key. */
export interface UserInRoom {
  readonly roomId: string;
  readonly userId: string;
}

/** Rows of the outbox, the oldest first. */
export interface OutboxPage {
  /** The store's clock just before the read. */
  readonly now: Date;
  readonly rows: readonly (OutboxRow & { readonly at: Date })[];
}

/** A room as a member comes back to it. */
export interface Resumable extends Head {
  /**
   * The seq from which on the user may replay: before their first join there is nothing for them, and of a deleted room only
   * its DELETE_CHAT.
   */
  readonly from: number;
}

/** The end of a room, and the mark at a seq in it. */
export interface CheckedHead extends Head {
  /** The mark of the event at the seq that was asked for; null when the store has no such event. */
  readonly found: number | null;
  readonly deleted: boolean;
}

/** A message as history prints it. */
export interface HistoryMessage extends MessageRow {
  /** The message that it answers, in its present form. */
  readonly original: Original | null;
  readonly reactions: readonly ReactionRow[];
}

export interface RoomSummary extends RoomRow {
  readonly role: Role;
  readonly unread: number;
  readonly lastMessage: MessageRow | null;
}

/** The unread messages of a user in a room. */
export interface Counts {
  readonly roomId: string;
  readonly userId: string;
  /** Messages by other users after the last read one, without deleted ones. */
  readonly unread: number;
  /** Those of them that mention the user. */
  readonly mentions: number;
  /** The end of the user's mute; null without one, or once it is over. */
  readonly mutedUntil: Date | null;
}

export interface RoomStateMember {
  readonly userId: string;
  readonly name: string | null;
  readonly role: Role;
  /** ISO 8601. A text, because two dates per member, parsed and printed again, were a tenth of the cost of a room state. */
  readonly joinedAt: string;
  /** As `UserRow`. */
  readonly activeAt: Date | null;
  /** The member's receipt, as the asking user may see it; `readAt` in ISO 8601. */
  readonly read: (Pick<ReceiptRow, "messageId" | "eventId"> & { readonly readAt: string }) | null;
}

/** A room as one user sees it, in one snapshot, without presence and typing. */
export interface RoomState extends Counts {
  readonly room: RoomRow;
  /** Sorted by the time of joining, then by id. */
  readonly members: readonly RoomStateMember[];
  readonly sections: readonly RoomSectionRow[];
  readonly lastReadId: string | null;
  readonly markerId: string | null;
  /** The ids of messages with a snooze that is not over. */
  readonly snoozed: readonly string[];
}

/** A message as projections list it. */
export type Projection = Omit<MessageRow, "mentions" | "textMentions" | "clientMessageId">;

/** The conditions on a list of projections: a message meets each that is not null. */
export interface ProjectionFilter {
  readonly roomId: string | null;
  readonly type: string | null;
  readonly hasFile: boolean | null;
  readonly senderId: string | null;
  readonly threadRoot: string | null;
  /** Sent at this time or later. */
  readonly from: Date | null;
  /** Sent before this time. */
  readonly until: Date | null;
  /** Words, as people type them into a search. */
  readonly words: string | null;
  /** After this message id in the order of the list. */
  readonly after: string | null;
}

/** Totals of a room's messages, without deleted ones. */
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
 * The durable state. Every method rejects with `unavailable` when the store cannot be reached or takes longer than 5 seconds; a
 * `commit` that rejects so may still take effect.
 */
export interface Store {
  /**
   * Runs one transaction. It locks the rooms of `reads` in the order of their ids, and reads the rows in a second statement, with
   * a snapshot younger than the locks. It then writes the rows that `decide` returns, and commits. `decide` runs synchronously,
   * under the locks. Missing rows are absent from its argument; a row that it returns replaces the one with its key. `now` is
   * the store's clock under the locks, which never runs backwards in one room. When `decide` throws, nothing is written and the
   * error is passed on.
   */
  commit(reads: ReadSet, decide: (rows: Rows, now: Date) => Rows): Promise<void>;

  /** The rooms that a user is a member of now, in one snapshot. Deleted rooms are left out. */
  roomsOf(userId: string): Promise<ReadonlyMap<string, Resumable>>;
  /** Those of these rooms that the user is a member of, deleted ones included; other rooms are absent. */
  resumable(userId: string, rooms: readonly string[]): Promise<ReadonlyMap<string, Resumable>>;
  /** The ends of these rooms, deleted ones included, each with the mark at a seq; rooms that do not exist are absent. */
  heads(rooms: ReadonlyMap<string, number>): Promise<ReadonlyMap<string, CheckedHead>>;
  /**
   * At most `limit` events of a room above `after`, in order, with the texts and names of now. When the first is not
   * `after + 1`, the ones between are pruned.
   */
  events(room: string, after: number, limit: number): Promise<readonly EventRow[]>;
  /** Receipts that a session may have missed after these cursors (by room): never too few, some possibly seen before. */
  receiptsSince(cursors: ReadonlyMap<string, number>): Promise<readonly ReceiptRow[]>;
  /** The receipts of these rooms, hidden ones too, that were written in the last `withinMs` milliseconds. */
  recentReceipts(rooms: readonly string[], withinMs: number): Promise<readonly ReceiptRow[]>;

  /**
   * At most `limit` rows of the outbox that are older than `OUTBOX_AGE_MS`, and younger than `since` - `TRANSACTION_MS`, without
   * the `seen` ones. Null reads no rows, only the clock.
   */
  outbox(since: Date | null, seen: readonly string[], limit: number): Promise<OutboxPage>;
  /** Deletes rows of the outbox: every publication of them has been confirmed. */
  confirm(outboxIds: readonly string[]): Promise<void>;

  /** The memberships with these keys that have not ended. */
  members(keys: readonly UserInRoom[]): Promise<readonly MemberRow[]>;
  /** The markers with these keys. */
  markers(keys: readonly UserInRoom[]): Promise<readonly MarkerRow[]>;

  /** The ids of the rooms of each of these users, as `roomsOf`; users without any are absent. */
  roomsOfAll(userIds: readonly string[]): Promise<ReadonlyMap<string, readonly string[]>>;
  /** The ids of the members of each of these rooms. */
  membersOf(rooms: readonly string[]): Promise<ReadonlyMap<string, readonly string[]>>;

  /** A room that is not deleted and that the user may see, as a member or as a `service`; null for any other. */
  headOf(room: string, userId: string, service: boolean): Promise<Resumable | null>;
  /** The state of a room, in one statement; null as `headOf`. */
  roomState(room: string, userId: string, service: boolean): Promise<RoomState | null>;
  /** The unread messages of each user in the room of the same key. */
  counts(keys: readonly { readonly roomId: string; readonly userId: string }[]): Promise<readonly Counts[]>;
  /** Mutes the room for the user; null ends it. False when they are no member. */
  mute(room: string, userId: string, until: Date | null): Promise<boolean>;
  /** Snoozes the message for the user; null ends it. False when they are no member, or the message is missing. */
  snooze(room: string, userId: string, messageId: string, until: Date | null): Promise<boolean>;
  /**
   * Messages below the message `before`, or the newest, in descending order. Rejects with `not_found` for an unknown
   * `before`.
   */
  history(room: string, limit: number, before: string | null): Promise<readonly HistoryMessage[]>;
  /** The user's rooms by descending id, below `before`. */
  roomPage(userId: string, limit: number, before: string | null): Promise<readonly RoomSummary[]>;

  /**
   * The newest `limit` messages that match the filter, of all rooms that the user is a member of (a `service`: of any),
   * by `sentAt` and then by id, descending. A message id holds the time of the message, so this is the order of the
   * ids.
   */
  projections(
    userId: string,
    service: boolean,
    filter: ProjectionFilter,
    limit: number,
  ): Promise<readonly Projection[]>;
  /** One message, by its own id or its Matrix event id ("$…"); null when there is none that the user may see. */
  projection(userId: string, service: boolean, messageId: string): Promise<Projection | null>;
  /** The totals of a room, up to date with every commit; null as `headOf`. */
  statistics(room: string, userId: string, service: boolean): Promise<Statistics | null>;

  /**
   * Resolves Matrix ids to ids of this store. Unknown rooms, then without content, and unknown users are created under
   * the given id. A name is set on users under the given id alone: a user that was mapped to Matrix keeps the name they
   * have here.
   */
  bridge(
    rooms: readonly { readonly matrixRoomId: string; readonly roomId: string }[],
    users: readonly { readonly matrixUserId: string; readonly userId: string; readonly name: string | null }[],
  ): Promise<{ readonly rooms: ReadonlyMap<string, string>; readonly users: ReadonlyMap<string, string> }>;
  /** True when this Matrix user is a user here. */
  isMatrixUser(matrixUserId: string): Promise<boolean>;
  /** The message id of each of these Matrix events that became a message in the room, or, without a room, in any. */
  messageIds(room: string | null, eventIds: readonly string[]): Promise<ReadonlyMap<string, string>>;
  /** Records that a send is on its way to the homeserver; `prune` drops the record after a day. */
  recordPendingWrite(write: MatrixWrite): Promise<void>;
  /** At most `limit` bridged rooms by ascending id, above `after`. */
  bridgedRooms(
    after: string | null,
    limit: number,
  ): Promise<readonly { readonly roomId: string; readonly matrixRoomId: string }[]>;
  /** The homeserver's token from which a rebuild of the room goes on; null when none is under way. */
  rebuildCursor(room: string): Promise<string | null>;
  /** Saves the token from which a rebuild goes on; null ends it. */
  saveRebuildCursor(room: string, token: string | null): Promise<void>;

  /** The existing ones of these users, by id. */
  users(userIds: readonly string[]): Promise<ReadonlyMap<string, UserRow>>;
  /** Creates the user, or changes what is not null. Rejects with `conflict` when the Matrix user is mapped to another user. */
  putUser(userId: string, name: string | null, matrixUserId?: string | null): Promise<UserRow>;
  /** The existing ones of `userIds` that share a room with the user, or are the user; for a `service`, all existing ones. */
  visibleUsers(userId: string, service: boolean, userIds: readonly string[]): Promise<ReadonlyMap<string, UserRow>>;
  /**
   * Records a user's choice. Any choice but `appear_offline` also shows the user's hidden receipts. The outbox gets both in the
   * same transaction, and no caller publishes them: gateways read them there.
   */
  choosePresence(userId: string, choice: Choice): Promise<UserRow>;
  /** Records the last activity of these users; an earlier time than the known one changes nothing. */
  saveLastActive(users: ReadonlyMap<string, Date>): Promise<void>;
  /**
   * Revokes every token of the user issued until now; returns that moment, by the store's clock. `outboxId`: the id of the row
   * that the same transaction adds to the outbox.
   */
  revoke(userId: string, outboxId: string): Promise<Date>;

  /**
   * Deletes events that are neither among the last `keep` of their room nor younger than `days`, and rows of the outbox that are
   * older than `OUTBOX_KEPT_MS`. Returns the number of events; 0 while another node prunes.
   */
  prune(keep: number, days: number): Promise<number>;
  /**
   * Sets the listener for a switch: the store may have gone back in time, or be another one. Called after the first connection
   * that shows it; what was read before may not hold any more. Calls under way at a switch reject with `unavailable`.
   */
  onSwitch(listener: () => void): void;
  /** Resolves once the store answers. */
  ping(): Promise<void>;
  /** Ends every connection. Idempotent. */
  close(): Promise<void>;
}
