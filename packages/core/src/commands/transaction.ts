import type { EventBody } from "@signalbox/protocol/down";
import { encodeBody } from "@signalbox/protocol/encode";
import { Problem } from "@signalbox/protocol/errors";
import type { Actor } from "../model/actor.ts";
import { toBytes } from "../model/bytes.ts";
import type {
  EventRow,
  MarkerRow,
  MatrixRow,
  MatrixWrite,
  MemberRow,
  MessageRef,
  MessageRow,
  ReactionRow,
  ReceiptRow,
  RoomRow,
  RoomSectionRow,
  Rows,
  UserRow,
} from "../model/rows.ts";
import { Relations } from "./matrix-relations.ts";
import { Table } from "./table.ts";

/** Somebody starts or stops typing: told, not written. */
export interface TypingChange {
  readonly roomId: string;
  readonly userId: string;
  readonly started: boolean;
}

type Unnumbered<T> = T extends unknown ? Omit<T, "seq" | "chatId"> : never;

/**
 * The rows of one transaction while it is being decided. Rules read and put rows here; what an earlier command of the
 * group put, a later one sees. A rule checks everything before it puts anything: one that throws has changed nothing.
 */
export class Transaction {
  /** The store's clock under the locks. */
  readonly now: Date;
  /** Whether a homeserver takes what is done natively in bridged rooms before it is done here. */
  readonly homeserver: boolean;
  readonly #rooms: Table<RoomRow>;
  readonly #members: Table<MemberRow>;
  readonly #messages: Table<MessageRow>;
  readonly #repeats: Table<MessageRow>;
  readonly #reactions: Table<ReactionRow>;
  readonly #activeReactions = new Map<string, ReactionRow>();
  readonly #receipts: Table<ReceiptRow>;
  readonly #parts: Table<RoomSectionRow>;
  readonly #markers: Table<MarkerRow>;
  readonly #users: ReadonlyMap<string, UserRow>;
  readonly #named: ReadonlyMap<string, string>;
  readonly #known: ReadonlyMap<string, EventRow>;
  readonly #events: EventRow[] = [];
  readonly #relations: Relations;
  readonly #writes: ReadonlySet<string>;
  readonly #upTo: ReadonlyMap<string, string>;
  /** What the room is told after the commit, in order. */
  readonly outgoing: (EventRow | TypingChange)[] = [];

