import { Problem } from "@signalbox/protocol/errors";
import type { Choice } from "@signalbox/protocol/presence";
import { mentioned } from "../model/message-content.ts";
import {
  type EventRow,
  type MatrixRow,
  type MatrixWrite,
  type MemberRow,
  NO_ROWS,
  type ReadSet,
  type ReceiptRow,
  type RoomRow,
  type Rows,
  type UserRow,
} from "../model/rows.ts";
import type { Changes, Counts, RoomState, RoomSummary, Store } from "../ports/store.ts";
import { MapBridge, nobody, statisticsOf } from "./map-bridge.fake.ts";
import { MapRows, pair, receiptKey } from "./map-rows.fake.ts";

const EPOCH = Date.UTC(2026, 0, 1);

/**
 * A store of maps, for tests: it keeps the promises of `Store` in the plainest way, can be away, and can keep its answers under
 * way. Its clock moves by a millisecond with every change.
 */
export class MapStore implements Store {
  /** While true, every call rejects with `unavailable`. */
  away = false;
  /** Holds answers back: called when a method knows its answer, which it gives when the promise resolves. */
  underway: (method: keyof Store) => Promise<void> | undefined = () => undefined;
  /** Throws what it likes just before a transaction writes. */
  beforeWrite: (rows: Rows) => void = () => undefined;
  /** How often each method was called. */
  readonly calls = new Map<keyof Store, number>();

  readonly #rows = new MapRows();
  readonly #bridges = new MapBridge(this.#rows, (rows) => this.write(rows));
  /** Until when a user wants to hear nothing of a room. */
  readonly #mutes = new Map<string, Date>();
  /** Until when a user wants to hear nothing of a message, by room and user and then by message. */
  readonly #snoozes = new Map<string, Map<string, Date>>();
  /** What each transaction wrote: a snapshot is a place in it. */
  readonly #log: Rows[] = [];
  #ticks = 0;

