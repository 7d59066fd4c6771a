import type {
  EventRow,
  MarkerRow,
  MatrixRow,
  MatrixWrite,
  MemberRow,
  MessageRow,
  ReactionRow,
  ReadSet,
  ReceiptRow,
  RoomRow,
  RoomSectionRow,
  Rows,
  StoredEvent,
  UserRow,
} from "../model/rows.ts";
import { eventOf } from "../model/stored-events.ts";
import type { CheckedHead, Resumable } from "../ports/store.ts";

/** The key of a row that belongs to a user in a room. */
export const pair = ({ roomId, userId }: { readonly roomId: string; readonly userId: string }) => `${roomId} ${userId}`;
export const receiptKey = (row: Pick<ReceiptRow, "roomId" | "userId" | "hidden" | "private">) =>
  `${pair(row)} ${row.hidden} ${row.private}`;

/** The rows of a `MapStore` by their keys, and what a commit is given of them. */
export class MapRows {
  readonly rooms = new Map<string, RoomRow>();
  readonly members = new Map<string, MemberRow>();
  readonly messages = new Map<string, MessageRow>();
  readonly reactions = new Map<string, ReactionRow>();
  readonly receipts = new Map<string, ReceiptRow>();
  readonly users = new Map<string, UserRow>();
  readonly events = new Map<string, StoredEvent>();
  readonly markers = new Map<string, MarkerRow>();
  readonly sections = new Map<string, RoomSectionRow>();
  readonly matrix = new Map<string, MatrixRow>();
  readonly writes = new Map<string, MatrixWrite>();
  /** When an event, a receipt or a pending write was written, by its key, and what time a room has seen. */
  readonly eventTimes = new Map<string, number>();
  readonly receiptTimes = new Map<string, number>();
  readonly writeTimes = new Map<string, number>();
  readonly roomTimes = new Map<string, number>();

