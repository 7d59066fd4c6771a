import type {
  EventRow,
  MarkerRow,
  MemberRow,
  MessageRow,
  Needs,
  PartRow,
  ReactionRow,
  ReceiptRow,
  RoomRow,
  Rows,
  UserRow,
} from "./ports.ts";

/** The key of whatever is a room's and a user's. */
export const pair = ({ roomId, userId }: { readonly roomId: string; readonly userId: string }) => `${roomId} ${userId}`;
export const receiptKey = (row: Pick<ReceiptRow, "roomId" | "userId" | "hidden">) => `${pair(row)} ${row.hidden}`;

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
  readonly parts = new Map<string, PartRow>();

  write({ rooms, members, messages, reactions, receipts, users, events, markers, parts }: Rows): void {
    for (const row of rooms) this.rooms.set(row.roomId, row);
    for (const row of members) this.members.set(pair(row), row);
    for (const row of messages) this.messages.set(`${row.roomId} ${row.messageId}`, row);
    for (const row of reactions) this.reactions.set(row.reactionId, row);
    for (const row of receipts) this.receipts.set(receiptKey(row), row);
    for (const row of users) this.users.set(row.userId, row);
    for (const row of events) this.events.set(`${row.roomId} ${row.seq}`, row);
    for (const row of markers) this.markers.set(pair(row), row);
    for (const row of parts) {
      if (row.body === null) this.parts.delete(`${row.roomId} ${row.part}`);
      else this.parts.set(`${row.roomId} ${row.part}`, row);
    }
  }

  asked(needs: Needs): Rows {
    const byId = needs.reactions.flatMap(({ reactionId, userId }) => {
      const row = this.reactions.get(reactionId);
      return row === undefined ? [] : [{ roomId: row.roomId, messageId: row.messageId, reactionId, userId }];
    });
    const actors = byId.map(({ roomId, userId }) => ({ roomId, userId }));
    return {
      rooms: this.#locked(needs, byId),
      members: within(this.members, [...needs.members, ...actors]),
      reactions: [...this.reactions.values()].filter(
        (row) =>
          byId.some(({ reactionId }) => reactionId === row.reactionId) ||
          (row.removedSeq === null && fits(row, needs.standing)),
      ),
      ...this.#messages(needs, byId),
      receipts: within(this.receipts, needs.receipts),
      users: [...this.users.values()].filter(({ userId }) => needs.users.includes(userId)),
      markers: [],
      parts: within(this.parts, needs.parts),
      named: [...new Map(needs.names.map((need) => [`${need.roomId} ${need.name}`, need])).values()].flatMap((need) =>
        this.#named(need),
      ),
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
  partsOf(room: string): PartRow[] {
    const ours = [...this.parts.values()].filter(({ roomId }) => roomId === room);
    return ours.sort((a, b) => (a.part < b.part ? -1 : 1));
  }

  /** How far a user has read, where only they may know it too. */
  read(roomId: string, userId: string): ReceiptRow | undefined {
    const both = within(this.receipts, [{ roomId, userId }]);
    return both.sort((a, b) => b.messageSeq - a.messageSeq)[0];
  }

  /** Takes a user's hidden receipts away, and returns what takes the place of their visible ones. */
  unhide(user: string): ReceiptRow[] {
    const hidden = [...this.receipts.values()].filter((row) => row.userId === user && row.hidden);
    for (const row of hidden) this.receipts.delete(receiptKey(row));
    return hidden
      .map((row) => ({ ...row, hidden: false, stampSeq: this.rooms.get(row.roomId)?.lastSeq ?? row.stampSeq }))
      .filter((row) => row.messageSeq > (this.receipts.get(receiptKey(row))?.messageSeq ?? 0));
  }

  #locked(needs: Needs, reactions: readonly { readonly roomId: string }[]): RoomRow[] {
    const { members, messages, repeats, standing, receipts, parts, names } = needs;
    const named = [members, messages, repeats, standing, receipts, parts, names, reactions].flatMap((each) =>
      each.map(({ roomId }) => roomId),
    );
    const ids = [...new Set([...needs.rooms, ...named])].sort();
    return ids.flatMap((roomId) => this.rooms.get(roomId) ?? []);
  }

  #messages(needs: Needs, reacted: readonly { readonly roomId: string; readonly messageId: string }[]) {
    const asked = within(this.messages, needs.messages);
    const repeats = within(this.messages, needs.repeats);
    const events = repeats.flatMap((row) => this.events.get(`${row.roomId} ${row.seq}`) ?? []);
    const pruned = repeats.filter((row) => !this.events.has(`${row.roomId} ${row.seq}`));
    const answered = [...asked, ...pruned].flatMap((row) => this.messages.get(`${row.roomId} ${row.replyTo}`) ?? []);
    const reactedTo = reacted.flatMap((row) => this.messages.get(`${row.roomId} ${row.messageId}`) ?? []);
    return { messages: [...new Set([...asked, ...repeats, ...answered, ...reactedTo])], events };
  }

  #named({ roomId, name }: Needs["names"][number]): Rows["named"] {
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
