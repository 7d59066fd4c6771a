import { Problem } from "@signalbox/protocol/errors";
import type { Choice } from "@signalbox/protocol/presence";
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
import { type Clock, systemClock } from "../ports/clock.ts";
import { encodeRevokedFrame, USER_CHANGED_FRAME } from "../ports/engine-frames.ts";
import type { Store, UserInRoom } from "../ports/store.ts";
import { MapBridge } from "./map-bridge.fake.ts";
import { MapOutbox, receiptFrames } from "./map-outbox.fake.ts";
import { refuse } from "./map-refusals.fake.ts";
import { MapRooms } from "./map-rooms.fake.ts";
import { MapRows, pair, receiptKey } from "./map-rows.fake.ts";
import { projection, projections } from "./map-search.fake.ts";

const EPOCH = Date.UTC(2026, 0, 1);
const DAY_MS = 24 * 3_600_000;
/** Receipts of so long before an event may have been missed with it. */
const MISSED_MS = 10_000;

/**
 * A second implementation of `Store`, of maps: the unit tests' store, held to the same promises as Postgres by
 * `test/conformance`. It can be away, keep single answers under way and fail single writes. Its clock moves by a millisecond
 * with every change.
 */
export class MapStore implements Store {
  /** While true, every call rejects with `unavailable`. */
  away = false;
  /** Holds answers back: called when a method knows its answer, which it gives when the promise resolves. */
  underway: (method: keyof Store) => Promise<void> | undefined = () => undefined;
  /** Called just before a transaction writes; an error that it throws fails the transaction. */
  beforeWrite: (rows: Rows) => void = () => undefined;
  /** How often each method was called. */
  readonly calls = new Map<keyof Store, number>();

  readonly #rows = new MapRows();
  readonly #rooms = new MapRooms(this.#rows);
  readonly #bridges = new MapBridge(this.#rows, (rows) => this.write(rows));
  readonly #outbox: MapOutbox;
  #onSwitch = (): void => {};
  #switches = 0;
  #now = EPOCH;
  #closed = false;

  /** `clock`: the time by which rows of the outbox age. */
  constructor(clock: Clock = systemClock) {
    this.#outbox = new MapOutbox(clock);
  }

