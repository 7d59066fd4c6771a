import { encodeMark } from "@signalbox/protocol/cursor";
import type { EventBody } from "@signalbox/protocol/down";
import { encodeBody } from "@signalbox/protocol/encode";
import { Problem } from "@signalbox/protocol/errors";
import type { Actor } from "../model/actor.ts";
import { toBytes } from "../model/bytes.ts";
import { messageRefOf } from "../model/event-bodies.ts";
import type {
  EventDetails,
  EventRow,
  MarkerRow,
  MatrixRow,
  MatrixWrite,
  MemberRow,
  MessageRow,
  ReactionRow,
  ReceiptRow,
  RoomRow,
  RoomSectionRow,
  Rows,
  StoredEvent,
  UserRow,
} from "../model/rows.ts";
import { Relations } from "./matrix-relations.ts";
import { Table } from "./table.ts";

/** A user starts or stops typing: published, not stored. */
export interface TypingChange {
  readonly roomId: string;
  readonly userId: string;
  readonly started: boolean;
}

type Unnumbered<T> = T extends unknown ? Omit<T, "seq" | "chatId"> : never;

/**
 * The rows of one transaction while its commands are decided. Rules read and put rows here; a command sees the rows that
 * earlier ones of its group put. A rule checks everything before it puts anything: one that throws has changed nothing.
 */
export class Transaction {
  /** The store's clock under the locks. */
  readonly now: Date;
  /** True when native actions in bridged rooms go to a homeserver first. */
  readonly homeserver: boolean;
  readonly #rooms: Table<RoomRow>;
  readonly #members: Table<MemberRow>;
  readonly #messages: Table<MessageRow>;
  readonly #repeats: Table<MessageRow>;
  readonly #reactions: Table<ReactionRow>;
  readonly #activeReactions = new Map<string, ReactionRow>();
  readonly #receipts: Table<ReceiptRow>;
  readonly #sections: Table<RoomSectionRow>;
  readonly #markers: Table<MarkerRow>;
  readonly #users: ReadonlyMap<string, UserRow>;
  readonly #namedMembers: ReadonlyMap<string, string>;
  /** The marks of events that were read or appended, by room and seq. */
  readonly #marks: Map<string, number>;
  readonly #events: StoredEvent[] = [];
  readonly #relations: Relations;
  readonly #writes: ReadonlySet<string>;
  readonly #lastMessagesAtEvents: ReadonlyMap<string, string>;
  /** Events and typing to publish after the commit, in order. */
  readonly outgoing: (EventRow | TypingChange)[] = [];

