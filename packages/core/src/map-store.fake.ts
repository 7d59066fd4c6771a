import { Problem } from "@signalbox/protocol/errors";
import { originalOf } from "./messages.ts";
import type {
  Changes,
  EventRow,
  HistoryMessage,
  MemberRow,
  MessageRow,
  Needs,
  ReactionRow,
  ReceiptRow,
  RoomRow,
  RoomSummary,
  Rows,
  Store,
  UserRow,
} from "./ports.ts";

const EPOCH = Date.UTC(2026, 0, 1);

/** A store of maps, for tests: it keeps the promises of `Store`, can be away, and can keep its answers under way. */
export class MapStore implements Store {
  /** While true, every call rejects with `unavailable`. */
  away = false;
  /** Holds answers back: called when a method knows its answer, which it gives when the promise resolves. */
  underway: (method: keyof Store) => Promise<void> | undefined = () => undefined;
  /** Throws what it likes just before a transaction writes. */
  beforeWrite: (rows: Rows) => void = () => undefined;
  /** How often each method was called. */
  readonly calls = new Map<keyof Store, number>();

  readonly #rooms = new Map<string, RoomRow>();
  readonly #members = new Map<string, MemberRow>();
  readonly #messages = new Map<string, MessageRow>();
  readonly #reactions = new Map<string, ReactionRow>();
  readonly #receipts = new Map<string, ReceiptRow>();
  readonly #users = new Map<string, UserRow>();
  readonly #events = new Map<string, EventRow>();
  /** What each transaction wrote: a snapshot is a place in it. */
  readonly #log: Rows[] = [];
  #ticks = 0;