  commit(needs: ReadSet, decide: (rows: Rows, now: Date) => Rows): Promise<void> {
    return this.#answer("commit", () => {
      const given = this.#rows.asked(needs);
      const times = given.rooms.map(({ roomId }) => this.#rows.roomTimes.get(roomId) ?? 0);
      const now = Math.max(this.#tick().getTime(), ...times);
      const written = decide(given, new Date(now));
      refuse(this.#rows, written);
      this.beforeWrite(written);
      const kept = this.#rows.commit(written, now);
      for (const row of written.outbox) this.#outbox.add(row);
      // Hidden by the rule, visible by a choice that came first.
      const shown = kept.receipts.filter(({ hidden }, index) => !hidden && written.receipts[index]?.hidden === true);
      this.#outbox.note(receiptFrames(shown));
    });
  }

  /** Puts rows there as they are, as a transaction of its own. */
  write(some: Partial<Rows>): void {
    this.#rows.write({ ...NO_ROWS, ...some }, this.#now);
  }

  /** Forgets a room's events up to `seq`, as pruning does. */
  forget(roomId: string, seq: number): void {
    for (const event of this.eventsOf(roomId)) if (event.seq <= seq) this.#rows.forgetEvent(`${roomId} ${event.seq}`);
  }

  /** Takes a room's events and messages above `seq` back, as a failover to a replica that lagged does. */
  goBack(roomId: string, seq: number): void {
    this.#rows.goBack(roomId, seq);
  }

  /** Takes a membership back. */
  removeMember(roomId: string, userId: string): void {
    this.#rows.members.delete(pair({ roomId, userId }));
  }

  /** Has all that happened in the room happen `ms` earlier; later, as after a clock that was set back, when it is negative. */
  age(roomId: string, ms: number): void {
    this.#rows.age(roomId, ms);
  }

  /** Has the store tell of a switch; its rows stay as they are. Calls under way reject with `unavailable`. */
  switchHistory(): void {
    this.#switches++;
    this.#onSwitch();
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

  /** The rows of a room's events in Matrix, by their ids. */
  matrixOf(room: string): MatrixRow[] {
    const ours = [...this.#rows.matrix.values()].filter(({ roomId }) => roomId === room);
    return ours.sort((a, b) => (a.eventId < b.eventId ? -1 : 1));
  }

  /** The room's events above `after`, with the texts of now. */
  eventsOf(room: string, after = 0): EventRow[] {
    return this.#rows.eventsOf(room, after);
  }

  roomsOf(userId: string) {
    return this.#answer("roomsOf", () => this.#rows.resumable(userId, this.#rows.roomsOf(userId)));
  }

  resumable(userId: string, rooms: readonly string[]) {
    return this.#answer("resumable", () => {
      const ours = rooms.filter((roomId) => this.#rows.member(roomId, userId) !== undefined);
      return this.#rows.resumable(
        userId,
        ours.flatMap((roomId) => this.room(roomId) ?? []),
      );
    });
  }

  heads(rooms: ReadonlyMap<string, number>) {
    return this.#answer("heads", () => {
      const known = [...rooms].filter(([roomId]) => this.#rows.rooms.has(roomId));
      return new Map(known.map(([roomId, seq]) => [roomId, this.#rows.headAt(roomId, seq)]));
    });
  }

  events(room: string, after: number, limit: number) {
    return this.#answer("events", () => this.eventsOf(room, after).slice(0, limit));
  }

  receiptsSince(cursors: ReadonlyMap<string, number>) {
    const { receipts, receiptTimes, eventTimes } = this.#rows;
    const missed = (row: ReceiptRow) => {
      const cursor = cursors.get(row.roomId);
      if (cursor === undefined) return false;
      const sentAt = eventTimes.get(`${row.roomId} ${cursor}`) ?? Number.NEGATIVE_INFINITY;
      return row.stampSeq >= cursor || (receiptTimes.get(receiptKey(row)) ?? 0) > sentAt - MISSED_MS;
    };
    return this.#answer("receiptsSince", () => [...receipts.values()].filter(missed));
  }

  recentReceipts(rooms: readonly string[], withinMs: number) {
    const { receipts, receiptTimes } = this.#rows;
    const recent = (row: ReceiptRow) =>
      rooms.includes(row.roomId) && (receiptTimes.get(receiptKey(row)) ?? 0) > this.#now - withinMs;
    return this.#answer("recentReceipts", () => [...receipts.values()].filter(recent));
  }

  outbox(...asked: Parameters<Store["outbox"]>) {
    return this.#answer("outbox", () => this.#outbox.page(...asked));
  }

  confirm(outboxIds: readonly string[]) {
    return this.#answer("confirm", () => this.#outbox.confirm(outboxIds));
  }

  members(keys: readonly UserInRoom[]) {
    return this.#answer("members", () => keys.flatMap(({ roomId, userId }) => this.#rows.member(roomId, userId) ?? []));
  }

  markers(keys: readonly UserInRoom[]) {
    return this.#answer("markers", () => keys.flatMap((key) => this.#rows.markers.get(pair(key)) ?? []));
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

  headOf(room: string, userId: string, service: boolean) {
    return this.#answer("headOf", () => {
      const seen = this.#rooms.visible(room, userId, service);
      return seen === null || seen === undefined ? null : (this.#rows.resumable(userId, [seen]).get(room) ?? null);
    });
  }

  roomState(...asked: Parameters<Store["roomState"]>) {
    return this.#answer("roomState", () => this.#rooms.state(...asked));
  }

  counts(...asked: Parameters<Store["counts"]>) {
    return this.#answer("counts", () => this.#rooms.counts(...asked));
  }

  mute(...asked: Parameters<Store["mute"]>) {
    return this.#answer("mute", () => this.#rooms.mute(...asked));
  }

  snooze(...asked: Parameters<Store["snooze"]>) {
    return this.#answer("snooze", () => this.#rooms.snooze(...asked));
  }

  history(...asked: Parameters<Store["history"]>) {
    return this.#answer("history", () => this.#rooms.history(...asked));
  }

  roomPage(...asked: Parameters<Store["roomPage"]>) {
    return this.#answer("roomPage", () => this.#rooms.page(...asked));
  }

  users(userIds: readonly string[]) {
    return this.#answer("users", () => this.#known(userIds));
  }

  putUser(userId: string, name: string | null, matrixUserId: string | null = null) {
    return this.#answer("putUser", () => {
      const row = this.#rows.userOf(userId);
      const changed = { ...row, name: name ?? row.name, matrixUserId: matrixUserId ?? row.matrixUserId };
      const same = changed.name === row.name && changed.matrixUserId === row.matrixUserId;
      if (same && this.#rows.users.has(userId)) return row;
      refuse(this.#rows, { ...NO_ROWS, users: [changed] });
      this.write({ users: [changed] });
      return changed;
    });
  }

  projections(...asked: Parameters<Store["projections"]>) {
    return this.#answer("projections", () => projections(this.#rows, ...asked));
  }

  projection(...asked: Parameters<Store["projection"]>) {
    return this.#answer("projection", () => projection(this.#rows, ...asked));
  }

  statistics(...asked: Parameters<Store["statistics"]>) {
    return this.#answer("statistics", () => this.#rooms.statistics(...asked));
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
    return this.#answer("recordPendingWrite", () => this.#bridges.recordPendingWrite(write, this.#tick()));
  }

  bridgedRooms(...asked: Parameters<Store["bridgedRooms"]>) {
    return this.#answer("bridgedRooms", () => this.#bridges.bridgedRooms(...asked));
  }

  rebuildCursor(room: string) {
    return this.#answer("rebuildCursor", () => this.#bridges.rebuildCursor(room));
  }

  saveRebuildCursor(room: string, token: string | null) {
    return this.#answer("saveRebuildCursor", () => this.#bridges.saveRebuildCursor(room, token));
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
      const user = this.#rows.userOf(userId);
      const row = { ...user, choice, choiceVersion: user.choiceVersion + 1 };
      const receipts = choice === "appear_offline" ? [] : this.#rows.unhide(userId);
      this.write({ users: [row], receipts });
      this.#outbox.note([["user", userId, USER_CHANGED_FRAME], ...receiptFrames(receipts)]);
      return row;
    });
  }

  saveLastActive(users: ReadonlyMap<string, Date>) {
    return this.#answer("saveLastActive", () => {
      for (const [userId, activeAt] of users) {
        const row = this.#rows.users.get(userId);
        if (row === undefined || (row.activeAt !== null && row.activeAt >= activeAt)) continue;
        this.#rows.users.set(userId, { ...row, activeAt });
      }
    });
  }

  revoke(userId: string, outboxId: string) {
    return this.#answer("revoke", () => {
      this.write({ users: [{ ...this.#rows.userOf(userId), revokedAt: this.#tick() }] });
      const at = this.#rows.userOf(userId).revokedAt ?? new Date(this.#now);
      this.#outbox.add({ id: outboxId, frames: [["user", userId, encodeRevokedFrame(at)]] });
      return at;
    });
  }

  prune(keep: number, days: number) {
    return this.#answer("prune", () => {
      const { events, eventTimes, rooms } = this.#rows;
      const old = [...events].filter(([key, { roomId, seq }]) => {
        const lastSeq = rooms.get(roomId)?.lastSeq ?? 0;
        return seq <= lastSeq - keep && (eventTimes.get(key) ?? 0) <= this.#now - days * DAY_MS;
      });
      for (const [key] of old) this.#rows.forgetEvent(key);
      this.#outbox.prune();
      this.#bridges.forgetWrites(this.#now - DAY_MS);
      return old.length;
    });
  }

  onSwitch(listener: () => void): void {
    this.#onSwitch = listener;
  }

  ping(): Promise<void> {
    return this.#answer("ping", () => undefined);
  }

  async close(): Promise<void> {
    this.#closed = true;
  }

  async #answer<T>(method: keyof Store, answer: () => T): Promise<T> {
    this.calls.set(method, (this.calls.get(method) ?? 0) + 1);
    const closed = this.#closed;
    const switches = this.#switches;
    const refuseIf = (refused: boolean): void => {
      if (refused) throw new Problem("unavailable", "the store does not answer at the moment");
    };
    await Promise.resolve();
    refuseIf(this.away || closed);
    const value = answer();
    await this.underway(method);
    refuseIf(this.#switches !== switches);
    return value;
  }

  /** The time of a change, and the clock a millisecond further. */
  #tick(): Date {
    return new Date(this.#now++);
  }

  #known(userIds: readonly string[]): Map<string, UserRow> {
    const rows = userIds.flatMap((userId) => this.#rows.users.get(userId) ?? []);
    return new Map(rows.map((row) => [row.userId, row]));
  }
}