  /** Writes rows at the time `now`. Returns them as they are kept: users may have changed meanwhile. */
  write(rows: Rows, now: number): Rows {
    const users = rows.users.map((row) => this.#putUser(row));
    for (const row of rows.receipts) {
      this.receipts.set(receiptKey(row), row);
      this.receiptTimes.set(receiptKey(row), now);
    }
    for (const row of rows.rooms) {
      this.rooms.set(row.roomId, row);
      this.roomTimes.set(row.roomId, now);
    }
    for (const row of rows.members) this.members.set(pair(row), row);
    for (const row of rows.messages) this.messages.set(`${row.roomId} ${row.messageId}`, row);
    for (const row of rows.reactions) this.reactions.set(row.reactionId, row);
    for (const row of rows.events) {
      this.events.set(`${row.roomId} ${row.seq}`, row);
      this.eventTimes.set(`${row.roomId} ${row.seq}`, now);
    }
    for (const row of rows.markers) this.markers.set(pair(row), row);
    for (const row of rows.matrix) this.matrix.set(`${row.roomId} ${row.eventId}`, row);
    for (const row of rows.sections) {
      if (row.body === null) this.sections.delete(`${row.roomId} ${row.section}`);
      else this.sections.set(`${row.roomId} ${row.section}`, row);
    }
    return { ...rows, users };
  }

  /** As `write`, for a commit: a receipt is hidden only while its user appears offline, unless it is private. */
  commit(rows: Rows, now: number): Rows {
    for (const row of rows.users) this.#putUser(row);
    const hides = (userId: string) => this.users.get(userId)?.choice === "appear_offline";
    const receipts = rows.receipts.map((row) => ({ ...row, hidden: row.hidden && (row.private || hides(row.userId)) }));
    return this.write({ ...rows, receipts }, now);
  }

  /** Has all that is kept of the room written `ms` earlier. */
  age(roomId: string, ms: number): void {
    for (const times of [this.eventTimes, this.receiptTimes, this.writeTimes, this.roomTimes])
      for (const [key, at] of times) if (key.startsWith(roomId)) times.set(key, at - ms);
  }

  /** Takes back what was written to the room above `seq`. */
  goBack(roomId: string, seq: number): void {
    const room = this.rooms.get(roomId);
    if (room === undefined) return;
    for (const [key, event] of this.events) if (event.roomId === roomId && event.seq > seq) this.forgetEvent(key);
    for (const [key, message] of this.messages)
      if (message.roomId === roomId && message.seq > seq) this.messages.delete(key);
    const messageCount = this.messagesOf(roomId).at(-1)?.ordinal ?? 0;
    const lastMark = this.events.get(`${roomId} ${seq}`)?.mark ?? 0;
    this.rooms.set(roomId, { ...room, lastSeq: seq, lastMark, messageCount });
  }

  forgetEvent(key: string): void {
    this.events.delete(key);
    this.eventTimes.delete(key);
  }

  /** The rows that a commit with these needs is given. */
  asked(needs: ReadSet): Rows {
    const byId = needs.reactions.flatMap(({ reactionId, userId }) => {
      const row = this.reactions.get(reactionId);
      return row === undefined ? [] : [{ roomId: row.roomId, messageId: row.messageId, reactionId, userId }];
    });
    const actors = byId.map(({ roomId, userId }) => ({ roomId, userId }));
    const matrix = this.#matrix(needs);
    const last = needs.lastMessagesAtEvents.flatMap((need) => this.#lastMessageAt(need));
    const became = matrix.flatMap(({ roomId, subjectId }) =>
      subjectId === null ? [] : [{ roomId, messageId: subjectId }],
    );
    const messages = this.#messages({ ...needs, messages: [...needs.messages, ...became] }, [...byId, ...last]);
    const reactions = this.#reactions(needs, matrix);
    const about = new Set([
      ...messages.flatMap(({ roomId, ...row }) =>
        [row.seq, row.editSeq, row.deleteSeq].map((seq) => `${roomId} ${seq}`),
      ),
      ...reactions.flatMap(({ roomId, seq, removedSeq }) => [seq, removedSeq].map((each) => `${roomId} ${each}`)),
    ]);
    return {
      rooms: this.#locked(needs, byId),
      members: within(this.members, [...needs.members, ...actors]),
      messages,
      reactions,
      receipts: within(this.receipts, needs.receipts),
      users: [...this.users.values()].filter(({ userId }) => needs.users.includes(userId)),
      events: [],
      marks: [...this.events.values()].filter(({ roomId, seq }) => about.has(`${roomId} ${seq}`)),
      markers: [],
      sections: within(this.sections, needs.sections),
      matrix,
      outbox: [],
      writes: within(this.writes, needs.writes),
      named: [...new Map(needs.names.map((need) => [`${need.roomId} ${need.name}`, need])).values()].flatMap((need) =>
        this.#named(need),
      ),
      lastMessagesAtEvents: last,
    };
  }

  /** A membership that has not ended. */
  member(roomId: string, userId: string): MemberRow | undefined {
    const row = this.members.get(pair({ roomId, userId }));
    return row?.leftSeq === null ? row : undefined;
  }

  membersOf(room: string): MemberRow[] {
    return [...this.members.values()].filter(({ roomId, leftSeq }) => roomId === room && leftSeq === null);
  }

  roomsOf(userId: string): RoomRow[] {
    return [...this.rooms.values()].filter(
      ({ roomId, deletedAt }) => deletedAt === null && this.member(roomId, userId) !== undefined,
    );
  }

  /** The room's events above `after`, in order, with the texts of now. */
  eventsOf(room: string, after: number): EventRow[] {
    const messages = new Map(this.messagesOf(room).map((message) => [message.messageId, message]));
    const names = new Map([...this.users.values()].map(({ userId, name }) => [userId, name]));
    const subjects = { messages, reactions: this.reactions, names, roomName: this.rooms.get(room)?.name ?? "" };
    const ours = [...this.events.values()].filter(({ roomId, seq }) => roomId === room && seq > after);
    return ours.sort((a, b) => a.seq - b.seq).map((event) => eventOf(event, subjects));
  }

  /** These rooms, as the user comes back to them. */
  resumable(userId: string, rooms: readonly RoomRow[]): Map<string, Resumable> {
    return new Map(
      rooms.map(({ roomId, lastSeq, lastMark, deletedAt }) => {
        const first = deletedAt === null ? (this.member(roomId, userId)?.firstSeq ?? 1) : lastSeq;
        return [roomId, { seq: lastSeq, mark: lastMark, from: first - 1 }];
      }),
    );
  }

  headAt(roomId: string, asked: number): CheckedHead {
    const room = this.rooms.get(roomId);
    const [seq, mark] = [room?.lastSeq ?? 0, room?.lastMark ?? 0];
    const at = (each: number) => this.events.get(`${roomId} ${each}`);
    const found = asked === 0 ? 0 : asked === seq ? mark : (at(asked)?.mark ?? at(asked + 1)?.prev ?? null);
    return { seq, mark, found, deleted: room !== undefined && room.deletedAt !== null };
  }

  messagesOf(room: string): MessageRow[] {
    return [...this.messages.values()].filter(({ roomId }) => roomId === room).sort((a, b) => a.seq - b.seq);
  }

  /** The sections of a room's state, by their names. */
  sectionsOf(room: string): RoomSectionRow[] {
    const ours = [...this.sections.values()].filter(({ roomId }) => roomId === room);
    return ours.sort((a, b) => (a.section < b.section ? -1 : 1));
  }

  /** The user, or the row that a user has before the first change. */
  userOf(userId: string): UserRow {
    return this.users.get(userId) ?? newUser(userId);
  }

  /** How far a user has read, as only that user may know. */
  read(roomId: string, userId: string): ReceiptRow | undefined {
    const all = within(this.receipts, [{ roomId, userId }]);
    return all.sort((a, b) => b.messageSeq - a.messageSeq)[0];
  }

  /** Takes a user's hidden receipts away, and returns what takes the place of their visible ones. */
  unhide(user: string): ReceiptRow[] {
    const hidden = [...this.receipts.values()].filter((row) => row.userId === user && row.hidden && !row.private);
    for (const row of hidden) this.receipts.delete(receiptKey(row));
    return hidden
      .map((row) => ({ ...row, hidden: false, stampSeq: this.rooms.get(row.roomId)?.lastSeq ?? row.stampSeq }))
      .filter((row) => row.messageSeq > (this.receipts.get(receiptKey(row))?.messageSeq ?? 0));
  }

  /** A revocation, a choice or an activity that came in between stays, and so does the Matrix user. */
  #putUser(row: UserRow): UserRow {
    const known = this.users.get(row.userId);
    const { choice, choiceVersion } = known !== undefined && known.choiceVersion >= row.choiceVersion ? known : row;
    const kept = {
      ...row,
      revokedAt: latest(known?.revokedAt, row.revokedAt),
      choice,
      choiceVersion,
      activeAt: latest(known?.activeAt, row.activeAt),
      matrixUserId: row.matrixUserId ?? known?.matrixUserId ?? null,
    };
    this.users.set(row.userId, kept);
    return kept;
  }

  #locked(needs: ReadSet, reactions: readonly { readonly roomId: string }[]): RoomRow[] {
    const { members, messages, repeats, activeReactions, receipts, sections } = needs;
    const { names, matrix, writes, lastMessagesAtEvents, annotated } = needs;
    const own = [members, messages, repeats, activeReactions, receipts, sections, reactions];
    const foreign = [names, matrix, writes, lastMessagesAtEvents, annotated];
    const named = [...own, ...foreign].flatMap((each) => each.map(({ roomId }) => roomId));
    const ids = [...new Set([...needs.rooms, ...named])].sort();
    return ids.flatMap((roomId) => this.rooms.get(roomId) ?? []);
  }

