import { chunksOf } from "../model/groups.ts";
import type { UserRow } from "../model/rows.ts";
import type { Clock } from "../ports/clock.ts";
import { type Faults, reportFault } from "../ports/faults.ts";
import type { Store, UserInRoom } from "../ports/store.ts";
import type { Joining } from "./joining.ts";
import type { LocalRooms } from "./local-rooms.ts";
import type { LocalUsers } from "./local-users.ts";
import { RollingList } from "./rolling-list.ts";
import type { Subscriber } from "./subscriber.ts";

/** The time between two audits. */
const EVERY_MS = 1000;
/** Keys of one query. */
const CHUNK = 1000;
/** Receipts that were written in this time are compared: longer than two rounds of the rolling audit. */
const RECENT_MS = 11 * 60_000;
/** An audit of everything waits this many times its own duration before the next one. */
const REST = 10;

export interface AuditDeps {
  readonly store: Pick<Store, "heads" | "recentReceipts" | "roomsOfAll" | "members" | "users" | "markers">;
  readonly clock: Clock;
  readonly faults: Faults;
  readonly rooms: LocalRooms;
  readonly users: LocalUsers;
  readonly joining: Joining;
  /** Takes a user's choice. */
  readonly chosen: (user: UserRow) => void;
  /** True while this node's delivery does not work: everything is audited until it does. */
  readonly inDoubt: () => boolean;
}

/**
 * Compares this node with the truth, and delivers what it missed: where it knows of a loss (`soon`), and of each room and user
 * here once in five minutes, for what was lost without a trace. DESIGN 3.5.
 */
