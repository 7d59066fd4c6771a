import type { EventBody } from "@signalbox/protocol/down";
import { encodeBody } from "@signalbox/protocol/encode";
import { Problem } from "@signalbox/protocol/errors";
import { toBytes } from "./bytes.ts";
import type {
  EventRow,
  MarkerRow,
  MemberRow,
  MessageRow,
  PartRow,
  ReactionRow,
  ReceiptRow,
  RoomRow,
  Rows,
  UserRow,
} from "./ports.ts";

/** Who asks: a user, or a trusted back end (`service`) that may act on any room. */
export interface Actor {
  readonly userId: string;
  readonly service: boolean;
  /** They appear offline: what they type is told to nobody. */
  readonly hidden?: boolean;
}

/** Somebody starts or stops typing: told, not written. */
export interface TypingNote {
  readonly roomId: string;
  readonly userId: string;
  readonly started: boolean;
}

type Unnumbered<T> = T extends unknown ? Omit<T, "seq" | "chatId"> : never;

/**
 * The rows of one transaction while it is being decided. Rules read and put rows here; what an earlier command of the
 * group put, a later one sees. A rule checks everything before it puts anything: one that throws has changed nothing.
 */
export class Draft {
  /** The store's clock under the locks. */
  readonly now: Date;
  readonly #rooms: Table<RoomRow>;
  readonly #members: Table<MemberRow>;
  readonly #messages: Table<MessageRow>;
  readonly #repeats: Table<MessageRow>;
  readonly #reactions: Table<ReactionRow>;
  readonly #standing = new Map<string, ReactionRow>();
  readonly #receipts: Table<ReceiptRow>;
  readonly #parts: Table<PartRow>;
  readonly #markers: Table<MarkerRow>;
  readonly #users: ReadonlyMap<string, UserRow>;
  readonly #named: ReadonlyMap<string, string>;
  readonly #known: ReadonlyMap<string, EventRow>;
  readonly #events: EventRow[] = [];
  /** What the room is told after the commit, in order. */
  readonly told: (EventRow | TypingNote)[] = [];

