import { originalOf } from "../model/event-bodies.ts";
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
  UserRow,
} from "../model/rows.ts";
import type { HistoryMessage, RoomStateMember } from "../ports/store.ts";

/** The key of whatever is a room's and a user's. */
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
  readonly events = new Map<string, EventRow>();
  readonly markers = new Map<string, MarkerRow>();
  readonly parts = new Map<string, RoomSectionRow>();
  readonly matrix = new Map<string, MatrixRow>();
  readonly writes = new Map<string, MatrixWrite>();

  write({
    rooms,
    members,
    messages,
    reactions,
    receipts,
    users,
    events,
    markers,
    sections: parts,
    matrix,
  }: Rows): void {
    for (const row of rooms) this.rooms.set(row.roomId, row);
    for (const row of members) this.members.set(pair(row), row);
    for (const row of messages) this.messages.set(`${row.roomId} ${row.messageId}`, row);
    for (const row of reactions) this.reactions.set(row.reactionId, row);
    for (const row of receipts) this.receipts.set(receiptKey(row), row);
    for (const row of users) this.users.set(row.userId, row);
    for (const row of events) this.events.set(`${row.roomId} ${row.seq}`, row);
    for (const row of markers) this.markers.set(pair(row), row);
    for (const row of matrix) this.matrix.set(`${row.roomId} ${row.eventId}`, row);
    for (const row of parts) {
      if (row.body === null) this.parts.delete(`${row.roomId} ${row.section}`);
      else this.parts.set(`${row.roomId} ${row.section}`, row);
    }
  }

  asked(needs: ReadSet): Rows {
    const byId = needs.reactions.flatMap(({ reactionId, userId }) => {
      const row = this.reactions.get(reactionId);
      return row === undefined ? [] : [{ roomId: row.roomId, messageId: row.messageId, reactionId, userId }];
    });
    const actors = byId.map(({ roomId, userId }) => ({ roomId, userId }));
    const matrix = this.#matrix(needs);
    const upTo = needs.lastMessagesAtEvents.flatMap((need) => this.#upTo(need));
    const became = matrix.flatMap(({ roomId, subjectId }) =>
      subjectId === null ? [] : [{ roomId, messageId: subjectId }],
    );
    const { messages, events } = this.#messages({ ...needs, messages: [...needs.messages, ...became] }, [
      ...byId,
      ...upTo,
    ]);
    return {
      rooms: this.#locked(needs, byId),
      members: within(this.members, [...needs.members, ...actors]),
      messages,
      reactions: this.#reactions(needs, matrix),
      receipts: within(this.receipts, needs.receipts),
      users: [...this.users.values()].filter(({ userId }) => needs.users.includes(userId)),
      events,
      markers: [],
      sections: within(this.parts, needs.sections),
      matrix,
      writes: within(this.writes, needs.writes),
      named: [...new Map(needs.names.map((need) => [`${need.roomId} ${need.name}`, need])).values()].flatMap((need) =>
        this.#named(need),
      ),
      lastMessagesAtEvents: upTo,
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

  messagesOf(room: string): MessageRow[] {
    return [...this.messages.values()].filter(({ roomId }) => roomId === room).sort((a, b) => a.seq - b.seq);
  }

  /** The parts of a room's state, by their names. */
  partsOf(room: string): RoomSectionRow[] {
    const ours = [...this.parts.values()].filter(({ roomId }) => roomId === room);
    return ours.sort((a, b) => (a.section < b.section ? -1 : 1));
  }

  /** How far a user has read, where only they may know it too. */
  read(roomId: string, userId: string): ReceiptRow | undefined {
    const all = within(this.receipts, [{ roomId, userId }]);
    return all.sort((a, b) => b.messageSeq - a.messageSeq)[0];
  }

  /** A room's members as `asking` sees them, by the time of joining. */
  stateMembers(room: string, asking: string): RoomStateMember[] {
    const members = this.membersOf(room).sort(
      (a, b) => a.joinedAt.getTime() - b.joinedAt.getTime() || (a.userId < b.userId ? -1 : 1),
    );
    return members.map(({ userId, role, joinedAt }) => {
      const { name = null, activeAt = null } = this.users.get(userId) ?? {};
      const shown = receiptKey({ roomId: room, userId, hidden: false, private: false });
      const read = userId === asking ? this.read(room, userId) : this.receipts.get(shown);
      const known =
        read === undefined
          ? null
          : (({ messageId, eventId, readAt }) => ({ messageId, eventId, readAt: readAt.toISOString() }))(read);
      return { userId, name, role, joinedAt: joinedAt.toISOString(), activeAt, read: known };
    });
  }

  printed(row: MessageRow): HistoryMessage {
    const original = row.replyTo === null ? undefined : this.messages.get(`${row.roomId} ${row.replyTo}`);
    const reactions = [...this.reactions.values()].filter(
      ({ messageId, removedSeq }) => messageId === row.messageId && removedSeq === null,
    );
    return { ...row, original: original === undefined ? null : originalOf(original), reactions };
  }

  /** Takes a user's hidden receipts away, and returns what takes the place of their visible ones. */
  unhide(user: string): ReceiptRow[] {
    const hidden = [...this.receipts.values()].filter((row) => row.userId === user && row.hidden && !row.private);
    for (const row of hidden) this.receipts.delete(receiptKey(row));
    return hidden
      .map((row) => ({ ...row, hidden: false, stampSeq: this.rooms.get(row.roomId)?.lastSeq ?? row.stampSeq }))
      .filter((row) => row.messageSeq > (this.receipts.get(receiptKey(row))?.messageSeq ?? 0));
  }

  #locked(needs: ReadSet, reactions: readonly { readonly roomId: string }[]): RoomRow[] {
    const {
      members,
      messages,
      repeats,
      activeReactions: standing,
      receipts,
      sections: parts,
      names,
      matrix,
      writes,
      lastMessagesAtEvents: upTo,
      annotated,
    } = needs;
    const ours = [members, messages, repeats, standing, receipts, parts, names, reactions];
    const named = [...ours, matrix, writes, upTo, annotated].flatMap((each) => each.map(({ roomId }) => roomId));
    const ids = [...new Set([...needs.rooms, ...named])].sort();
    return ids.flatMap((roomId) => this.rooms.get(roomId) ?? []);
  }

  #messages(needs: ReadSet, reacted: readonly { readonly roomId: string; readonly messageId: string }[]) {
    const asked = within(this.messages, needs.messages);
    const repeats = within(this.messages, needs.repeats);
    const events = repeats.flatMap((row) => this.events.get(`${row.roomId} ${row.seq}`) ?? []);
    const pruned = repeats.filter((row) => !this.events.has(`${row.roomId} ${row.seq}`));
    const answered = [...asked, ...pruned].flatMap((row) => this.messages.get(`${row.roomId} ${row.replyTo}`) ?? []);
    const reactedTo = reacted.flatMap((row) => this.messages.get(`${row.roomId} ${row.messageId}`) ?? []);
    return { messages: [...new Set([...asked, ...repeats, ...answered, ...reactedTo])], events };
  }

  #reactions(needs: ReadSet, matrix: readonly MatrixRow[]): ReactionRow[] {
    const ids = new Set([
      ...needs.reactions.map(({ reactionId }) => reactionId),
      ...matrix.map((row) => row.subjectId),
    ]);
    const annotated = needs.annotated.flatMap(({ roomId, eventId, senderId, reaction }) =>
      within(this.messages, [{ roomId, eventId }]).map(({ messageId }) => ({ roomId, messageId, senderId, reaction })),
    );
    const standing = [...needs.activeReactions, ...annotated];
    return [...this.reactions.values()].filter(
      (row) => ids.has(row.reactionId) || (row.removedSeq === null && fits(row, standing)),
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

  #upTo({ roomId, eventId }: ReadSet["lastMessagesAtEvents"][number]) {
    const seq = this.matrix.get(`${roomId} ${eventId}`)?.seq ?? Number.POSITIVE_INFINITY;
    const last = this.messagesOf(roomId).findLast((message) => message.seq <= seq);
    return last === undefined ? [] : [{ roomId, eventId, messageId: last.messageId }];
  }

  #named({ roomId, name }: ReadSet["names"][number]): Rows["named"] {
    const bearers = this.membersOf(roomId).filter(({ userId }) => this.users.get(userId)?.name === name);
    return bearers.length === 1 ? bearers.map(({ userId }) => ({ roomId, name, userId })) : [];
  }
}

/** Whether a row is one that these ask for by its fields. */
const fits = (row: object, needs: readonly object[]): boolean =>
  needs.some((need) =>
    Object.entries(need).every(([field, value]) => (row as Record<string, unknown>)[field] === value),
  );

const within = <Row extends object>(rows: ReadonlyMap<string, Row>, needs: readonly object[]): Row[] =>
  needs.length === 0 ? [] : [...rows.values()].filter((row) => fits(row, needs));