export class Audit {
  readonly #deps: AuditDeps;
  readonly #rollingRooms = new RollingList(() => this.#deps.rooms.ids());
  readonly #rollingUsers = new RollingList(() => this.#deps.users.ids());
  #dueRooms = new Set<string>();
  #dueUsers = new Set<string>();
  /** Markers to read, by user and room. */
  #dueMarkers = new Map<string, UserInRoom>();
  #withinMs = RECENT_MS;
  /** Subscriptions under way; `late` when an audit has found one so. */
  readonly #pending = new Set<{
    readonly roomIds: readonly string[];
    readonly userIds: readonly string[];
    late: boolean;
  }>();
  #rolledAt = 0;
  #restUntil = 0;
  #running: Promise<void> | undefined;
  #again = false;
  #closed = false;
  #cancel: (() => void) | undefined;

  constructor(deps: AuditDeps) {
    this.#deps = deps;
  }

  /** Audits these rooms and users, until it has worked; the rolling audit begins with the first call. `missedMs`: for so long this node may have missed everything. */
  soon(roomIds: Iterable<string>, userIds: Iterable<string>, missedMs = 0): void {
    for (const roomId of roomIds) this.#dueRooms.add(roomId);
    for (const userId of userIds) this.#dueUsers.add(userId);
    this.#withinMs = Math.max(this.#withinMs, RECENT_MS + missedMs);
    this.#run();
  }

  /** As `soon`, for everything here. */
  all(missedMs = 0): void {
    this.soon(this.#deps.rooms.ids(), this.#deps.users.ids(), missedMs);
  }

  /** Reads the user's marker in the room. */
  marker(key: UserInRoom): void {
    if (!this.#deps.users.has(key.userId)) return;
    this.#dueMarkers.set(`${key.userId} ${key.roomId}`, key);
    this.#run();
  }

  /** Audits channels every second for as long as their subscription takes: publications to them are confirmed, and lost. */
  watch(subscribed: Promise<void>, roomIds: readonly string[], userIds: readonly string[]): void {
    const subscription = { roomIds, userIds, late: false };
    this.#pending.add(subscription);
    void subscribed.then(() => {
      this.#pending.delete(subscription);
      if (subscription.late) this.soon(roomIds, userIds);
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#cancel?.();
    await this.#running;
  }

  /** Audits what is due: after this call's turn, so that calls of one moment share their queries. */
  #run(): void {
    if (this.#closed) return;
    if (this.#running !== undefined) {
      this.#again = true;
      return;
    }
    this.#cancel?.();
    this.#running = Promise.resolve()
      .then(() => this.#once())
      .then((worked) => {
        this.#running = undefined;
        const delay = this.#again && worked ? 0 : EVERY_MS;
        this.#again = false;
        if (!this.#closed) this.#cancel = this.#deps.clock.after(delay, () => this.#run());
      });
  }

  /** False when the store gave no answer: the same is due again. */
  async #once(): Promise<boolean> {
    const { clock, faults, rooms, users } = this.#deps;
    const rolling = clock.now() - this.#rolledAt >= EVERY_MS;
    const everything = rolling && this.#deps.inDoubt() && clock.now() >= this.#restUntil;
    if (rolling) {
      this.#rolledAt = clock.now();
      this.#addRolling(everything);
    }
    const [roomIds, userIds, markers] = [[...this.#dueRooms], [...this.#dueUsers], [...this.#dueMarkers.values()]];
    const withinMs = this.#withinMs;
    this.#dueRooms = new Set();
    this.#dueUsers = new Set();
    this.#dueMarkers = new Map();
    this.#withinMs = RECENT_MS;
    const began = clock.now();
    try {
      for (const chunk of chunksOf(roomIds, CHUNK)) await this.#auditRooms(chunk, withinMs);
      for (const chunk of chunksOf(userIds, CHUNK)) await this.#auditUsers(chunk);
      await this.#readMarkers(markers);
      if (everything) this.#restUntil = clock.now() + REST * (clock.now() - began);
      return true;
    } catch (error) {
      if (reportFault(faults, "audit", error)) {
        for (const roomId of roomIds) rooms.get(roomId)?.fail();
        for (const userId of [...userIds, ...markers.map((key) => key.userId)])
          for (const { sink } of users.subscribersOf(userId)) sink.fail();
        return true;
      }
      for (const roomId of roomIds) this.#dueRooms.add(roomId);
      for (const userId of userIds) this.#dueUsers.add(userId);
      for (const key of markers) this.#dueMarkers.set(`${key.userId} ${key.roomId}`, key);
      this.#withinMs = Math.max(this.#withinMs, withinMs);
      return false;
    }
  }

  #addRolling(everything: boolean): void {
    const { rooms, users } = this.#deps;
    for (const roomId of everything ? rooms.ids() : this.#rollingRooms.next()) this.#dueRooms.add(roomId);
    for (const userId of everything ? users.ids() : this.#rollingUsers.next()) this.#dueUsers.add(userId);
    for (const subscription of this.#pending) {
      subscription.late = true;
      for (const roomId of subscription.roomIds) this.#dueRooms.add(roomId);
      for (const userId of subscription.userIds) this.#dueUsers.add(userId);
    }
  }

  async #auditRooms(roomIds: readonly string[], withinMs: number): Promise<void> {
    const { store, rooms, users } = this.#deps;
    const open = roomIds.filter((roomId) => rooms.get(roomId)?.started() === true);
    if (open.length === 0) return;
    const seqs = new Map(open.map((roomId) => [roomId, rooms.get(roomId)?.sequence.last ?? 0]));
    const [heads, receipts] = await Promise.all([store.heads(seqs), store.recentReceipts(open, withinMs)]);
    for (const [roomId, seq] of seqs) {
      const [room, head] = [rooms.get(roomId), heads.get(roomId)];
      // One that delivered something meanwhile is further than the question.
      if (room?.sequence.last === seq) room.compare(head);
      else if (head !== undefined) room?.sequence.raiseHead(head.seq);
    }
    for (const receipt of receipts)
      if (receipt.hidden) users.receipt(receipt.roomId, receipt);
      else rooms.get(receipt.roomId)?.receipts([receipt]);
  }

  async #auditUsers(userIds: readonly string[]): Promise<void> {
    const { store, users, joining, chosen } = this.#deps;
    const here = userIds.filter((userId) => users.has(userId));
    if (here.length === 0) return;
    const [rooms, rows] = await Promise.all([store.roomsOfAll(here), store.users(here)]);
    for (const row of rows.values()) {
      if (row.revokedAt !== null) users.revoked(row.userId, row.revokedAt);
      chosen(row);
    }
    const keys = [...rooms].flatMap(([userId, roomIds]) => roomIds.map((roomId) => ({ roomId, userId })));
    const missing = keys.filter(({ roomId, userId }) =>
      users.subscribersOf(userId, roomId).some((subscriber) => lacks(subscriber, roomId)),
    );
    for (const chunk of chunksOf(missing, CHUNK))
      for (const { userId, roomId, joinedSeq } of await store.members(chunk))
        void joining.joined(userId, roomId, joinedSeq);
    await this.#readMarkers(keys);
  }

  async #readMarkers(keys: readonly UserInRoom[]): Promise<void> {
    const { store, users } = this.#deps;
    for (const chunk of chunksOf(keys, CHUNK))
      for (const { userId, roomId, messageId } of await store.markers(chunk)) users.marker(userId, roomId, messageId);
  }
}

/** True for a session that should be in the room; one that attaches comes in by itself. */
const lacks = ({ state, rooms }: Subscriber, roomId: string): boolean => state === "live" && !rooms.has(roomId);