  constructor(rows: Rows, now: Date, homeserver = false) {
    this.now = now;
    this.homeserver = homeserver;
    this.#rooms = new Table(rows.rooms, (requireRoom) => requireRoom.roomId);
    this.#members = new Table(rows.members, (row) => `${row.roomId} ${row.userId}`);
    this.#messages = new Table(rows.messages, (row) => `${row.roomId} ${row.messageId}`);
    this.#repeats = new Table(
      rows.messages.filter((row) => row.clientMessageId !== null),
      (row) => `${row.roomId} ${row.senderId} ${row.clientMessageId}`,
    );
    this.#reactions = new Table(rows.reactions, (row) => row.reactionId);
    for (const row of rows.reactions) this.#indexReaction(row);
    this.#receipts = new Table(rows.receipts, receiptKey);
    this.#parts = new Table(rows.sections, (row) => `${row.roomId} ${row.section}`);
    this.#markers = new Table(rows.markers, (row) => `${row.roomId} ${row.userId}`);
    this.#named = new Map(rows.named.map((row) => [`${row.roomId} ${row.name}`, row.userId]));
    this.#users = new Map(rows.users.map((row) => [row.userId, row]));
    this.#known = new Map(rows.events.map((row) => [`${row.roomId} ${row.seq}`, row]));
    this.#relations = new Relations(rows.matrix);
    this.#writes = new Set(rows.writes.map(writeKey));
    this.#upTo = new Map(rows.lastMessagesAtEvents.map((row) => [`${row.roomId} ${row.eventId}`, row.messageId]));
  }

  /** The room, for somebody who may know that it exists. Throws `not_found` for everybody else, as for a room that does not exist. */
  room(roomId: string, actor: Actor): RoomRow {
    const room = this.#rooms.get(roomId);
    const present = room !== undefined && room.deletedAt === null;
    if (!present || !(actor.service || this.member(roomId, actor.userId)))
      throw new Problem("not_found", "no such room");
    return room;
  }

  /** The room, whoever asks, as long as it stands. */
  activeRoom(roomId: string): RoomRow | undefined {
    const room = this.#rooms.get(roomId);
    return room?.deletedAt === null ? room : undefined;
  }

  /** The room, which the rule asked for and knows to be there. */
  row(roomId: string): RoomRow {
    const room = this.#rooms.get(roomId);
    if (room === undefined) throw new Error("a rule wrote to a room that it did not ask for");
    return room;
  }

  /** The standing membership of `userId`, if there is one. */
  member(roomId: string, userId: string): MemberRow | undefined {
    const row = this.membership(roomId, userId);
    return row?.leftSeq === null ? row : undefined;
  }

  /** The membership of `userId`, also one that has ended. */
  membership(roomId: string, userId: string): MemberRow | undefined {
    return this.#members.get(`${roomId} ${userId}`);
  }

  /** Whether the actor may do what owners may. */
  isOwner(roomId: string, actor: Actor): boolean {
    return actor.service || this.member(roomId, actor.userId)?.role === "owner";
  }

  /** Throws `not_found` for a message that is not in this room. */
  message(roomId: string, messageId: string): MessageRow {
    const row = this.findMessage(roomId, messageId);
    if (row === undefined) throw new Problem("not_found", "no such message");
    return row;
  }

  /** A message that may not be there, or was not asked for. */
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
    return this.#activeReactions.get(`${roomId} ${messageId} ${senderId} ${reaction}`);
  }

  /** How far a user has read, wherever that shows. */
  receipt(roomId: string, userId: string): ReceiptRow | undefined {
    const alone = this.#receipts.get(receiptKey({ roomId, userId, hidden: true, private: true }));
    return further(this.openReceipt(roomId, userId), alone);
  }

  /** How far a user has read, but for what they read in private: what others know, or will when the user shows themselves. */
  openReceipt(roomId: string, userId: string): ReceiptRow | undefined {
    const visible = this.#receipts.get(receiptKey({ roomId, userId, hidden: false, private: false }));
    return further(visible, this.#receipts.get(receiptKey({ roomId, userId, hidden: true, private: false })));
  }

  /** A part of the room's state that is there. */
  section(roomId: string, part: string): RoomSectionRow | undefined {
    const row = this.#parts.get(`${roomId} ${part}`);
    return row === undefined || row.body === null ? undefined : row;
  }

  /** What to call a user: their name, or their id while nobody told us one. */
  nameOf(userId: string): string {
    return this.#users.get(userId)?.name ?? userId;
  }

  /** Whether a user chose to appear offline. */
  appearsOffline(userId: string): boolean {
    return this.#users.get(userId)?.choice === "appear_offline";
  }

  /** The one member of the room who goes by that name, as it was when the group began; nobody who has left in it. */
  memberNamed(roomId: string, name: string): string | undefined {
    const userId = this.#named.get(`${roomId} ${name}`);
    const member = this.#members.get(`${roomId} ${userId}`);
    return member === undefined || member.leftSeq === null ? userId : undefined;
  }

  /** What is known of an event of Matrix that has come. */
  matrix(roomId: string, eventId: string): MatrixRow | undefined {
    return this.#relations.get(roomId, eventId);
  }

  /** What edits, reacts to or redacts an event of Matrix, as far as it was asked for or put here. */
  relations(roomId: string, eventId: string): readonly MatrixRow[] {
    return this.#relations.of(roomId, eventId);
  }

  /** The message that an event of Matrix became. */
  messageOfEvent(roomId: string, eventId: string): MessageRow | undefined {
    const row = this.matrix(roomId, eventId);
    return row?.kind === "message" && row.subjectId !== null ? this.findMessage(roomId, row.subjectId) : undefined;
  }

  /** Whether such a send is on its way to the homeserver. */
  isPendingWrite(write: MatrixWrite): boolean {
    return this.#writes.has(writeKey(write));
  }

  /** The last message that had come when that event of Matrix came; nothing while it has not come. */
  lastMessageAtEvent(roomId: string, eventId: string): MessageRow | undefined {
    const row = this.matrix(roomId, eventId);
    if (row === undefined) return undefined;
    const asked = this.#upTo.get(`${roomId} ${eventId}`);
    // The store has not seen what this group put: neither the event, perhaps, nor messages before it.
    const put = this.#messages.changed().filter((message) => message.roomId === roomId && message.seq <= row.seq);
    const known = asked === undefined ? put : [...put, this.findMessage(roomId, asked)];
    return known.reduce<MessageRow | undefined>(
      (last, each) => ((each?.seq ?? 0) > (last?.seq ?? 0) ? each : last),
      undefined,
    );
  }

  /** The event at `seq`, as far as it was asked for, is kept, or was made here. */
  event(roomId: string, seq: number): EventRow | undefined {
    return this.#known.get(`${roomId} ${seq}`) ?? this.#events.find((row) => row.roomId === roomId && row.seq === seq);
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
    this.#reactions.put(row);
    this.#indexReaction(row);
  }

  putReceipt(row: ReceiptRow): void {
    this.#receipts.put(row);
  }

  putSection(row: RoomSectionRow): void {
    this.#parts.put(row);
  }

  putMarker(row: MarkerRow): void {
    this.#markers.put(row);
  }

  putMatrix(row: MatrixRow): void {
    this.#relations.put(row);
  }

  /** The seq that the room's next event takes. */
  nextSeq(roomId: string): number {
    return this.row(roomId).lastSeq + 1;
  }

  /** Appends an event to the room under its next seq. `about`: whom a join or leave concerns; else its author. */
  append(roomId: string, about: string, body: Unnumbered<EventBody>): EventRow {
    const room = this.row(roomId);
    const seq = room.lastSeq + 1;
    this.#rooms.put({ ...room, lastSeq: seq });
    const numbered = { ...body, chatId: roomId, seq } as EventBody;
    const encoded = toBytes(encodeBody(numbered));
    const event = { roomId, seq, type: body.type, userId: about, body: encoded, ...messageOf(body) };
    this.#events.push(event);
    this.outgoing.push(event);
    return event;
  }

  announceTyping(note: TypingChange): void {
    this.outgoing.push(note);
  }

  /** Everything that was put or appended: what the transaction writes. */
  changes(): Rows {
    return {
      rooms: this.#rooms.changed(),
      members: this.#members.changed(),
      messages: this.#messages.changed(),
      reactions: this.#reactions.changed(),
      receipts: this.#receipts.changed(),
      users: [],
      events: this.#events,
      markers: this.#markers.changed(),
      sections: this.#parts.changed(),
      matrix: this.#relations.changed(),
      writes: [],
      named: [],
      lastMessagesAtEvents: [],
    };
  }

  #indexReaction(row: ReactionRow): void {
    const key = `${row.roomId} ${row.messageId} ${row.senderId} ${row.reaction}`;
    if (row.removedSeq === null) this.#activeReactions.set(key, row);
    else if (this.#activeReactions.get(key)?.reactionId === row.reactionId) this.#activeReactions.delete(key);
  }
}

/** What travels beside the body of a message. */
function messageOf(body: Unnumbered<EventBody>): { message?: MessageRef } {
  if (body.type !== "SEND_MSG" && body.type !== "REPLY") return {};
  const { messageId, eventId = null, mentions = [] } = body;
  return { message: { messageId, eventId, mentions } };
}

const receiptKey = (row: Pick<ReceiptRow, "roomId" | "userId" | "hidden" | "private">) =>
  `${row.roomId} ${row.userId} ${row.hidden} ${row.private}`;

const writeKey = (write: MatrixWrite) => `${write.roomId} ${write.senderId} ${write.clientMessageId}`;

const further = (one: ReceiptRow | undefined, other: ReceiptRow | undefined): ReceiptRow | undefined =>
  (other?.messageSeq ?? 0) > (one?.messageSeq ?? 0) ? other : one;