  constructor(rows: Rows, now: Date, homeserver = false) {
    this.now = now;
    this.homeserver = homeserver;
    this.#rooms = new Table(rows.rooms, (row) => row.roomId);
    this.#members = new Table(rows.members, (row) => `${row.roomId} ${row.userId}`);
    this.#messages = new Table(rows.messages, (row) => `${row.roomId} ${row.messageId}`);
    this.#repeats = new Table(
      rows.messages.filter((row) => row.clientMessageId !== null),
      (row) => `${row.roomId} ${row.senderId} ${row.clientMessageId}`,
    );
    this.#reactions = new Table(rows.reactions, (row) => row.reactionId);
    for (const row of rows.reactions) if (row.removedSeq === null) this.#activeReactions.set(activeKey(row), row);
    this.#receipts = new Table(rows.receipts, receiptKey);
    this.#sections = new Table(rows.sections, (row) => `${row.roomId} ${row.section}`);
    this.#markers = new Table(rows.markers, (row) => `${row.roomId} ${row.userId}`);
    this.#namedMembers = new Map(rows.named.map((row) => [`${row.roomId} ${row.name}`, row.userId]));
    this.#users = new Map(rows.users.map((row) => [row.userId, row]));
    this.#marks = new Map(rows.marks.map((row) => [`${row.roomId} ${row.seq}`, row.mark]));
    this.#relations = new Relations(rows.matrix);
    this.#writes = new Set(rows.writes.map(writeKey));
    this.#lastMessagesAtEvents = new Map(
      rows.lastMessagesAtEvents.map((row) => [`${row.roomId} ${row.eventId}`, row.messageId]),
    );
  }

  /** The room, for its members and services. Throws `not_found` for all other actors, as for a room that does not exist. */
  room(roomId: string, actor: Actor): RoomRow {
    const room = this.#rooms.get(roomId);
    const present = room !== undefined && room.deletedAt === null;
    if (!present || !(actor.service || this.member(roomId, actor.userId)))
      throw new Problem("not_found", "no such room");
    return room;
  }

  /** The room for any actor, unless it is deleted. */
  activeRoom(roomId: string): RoomRow | undefined {
    const room = this.#rooms.get(roomId);
    return room?.deletedAt === null ? room : undefined;
  }

  /** The room that a rule has read and knows to exist, deleted or not. */
  requireRoom(roomId: string): RoomRow {
    const room = this.#rooms.get(roomId);
    if (room === undefined) throw new Error("a rule wrote to a room that it did not read");
    return room;
  }

  /** The present membership of `userId`, if there is one. */
  member(roomId: string, userId: string): MemberRow | undefined {
    const row = this.membership(roomId, userId);
    return row?.leftSeq === null ? row : undefined;
  }

  /** The membership of `userId`, also one that has ended. */
  membership(roomId: string, userId: string): MemberRow | undefined {
    return this.#members.get(`${roomId} ${userId}`);
  }

  /** True for owners and services. */
  isOwner(roomId: string, actor: Actor): boolean {
    return actor.service || this.member(roomId, actor.userId)?.role === "owner";
  }

  /** Throws `not_found` for a message that is not in this room. */
  message(roomId: string, messageId: string): MessageRow {
    const row = this.findMessage(roomId, messageId);
    if (row === undefined) throw new Problem("not_found", "no such message");
    return row;
  }

  /** A message that may not exist, or was not read. */
  findMessage(roomId: string, messageId: string): MessageRow | undefined {
    return this.#messages.get(`${roomId} ${messageId}`);
  }

  /** An earlier send of the same author with the same client id. */
  repeat(roomId: string, senderId: string, clientMessageId: string | undefined): MessageRow | undefined {
    return clientMessageId === undefined ? undefined : this.#repeats.get(`${roomId} ${senderId} ${clientMessageId}`);
  }

  reaction(reactionId: string): ReactionRow | undefined {
    return this.#reactions.get(reactionId);
  }

  activeReaction(roomId: string, messageId: string, senderId: string, reaction: string): ReactionRow | undefined {
    return this.#activeReactions.get(activeKey({ roomId, messageId, senderId, reaction }));
  }

  /** The user's furthest receipt of all. */
  receipt(roomId: string, userId: string): ReceiptRow | undefined {
    const inPrivate = this.#receipts.get(receiptKey({ roomId, userId, hidden: true, private: true }));
    return further(this.openReceipt(roomId, userId), inPrivate);
  }

  /** The user's furthest receipt that is not private: others see it, at the latest when the user is visible again. */
  openReceipt(roomId: string, userId: string): ReceiptRow | undefined {
    const visible = this.#receipts.get(receiptKey({ roomId, userId, hidden: false, private: false }));
    return further(visible, this.#receipts.get(receiptKey({ roomId, userId, hidden: true, private: false })));
  }

  /** A section of the room's state, if there is one. */
  section(roomId: string, section: string): RoomSectionRow | undefined {
    const row = this.#sections.get(`${roomId} ${section}`);
    return row === undefined || row.body === null ? undefined : row;
  }

  /** The user's name, or the id of a user without one. */
  nameOf(userId: string): string {
    return this.#users.get(userId)?.name ?? userId;
  }

  /** True for a user that chose to appear offline. */
  appearsOffline(userId: string): boolean {
    return this.#users.get(userId)?.choice === "appear_offline";
  }

  /** The member that alone had this name when the group began, unless that member has left within the group. */
  memberNamed(roomId: string, name: string): string | undefined {
    const userId = this.#namedMembers.get(`${roomId} ${name}`);
    const member = this.#members.get(`${roomId} ${userId}`);
    return member === undefined || member.leftSeq === null ? userId : undefined;
  }

  /** A Matrix event that has arrived. */
  matrix(roomId: string, eventId: string): MatrixRow | undefined {
    return this.#relations.get(roomId, eventId);
  }

  /** The edits, reactions and redactions of a Matrix event that were read or put here. */
  relations(roomId: string, eventId: string): readonly MatrixRow[] {
    return this.#relations.of(roomId, eventId);
  }

  /** The message that a Matrix event became. */
  messageOfEvent(roomId: string, eventId: string): MessageRow | undefined {
    const row = this.matrix(roomId, eventId);
    return row?.kind === "message" && row.subjectId !== null ? this.findMessage(roomId, row.subjectId) : undefined;
  }

  /** True while this send is on its way to the homeserver. */
  isPendingWrite(write: MatrixWrite): boolean {
    return this.#writes.has(writeKey(write));
  }

  /** The room's last message at the arrival of a Matrix event; undefined before that. */
  lastMessageAtEvent(roomId: string, eventId: string): MessageRow | undefined {
    const row = this.matrix(roomId, eventId);
    if (row === undefined) return undefined;
    const stored = this.#lastMessagesAtEvents.get(`${roomId} ${eventId}`);
    // The store does not know the rows of this group: perhaps the event itself, and messages before it.
    const put = this.#messages.changed().filter((message) => message.roomId === roomId && message.seq <= row.seq);
    const known = stored === undefined ? put : [...put, this.findMessage(roomId, stored)];
    return known.reduce<MessageRow | undefined>(
      (last, each) => ((each?.seq ?? 0) > (last?.seq ?? 0) ? each : last),
      undefined,
    );
  }

  /** The mark of the event at `seq`, if it was read or appended here. */
  markAt(roomId: string, seq: number): number | undefined {
    return this.#marks.get(`${roomId} ${seq}`);
  }

  putRoom(row: RoomRow): void {
    this.#rooms.put(row);
  }

  putMember(row: MemberRow): void {
    this.#members.put(row);
  }

  putMessage(row: MessageRow): void {
    this.#messages.put(row);
    if (row.clientMessageId !== null) this.#repeats.put(row);
  }

  putReaction(row: ReactionRow): void {
    const before = this.#reactions.get(row.reactionId);
    this.#reactions.put(row);
    if (row.removedSeq === null) this.#activeReactions.set(activeKey(row), row);
    else if (before !== undefined) this.#activeReactions.delete(activeKey(before));
  }

  putReceipt(row: ReceiptRow): void {
    this.#receipts.put(row);
  }

  putSection(row: RoomSectionRow): void {
    this.#sections.put(row);
  }

  putMarker(row: MarkerRow): void {
    this.#markers.put(row);
  }

  putMatrix(row: MatrixRow): void {
    this.#relations.put(row);
  }

  /** The seq that the room's next event takes. */
  nextSeq(roomId: string): number {
    return this.requireRoom(roomId).lastSeq + 1;
  }

  /**
   * Appends an event to the room under its next seq. `about`: the user that joins or leaves; for other events the author.
   * `details`: the parts of the body that no row holds.
   */
  append(roomId: string, about: string, body: Unnumbered<EventBody>, details = detailsOf(body)): EventRow {
    const room = this.requireRoom(roomId);
    const place = { roomId, seq: room.lastSeq + 1, mark: newMark(), prev: room.lastMark };
    this.#rooms.put({ ...room, lastSeq: place.seq, lastMark: place.mark });
    this.#marks.set(`${roomId} ${place.seq}`, place.mark);
    const numbered = { ...body, chatId: roomId, seq: place.seq, mark: encodeMark(place.mark) } as EventBody;
    const header = { ...place, type: body.type, userId: about };
    this.#events.push({ ...header, subjectId: "messageId" in body ? body.messageId : null, details, at: this.now });
    const event = { ...header, body: toBytes(encodeBody(numbered)), ...messageOf(body) };
    this.outgoing.push(event);
    return event;
  }

  addTyping(change: TypingChange): void {
    this.outgoing.push(change);
  }

  /** The rows that were put or appended, for the store to write. */
  changes(): Rows {
    return {
      rooms: this.#rooms.changed(),
      members: this.#members.changed(),
      messages: this.#messages.changed(),
      reactions: this.#reactions.changed(),
      receipts: this.#receipts.changed(),
      users: [],
      events: this.#events,
      marks: [],
      markers: this.#markers.changed(),
      sections: this.#sections.changed(),
      matrix: this.#relations.changed(),
      outbox: [],
      writes: [],
      named: [],
      lastMessagesAtEvents: [],
    };
  }
}