  #messages(needs: ReadSet, reacted: readonly { readonly roomId: string; readonly messageId: string }[]) {
    const asked = within(this.messages, needs.messages);
    const repeats = within(this.messages, needs.repeats);
    const answered = [...asked, ...repeats].flatMap((row) => this.messages.get(`${row.roomId} ${row.replyTo}`) ?? []);
    const reactedTo = reacted.flatMap((row) => this.messages.get(`${row.roomId} ${row.messageId}`) ?? []);
    return [...new Set([...asked, ...repeats, ...answered, ...reactedTo])];
  }

  #reactions(needs: ReadSet, matrix: readonly MatrixRow[]): ReactionRow[] {
    const ids = new Set([
      ...needs.reactions.map(({ reactionId }) => reactionId),
      ...matrix.map((row) => row.subjectId),
    ]);
    const annotated = needs.annotated.flatMap(({ roomId, eventId, senderId, reaction }) =>
      within(this.messages, [{ roomId, eventId }]).map(({ messageId }) => ({ roomId, messageId, senderId, reaction })),
    );
    const active = [...needs.activeReactions, ...annotated];
    return [...this.reactions.values()].filter(
      (row) => ids.has(row.reactionId) || (row.removedSeq === null && fits(row, active)),
    );
  }

  #matrix({ matrix }: ReadSet): MatrixRow[] {
    const asked = within(this.matrix, matrix);
    const targets = asked.flatMap(({ roomId, targetId }) => this.matrix.get(`${roomId} ${targetId}`) ?? []);
    const named = new Set([...matrix, ...targets].map(({ roomId, eventId }) => `${roomId} ${eventId}`));
    const waits = ({ kind, subjectId }: MatrixRow) => kind !== "reaction" || subjectId === null;
    const related = [...this.matrix.values()].filter(
      (row) =>
        named.has(`${row.roomId} ${row.targetId}`) && row.kind !== "message" && row.kind !== "other" && waits(row),
    );
    return [...new Set([...asked, ...targets, ...related])];
  }

  #lastMessageAt({ roomId, eventId }: ReadSet["lastMessagesAtEvents"][number]) {
    const seq = this.matrix.get(`${roomId} ${eventId}`)?.seq ?? Number.POSITIVE_INFINITY;
    const last = this.messagesOf(roomId).findLast((message) => message.seq <= seq);
    return last === undefined ? [] : [{ roomId, eventId, messageId: last.messageId }];
  }

  #named({ roomId, name }: ReadSet["names"][number]): Rows["named"] {
    const bearers = this.membersOf(roomId).filter(({ userId }) => this.users.get(userId)?.name === name);
    return bearers.length === 1 ? bearers.map(({ userId }) => ({ roomId, name, userId })) : [];
  }
}

/** A user before the first change. */
export const newUser = (userId: string): UserRow => ({
  userId,
  name: null,
  revokedAt: null,
  choice: "online",
  choiceVersion: 0,
  activeAt: null,
  matrixUserId: null,
});

const latest = (one: Date | null | undefined, other: Date | null): Date | null => {
  if (one === null || one === undefined) return other;
  return other === null || one > other ? one : other;
};

/** True when one of `needs` asks for the row by its fields. */
const fits = (row: object, needs: readonly object[]): boolean =>
  needs.some((need) =>
    Object.entries(need).every(([field, value]) => (row as Record<string, unknown>)[field] === value),
  );

const within = <Row extends object>(rows: ReadonlyMap<string, Row>, needs: readonly object[]): Row[] =>
  needs.length === 0 ? [] : [...rows.values()].filter((row) => fits(row, needs));