  commit(needs: Needs, decide: (rows: Rows, now: Date) => Rows): Promise<void> {
    return this.#answer("commit", () => {
      const written = decide(this.#asked(needs), this.#now());
      this.beforeWrite(written);
      this.write(written);
    });
  }

  /** Puts rows there, as a transaction of its own. */
  write(rows: Partial<Rows>): void {
    const { rooms = [], members = [], messages = [], reactions = [], receipts = [], users = [], events = [] } = rows;
    for (const row of rooms) this.#rooms.set(row.roomId, row);
    for (const row of members) this.#members.set(`${row.roomId} ${row.userId}`, row);
    for (const row of messages) this.#messages.set(`${row.roomId} ${row.messageId}`, row);
    for (const row of reactions) this.#reactions.set(row.reactionId, row);
    for (const row of receipts) this.#receipts.set(`${row.roomId} ${row.userId}`, row);
    for (const row of users) this.#users.set(row.userId, row);
    for (const row of events) this.#events.set(`${row.roomId} ${row.seq}`, row);
    this.#log.push({ rooms, members, messages, reactions, receipts, users, events });
  }

  /** Forgets a room's events up to `seq`, as pruning does. */
  forget(roomId: string, seq: number): void {
    for (const [key, event] of this.#events) if (event.roomId === roomId && event.seq <= seq) this.#events.delete(key);
  }

  room(roomId: string): RoomRow | undefined {
    return this.#rooms.get(roomId);
  }

  receipt(roomId: string, userId: string): ReceiptRow | undefined {
    return this.#receipts.get(`${roomId} ${userId}`);
  }

  roomsOf(userId: string) {
    return this.#answer("roomsOf", () => this.#roomsOf(userId).map(({ roomId, lastSeq }) => ({ roomId, lastSeq })));
  }

  resumable(userId: string, rooms: readonly string[]) {
    return this.#answer("resumable", () => {
      const ours = rooms.filter((roomId) => this.#standing(roomId, userId));
      return new Map(ours.map((roomId) => [roomId, this.#rooms.get(roomId)?.lastSeq ?? 0]));
    });
  }

  events(room: string, after: number, limit: number) {
    return this.#answer("events", () => this.eventsOf(room, after).slice(0, limit));
  }

  eventsOf(room: string, after = 0): EventRow[] {
    const ours = [...this.#events.values()].filter(({ roomId, seq }) => roomId === room && seq > after);
    return ours.sort((a, b) => a.seq - b.seq);
  }

  receiptsSince(cursors: ReadonlyMap<string, number>) {
    return this.#answer("receiptsSince", () =>
      [...this.#receipts.values()].filter(
        ({ roomId, stampSeq }) => stampSeq >= (cursors.get(roomId) ?? Number.POSITIVE_INFINITY),
      ),
    );
  }

  changes(snapshot: string | null): Promise<Changes> {
    return this.#answer("changes", () => {
      const since = snapshot === null ? [] : this.#log.slice(Number(snapshot));
      return {
        snapshot: String(this.#log.length),
        rooms: [...this.#rooms.values()].filter((row) => since.some(({ rooms }) => rooms.includes(row))),
        members: [...this.#members.values()].filter((row) => since.some(({ members }) => members.includes(row))),
        receipts: [...this.#receipts.values()].filter((row) => since.some(({ receipts }) => receipts.includes(row))),
        revoked: since.flatMap(({ users }) => users.flatMap(revocation)),
      };
    });
  }

  isVisible(room: string, userId: string, service: boolean) {
    const stands = () => this.#rooms.get(room)?.deletedAt === null;
    const member = () => this.#roomsOf(userId).some(({ roomId }) => roomId === room);
    return this.#answer("isVisible", () => (service ? stands() : member()));
  }

  history(room: string, limit: number, before: string | null) {
    return this.#answer("history", () => {
      const from = before === null ? undefined : this.#messages.get(`${room} ${before}`);
      if (before !== null && from === undefined) throw new Problem("not_found", "no such message");
      const rows = [...this.#messages.values()].filter(
        (row) => row.roomId === room && row.seq < (from?.seq ?? Number.POSITIVE_INFINITY),
      );
      return rows
        .sort((a, b) => b.seq - a.seq)
        .slice(0, limit)
        .map((row) => this.#printed(row));
    });
  }

  roomPage(userId: string, limit: number, before: string | null): Promise<readonly RoomSummary[]> {
    return this.#answer("roomPage", () => {
      const rooms = this.#roomsOf(userId).filter(({ roomId }) => before === null || roomId < before);
      const page = rooms.sort((a, b) => (a.roomId < b.roomId ? 1 : -1)).slice(0, limit);
      return page.map((room) => ({ ...room, role: this.#role(room.roomId, userId), unread: 0, lastMessage: null }));
    });
  }

  users(userIds: readonly string[]) {
    const known = (userId: string) => this.#users.get(userId) ?? [];
    return this.#answer("users", () => new Map(userIds.flatMap(known).map((row) => [row.userId, row])));
  }

  putUser(userId: string, name: string | null) {
    return this.#answer("putUser", () => this.#putUser({ revokedAt: null, ...this.#users.get(userId), userId, name }));
  }

  revoke(userId: string) {
    return this.#answer("revoke", () => {
      const revokedAt = this.#now();
      this.#putUser({ name: null, ...this.#users.get(userId), userId, revokedAt });
      return revokedAt;
    });
  }

  prune(): Promise<number> {
    return this.#answer("prune", () => 0);
  }

  ping(): Promise<void> {
    return this.#answer("ping", () => undefined);
  }

  async close(): Promise<void> {}

  async #answer<T>(method: keyof Store, answer: () => T): Promise<T> {
    this.calls.set(method, (this.calls.get(method) ?? 0) + 1);
    await Promise.resolve();
    if (this.away) throw new Problem("unavailable", "the store is away");
    const value = answer();
    await this.underway(method);
    return value;
  }

  #now(): Date {
    return new Date(EPOCH + this.#ticks++);
  }

  #asked(needs: Needs): Rows {
    const has = <T>(list: readonly T[], test: (item: T) => boolean) => list.some(test);
    const asked = [...this.#messages.values()].filter(
      (row) =>
        has(needs.messages, (need) => need.roomId === row.roomId && need.messageId === row.messageId) ||
        has(
          needs.repeats,
          (need) =>
            need.roomId === row.roomId &&
            need.senderId === row.senderId &&
            need.clientMessageId === row.clientMessageId,
        ),
    );
    const answered = asked.flatMap((row) => this.#messages.get(`${row.roomId} ${row.replyTo}`) ?? []);
    const messages = [...asked, ...answered];
    const reactions = [...this.#reactions.values()].filter(
      (row) =>
        has(needs.reactions, (need) => need.reactionId === row.reactionId) ||
        (row.removedSeq === null &&
          has(
            needs.standing,
            (need) =>
              need.messageId === row.messageId && need.senderId === row.senderId && need.reaction === row.reaction,
          )),
    );
    const asking = needs.reactions.flatMap(({ reactionId, userId }) => {
      const row = this.#reactions.get(reactionId);
      return row === undefined ? [] : [{ roomId: row.roomId, userId }];
    });
    const members = [...needs.members, ...asking].flatMap(
      (need) => this.#members.get(`${need.roomId} ${need.userId}`) ?? [],
    );
    const locked = new Set([
      ...needs.rooms,
      ...members.map(({ roomId }) => roomId),
      ...reactions.map(({ roomId }) => roomId),
    ]);
    return {
      rooms: [...locked].flatMap((roomId) => this.#rooms.get(roomId) ?? []),
      members,
      messages,
      reactions,
      receipts: needs.receipts.flatMap((need) => this.#receipts.get(`${need.roomId} ${need.userId}`) ?? []),
      users: needs.users.flatMap((userId) => this.#users.get(userId) ?? []),
      events: asked
        .filter((row) => row.clientMessageId !== null)
        .flatMap((row) => this.#events.get(`${row.roomId} ${row.seq}`) ?? []),
    };
  }

  #roomsOf(userId: string): RoomRow[] {
    return [...this.#rooms.values()].filter(
      ({ roomId, deletedAt }) => deletedAt === null && this.#standing(roomId, userId),
    );
  }

  #standing(roomId: string, userId: string): boolean {
    return this.#members.get(`${roomId} ${userId}`)?.leftSeq === null;
  }

  #role(roomId: string, userId: string) {
    return this.#members.get(`${roomId} ${userId}`)?.role ?? "member";
  }

  #putUser(row: UserRow): UserRow {
    this.write({ users: [row] });
    return row;
  }

  #printed(row: MessageRow): HistoryMessage {
    const original = row.replyTo === null ? undefined : this.#messages.get(`${row.roomId} ${row.replyTo}`);
    const reactions = [...this.#reactions.values()].filter(
      (each) => each.messageId === row.messageId && each.removedSeq === null,
    );
    return { ...row, original: original === undefined ? null : originalOf(original), reactions };
  }
}

const revocation = ({ userId, revokedAt }: UserRow) => (revokedAt === null ? [] : [{ userId, revokedAt }]);