const messageOf = (body: Unnumbered<EventBody>): Pick<EventRow, "message"> =>
  body.type === "SEND_MSG" || body.type === "REPLY" ? { message: messageRefOf(body) } : {};

function detailsOf(body: Unnumbered<EventBody>): EventDetails {
  switch (body.type) {
    case "USER_JOIN":
      return { senderId: body.senderId };
    case "EDIT_MSG":
      return { timeStamp: body.editedAt };
    case "NEW_CHAT":
      return { timeStamp: body.timeStamp };
    case "ROOM_STATE":
      return { changed: body.changed };
    default:
      return {};
  }
}

/** A mark for a new event: a history that went another way has another one at the same seq. */
const newMark = (): number => Math.floor(Math.random() * 2 ** 31);

const activeKey = (row: Pick<ReactionRow, "roomId" | "messageId" | "senderId" | "reaction">) =>
  `${row.roomId} ${row.messageId} ${row.senderId} ${row.reaction}`;

const receiptKey = (row: Pick<ReceiptRow, "roomId" | "userId" | "hidden" | "private">) =>
  `${row.roomId} ${row.userId} ${row.hidden} ${row.private}`;

const writeKey = (write: MatrixWrite) => `${write.roomId} ${write.senderId} ${write.clientMessageId}`;

const further = (one: ReceiptRow | undefined, other: ReceiptRow | undefined): ReceiptRow | undefined =>
  (other?.messageSeq ?? 0) > (one?.messageSeq ?? 0) ? other : one;