  constructor(rows: Rows, now: Date) {
    this.now = now;
    this.#rooms = new Table(rows.rooms, (row) => row.roomId);
    this.#members = new Table(rows.members, (row) => `${row.roomId} ${row.userId}`);
    this.#messages = new Table(rows.messages, (row) => `${row.roomId} ${row.messageId}`);
    this.#repeats = new Table(
      rows.messages.filter((row) => row.clientMessageId !== null),
      (row) => `${row.roomId} ${row.senderId} ${row.clientMessageId}`,
    );
    this.#reactions = new Table(rows.reactions, (row) => row.reactionId);
    for (const row of rows.reactions) this.#stand(row);
    this.#receipts = new Table(rows.receipts, receiptKey);
    this.#parts = new Table(rows.parts, (row) => `${row.roomId} ${row.part}`);
    this.#markers = new Table(rows.markers, (row) => `${row.roomId} ${row.userId}`);
    this.#named = new Map(rows.named.map((row) => [`${row.roomId} ${row.name}`, row.userId]));
    this.#users = new Map(rows.users.map((row) => [row.userId, row]));
    this.#known = new Map(rows.events.map((row) => [`${row.roomId} ${row.seq}`, row]));
  }

  /** The room, for somebody who may know that it exists. Throws `not_found` for everybody else, as for a room that does not exist. */
  room(roomId: string, actor: Actor): RoomRow {
    const room = this.#rooms.get(roomId);
    const present = room !== undefined && room.deletedAt === null;
    if (!present || !(actor.service || this.member(roomId, actor.userId)))
      throw new Problem("not_found", "no such room");
    return room;
  }

  /** The standing membership of `userId`, if there is one. */
  member(roomId: string, userId: string): MemberRow | undefined {
    const row = this.#members.get(`${roomId} ${userId}`);
    return row?.leftSeq === null ? row : undefined;
  }

  /** Whether the actor may do what owners may. */
  rules(roomId: string, actor: Actor): boolean {
    return actor.service || this.member(roomId, actor.userId)?.role === "owner";
  }

  /** Throws `not_found` for a message that is not in this room. */
  message(roomId: string, messageId: string): MessageRow {
    const row = this.peek(roomId, messageId);
    if (row === undefined) throw new Problem("not_found", "no such message");
    return row;
  }

  /** A message that may not be there, or was not asked for. */
  peek(roomId: string, messageId: string): MessageRow | undefined {
    return this.#messages.get(`${roomId} ${messageId}`);
  }

  /** An earlier send of the same author with the same client id. */
  repeat(roomId: string, senderId: string, clientMessageId: string | undefined): MessageRow | undefined {
    return clientMessageId === undefined ? undefined : this.#repeats.get(`${roomId} ${senderId} ${clientMessageId}`);
  }

  reaction(reactionId: string): ReactionRow | undefined {
    return this.#reactions.get(reactionId);
  }

  standing(roomId: string, messageId: string, senderId: string, reaction: string): ReactionRow | undefined {
    return this.#standing.get(`${roomId} ${messageId} ${senderId} ${reaction}`);
  }

  /** How far a user has read: the further of what everybody may know and what only they may. */
  receipt(roomId: string, userId: string): ReceiptRow | undefined {
    const visible = this.#receipts.get(receiptKey({ roomId, userId, hidden: false }));
    const hidden = this.#receipts.get(receiptKey({ roomId, userId, hidden: true }));
    return (hidden?.messageSeq ?? 0) > (visible?.messageSeq ?? 0) ? hidden : visible;
  }

  /** A part of the room's state that is there. */
  part(roomId: string, part: string): PartRow | undefined {
    const row = this.#parts.get(`${roomId} ${part}`);
    return row === undefined || row.body === null ? undefined : row;
  }

  /** What to call a user: their name, or their id while nobody told us one. */
  nameOf(userId: string): string {
    return this.#users.get(userId)?.name ?? userId;
  }

  /** Whether a user chose to appear offline. */
  hides(userId: string): boolean {
    return this.#users.get(userId)?.choice === "appear_offline";
  }

  /** The one member of the room who goes by that name, as it was when the group began; nobody who has left in it. */
  named(roomId: string, name: string): string | undefined {
    const userId = this.#named.get(`${roomId} ${name}`);
    const member = this.#members.get(`${roomId} ${userId}`);
    return member === undefined || member.leftSeq === null ? userId : undefined;
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
    this.#stand(row);
  }

  putReceipt(row: ReceiptRow): void {
    this.#receipts.put(row);
  }

  putPart(row: PartRow): void {
    this.#parts.put(row);
  }

  putMarker(row: MarkerRow): void {
    this.#markers.put(row);
  }

  /** The seq that the room's next event takes. */
  nextSeq(roomId: string): number {
    return this.#present(roomId).lastSeq + 1;
  }

  /** Appends an event to the room under its next seq. `about`: whom a join or leave concerns; else its author. */
  append(roomId: string, about: string, body: Unnumbered<EventBody>): EventRow {
    const room = this.#present(roomId);
    const seq = room.lastSeq + 1;
    this.#rooms.put({ ...room, lastSeq: seq });
    const numbered = { ...body, chatId: roomId, seq } as EventBody;
    const event = { roomId, seq, type: body.type, userId: about, body: toBytes(encodeBody(numbered)) };
    this.#events.push(event);
    this.told.push(event);
    return event;
  }

  tell(note: TypingNote): void {
    this.told.push(note);
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
      parts: this.#parts.changed(),
      named: [],
    };
  }

  #present(roomId: string): RoomRow {
    const room = this.#rooms.get(roomId);
    if (room === undefined) throw new Error("a rule wrote to a room that it did not ask for");
    return room;
  }

  #stand(row: ReactionRow): void {
    const key = `${row.roomId} ${row.messageId} ${row.senderId} ${row.reaction}`;
    if (row.removedSeq === null) this.#standing.set(key, row);
    else if (this.#standing.get(key)?.reactionId === row.reactionId) this.#standing.delete(key);
  }
}

const receiptKey = ({ roomId, userId, hidden }: Pick<ReceiptRow, "roomId" | "userId" | "hidden">) =>
  `${roomId} ${userId} ${hidden}`;

class Table<Row> {
  readonly #keyOf: (row: Row) => string;
  readonly #rows: Map<string, Row>;
  readonly #changed = new Map<string, Row>();

  constructor(rows: readonly Row[], keyOf: (row: Row) => string) {
    this.#keyOf = keyOf;
    this.#rows = new Map(rows.map((row) => [keyOf(row), row]));
  }

  get(key: string): Row | undefined {
    return this.#rows.get(key);
  }

  put(row: Row): void {
    const key = this.#keyOf(row);
    this.#rows.set(key, row);
    this.#changed.set(key, row);
  }

  changed(): Row[] {
    return [...this.#changed.values()];
  }
}