  commit(needs: ReadSet, decide: (rows: Rows, now: Date) => Rows): Promise<void> {
    return this.#answer("commit", () => {
      const written = decide(this.#rows.asked(needs), this.#tick());
      this.#bridges.mapRooms(written);
      this.beforeWrite(written);
      this.write(written);
    });
  }

  /** Puts rows there, as a transaction of its own. */
  write(some: Partial<Rows>): void {
    const rows = { ...NO_ROWS, ...some };
    this.#rows.write(rows);
    this.#log.push(rows);
  }

  /** Forgets a room's events up to `seq`, as pruning does. */
  forget(roomId: string, seq: number): void {
    for (const event of this.eventsOf(roomId)) if (event.seq <= seq) this.#rows.events.delete(`${roomId} ${event.seq}`);
  }

  room(roomId: string): RoomRow | undefined {
    return this.#rows.rooms.get(roomId);
  }

  receipt(roomId: string, userId: string, hidden = false, alone = false): ReceiptRow | undefined {
    return this.#rows.receipts.get(receiptKey({ roomId, userId, hidden, private: alone }));
  }

  member(roomId: string, userId: string): MemberRow | undefined {
    return this.#rows.members.get(pair({ roomId, userId }));
  }

  /** What is kept of a room's events in Matrix, by their ids. */
  matrixOf(room: string): MatrixRow[] {
    const ours = [...this.#rows.matrix.values()].filter(({ roomId }) => roomId === room);
    return ours.sort((a, b) => (a.eventId < b.eventId ? -1 : 1));
  }

  eventsOf(room: string, after = 0): EventRow[] {
    const ours = [...this.#rows.events.values()].filter(({ roomId, seq }) => roomId === room && seq > after);
    return ours.sort((a, b) => a.seq - b.seq);
  }

  roomsOf(userId: string) {
    return this.#answer("roomsOf", () =>
      this.#rows.roomsOf(userId).map(({ roomId, lastSeq }) => ({ roomId, lastSeq })),
    );
  }

  resumable(userId: string, rooms: readonly string[]) {
    return this.#answer("resumable", () => {
      const ours = rooms.filter((roomId) => this.#rows.member(roomId, userId) !== undefined);
      return new Map(ours.map((roomId) => [roomId, this.room(roomId)?.lastSeq ?? 0]));
    });
  }

  events(room: string, after: number, limit: number) {
    return this.#answer("events", () => this.eventsOf(room, after).slice(0, limit));
  }

  receiptsSince(cursors: ReadonlyMap<string, number>) {
    const missed = ({ roomId, stampSeq }: ReceiptRow) => stampSeq >= (cursors.get(roomId) ?? Number.POSITIVE_INFINITY);
    return this.#answer("receiptsSince", () => [...this.#rows.receipts.values()].filter(missed));
  }

  changes(snapshot: string | null): Promise<Changes> {
    return this.#answer("changes", () => {
      const since = snapshot === null ? [] : this.#log.slice(Number(snapshot));
      const { rooms, members, receipts, markers, users } = this.#rows;
      const newest = <Row>(kind: (rows: Rows) => readonly Row[], key: (row: Row) => string, now: Map<string, Row>) =>
        [...new Set(since.flatMap(kind).map(key))].flatMap((each) => now.get(each) ?? []);
      return {
        snapshot: String(this.#log.length),
        rooms: newest(
          (rows) => rows.rooms,
          ({ roomId }) => roomId,
          rooms,
        ).map(({ roomId, lastSeq }) => ({ roomId, lastSeq })),
        members: newest((rows) => rows.members, pair, members),
        receipts: newest((rows) => rows.receipts, receiptKey, receipts),
        markers: newest((rows) => rows.markers, pair, markers),
        users: newest(
          (rows) => rows.users,
          ({ userId }) => userId,
          users,
        ),
      };
    });
  }

  roomsOfAll(userIds: readonly string[]) {
    return this.#answer("roomsOfAll", () => {
      const all = userIds.map((userId) => [userId, this.#rows.roomsOf(userId).map(({ roomId }) => roomId)] as const);
      return new Map(all.filter(([, rooms]) => rooms.length > 0));
    });
  }

  membersOf(rooms: readonly string[]) {
    return this.#answer("membersOf", () => {
      const all = rooms.map((roomId) => [roomId, this.#rows.membersOf(roomId).map(({ userId }) => userId)] as const);
      return new Map(all.filter(([, members]) => members.length > 0));
    });
  }

  seqOf(room: string, userId: string, service: boolean) {
    return this.#answer("seqOf", () => this.#visible(room, userId, service)?.lastSeq ?? null);
  }

  roomState(room: string, userId: string, service: boolean) {
    return this.#answer("roomState", (): RoomState | null => {
      const row = this.#visible(room, userId, service);
      if (row === undefined) return null;
      const until = [...(this.#snoozes.get(`${room} ${userId}`) ?? [])];
      return {
        ...this.#counts(room, userId),
        room: row,
        members: this.#rows.stateMembers(room, userId),
        sections: this.#rows.partsOf(room),
        lastReadId: this.#rows.read(room, userId)?.messageId ?? null,
        markerId: this.#rows.markers.get(`${room} ${userId}`)?.messageId ?? null,
        snoozed: until.filter(([, end]) => this.#ahead(end)).map(([messageId]) => messageId),
      };
    });
  }

  counts(asked: readonly { readonly roomId: string; readonly userId: string }[]) {
    return this.#answer("counts", () => {
      const there = asked.filter(({ roomId }) => this.#rows.rooms.has(roomId));
      return there.map(({ roomId, userId }) => this.#counts(roomId, userId));
    });
  }

  mute(room: string, userId: string, until: Date | null) {
    return this.#answer("mute", () => {
      if (this.#visible(room, userId, false) === undefined) return false;
      if (until === null) this.#mutes.delete(`${room} ${userId}`);
      else this.#mutes.set(`${room} ${userId}`, until);
      return true;
    });
  }

  snooze(room: string, userId: string, messageId: string, until: Date | null) {
    return this.#answer("snooze", () => {
      const known = this.#rows.messages.has(`${room} ${messageId}`);
      if (!known || this.#visible(room, userId, false) === undefined) return false;
      const ours = this.#snoozes.get(`${room} ${userId}`) ?? new Map<string, Date>();
      if (until === null) ours.delete(messageId);
      else ours.set(messageId, until);
      this.#snoozes.set(`${room} ${userId}`, ours);
      return true;
    });
  }

  history(room: string, limit: number, before: string | null) {
    return this.#answer("history", () => {
      const from = before === null ? undefined : this.#rows.messages.get(`${room} ${before}`);
      if (before !== null && from === undefined) throw new Problem("not_found", "no such message");
      const older = this.#rows.messagesOf(room).filter(({ seq }) => seq < (from?.seq ?? Number.POSITIVE_INFINITY));
      const page = older.reverse().slice(0, limit);
      return page.map((row) => this.#rows.printed(row));
    });
  }

  roomPage(userId: string, limit: number, before: string | null) {
    return this.#answer("roomPage", () => {
      const rooms = this.#rows.roomsOf(userId).filter(({ roomId }) => before === null || roomId < before);
      const page = rooms.sort((a, b) => (a.roomId < b.roomId ? 1 : -1)).slice(0, limit);
      return page.map(
        (room): RoomSummary => ({
          ...room,
          role: this.#rows.member(room.roomId, userId)?.role ?? "member",
          unread: this.#counts(room.roomId, userId).unread,
          lastMessage: this.#rows.messagesOf(room.roomId).at(-1) ?? null,
        }),
      );
    });
  }

  users(userIds: readonly string[]) {
    return this.#answer("users", () => this.#known(userIds));
  }

  putUser(userId: string, name: string | null, matrixUserId: string | null = null) {
    return this.#answer("putUser", () => {
      if (matrixUserId !== null) this.#bridges.mapUser(userId, matrixUserId);
      const row = this.#user(userId);
      const changed = { ...row, name: name ?? row.name, matrixUserId: matrixUserId ?? row.matrixUserId };
      const same = changed.name === row.name && changed.matrixUserId === row.matrixUserId;
      return same && this.#rows.users.has(userId) ? row : this.#putUser(changed);
    });
  }

  projections(...asked: Parameters<Store["projections"]>) {
    return this.#answer("projections", () => this.#bridges.projections(...asked));
  }

  projection(...asked: Parameters<Store["projection"]>) {
    return this.#answer("projection", () => this.#bridges.projection(...asked));
  }

  statistics(room: string, userId: string, service: boolean) {
    const seen = () => this.#visible(room, userId, service) !== undefined;
    return this.#answer("statistics", () => (seen() ? statisticsOf(this.#rows.messagesOf(room)) : null));
  }

  bridge(...asked: Parameters<Store["bridge"]>) {
    return this.#answer("bridge", () => this.#bridges.bridge(...asked, this.#tick()));
  }

  isMatrixUser(id: string) {
    return this.#answer("isMatrixUser", () => this.#bridges.isMatrixUser(id));
  }

  messageIds(...asked: Parameters<Store["messageIds"]>) {
    return this.#answer("messageIds", () => this.#bridges.messageIds(...asked));
  }

  recordPendingWrite(write: MatrixWrite) {
    return this.#answer("recordPendingWrite", () => this.#bridges.noteWrite(write));
  }

  bridgedRooms(...asked: Parameters<Store["bridgedRooms"]>) {
    return this.#answer("bridgedRooms", () => this.#bridges.bridgedRooms(...asked));
  }

  rebuildCursor(room: string) {
    return this.#answer("rebuildCursor", () => this.#bridges.rebuildAt(room));
  }

  saveRebuildCursor(room: string, token: string | null) {
    return this.#answer("saveRebuildCursor", () => this.#bridges.noteRebuild(room, token));
  }

  visibleUsers(userId: string, service: boolean, userIds: readonly string[]) {
    return this.#answer("visibleUsers", () => {
      const rooms = this.#rows.roomsOf(userId);
      const shares = (each: string) => rooms.some(({ roomId }) => this.#rows.member(roomId, each) !== undefined);
      return this.#known(userIds.filter((each) => service || each === userId || shares(each)));
    });
  }

  choosePresence(userId: string, choice: Choice) {
    return this.#answer("choosePresence", () => {
      const user = this.#user(userId);
      const row = { ...user, choice, choiceVersion: user.choiceVersion + 1 };
      const receipts = choice === "appear_offline" ? [] : this.#rows.unhide(userId);
      this.write({ users: [row], receipts });
      return row;
    });
  }

  saveLastActive(users: ReadonlyMap<string, Date>) {
    return this.#answer("saveLastActive", () => {
      for (const [userId, activeAt] of users) {
        const row = this.#rows.users.get(userId);
        if (row === undefined || (row.activeAt !== null && row.activeAt >= activeAt)) continue;
        // Past the log: it is no change that anybody is told of.
        this.#rows.users.set(userId, { ...row, activeAt });
      }
    });
  }

  revoke(userId: string) {
    return this.#answer("revoke", () => {
      const revokedAt = this.#tick();
      this.#putUser({ ...this.#user(userId), revokedAt });
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

  #tick(): Date {
    return new Date(EPOCH + this.#ticks++);
  }

  /** Whether a time that somebody named is still to come: they meant the world's clock, not this store's. */
  #ahead(time: Date): boolean {
    return time.getTime() > Date.now();
  }

  /** The room, if it stands and the user may see it. */
  #visible(roomId: string, userId: string, service: boolean): RoomRow | undefined {
    const room = this.room(roomId);
    const may = service || this.#rows.member(roomId, userId) !== undefined;
    return may && room?.deletedAt === null ? room : undefined;
  }

  #counts(roomId: string, userId: string): Counts {
    const read = this.#rows.read(roomId, userId)?.messageSeq ?? 0;
    const unread = this.#rows
      .messagesOf(roomId)
      .filter(({ seq, senderId, deleteSeq }) => seq > read && senderId !== userId && deleteSeq === null);
    const until = this.#mutes.get(`${roomId} ${userId}`);
    return {
      roomId,
      userId,
      unread: unread.length,
      mentions: unread.filter((message) => mentioned(message).includes(userId)).length,
      mutedUntil: until !== undefined && this.#ahead(until) ? until : null,
    };
  }

  #known(userIds: readonly string[]): Map<string, UserRow> {
    const rows = userIds.flatMap((userId) => this.#rows.users.get(userId) ?? []);
    return new Map(rows.map((row) => [row.userId, row]));
  }

  /** The user, or what they are before they do anything. */
  #user(userId: string): UserRow {
    return this.#rows.users.get(userId) ?? nobody(userId);
  }

  #putUser(row: UserRow): UserRow {
    this.write({ users: [row] });
    return row;
  }
}
