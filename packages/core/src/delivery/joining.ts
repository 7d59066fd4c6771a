import { Problem } from "@signalbox/protocol/errors";
import { chunksOf, groupBy } from "../model/groups.ts";
import type { Head } from "../model/rows.ts";
import { type Clock, RETRY_MS, withTimeout } from "../ports/clock.ts";
import { type Faults, reportFault } from "../ports/faults.ts";
import type { Resumable, Store } from "../ports/store.ts";
import type { LocalRoom } from "./local-room.ts";
import type { LocalRooms } from "./local-rooms.ts";
import type { LocalUsers } from "./local-users.ts";
import { receiptSignals } from "./receipt-batcher.ts";
import type { Position } from "./replay.ts";
import type { Subscriber } from "./subscriber.ts";

/** Rooms of one session that are replayed at the same time. */
const REPLAYS_AT_ONCE = 8;
/** Users of one comparison with the store. */
const COMPARED = 1000;
/** Rooms of one receipts query. */
const RECEIPT_ROOMS = 256;

export interface JoiningDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly faults: Faults;
  readonly users: LocalUsers;
  readonly rooms: LocalRooms;
  /** A session has come into a room because its user joined. */
  readonly joinedLive: (room: LocalRoom, subscriber: Subscriber) => void;
}

/** Brings sessions into their rooms: at a connection, at a resume, and when a user joins a room. */
export class Joining {
  readonly #deps: JoiningDeps;

  constructor(deps: JoiningDeps) {
    this.#deps = deps;
  }

  /**
   * Adds a session, held: it receives nothing before `resumeFrom`. Resolves with the end of each of its rooms, in one
   * snapshot; rejects with `unavailable`, and with `not_found` when the session is for one room that its user may not see.
   * `Hub.leave` ends it, also while this is under way. `service`: its user may see every room.
   */
  async attach(subscriber: Subscriber, service = false): Promise<ReadonlyMap<string, Head>> {
    subscriber.service = service;
    if (subscriber.scope !== null) return this.#attachToRoom(subscriber, subscriber.scope, service);
    const { store, clock, users, rooms } = this.#deps;
    const { userId } = subscriber.sink;
    await withTimeout(clock, users.add(subscriber));
    const opened: LocalRoom[] = [];
    try {
      for (;;) {
        const heads = await store.roomsOf(userId);
        // Read after the subscription: events after this state are on their way, or will be read.
        for (const room of opened) room.begin(heads.get(room.roomId));
        const missing = [...heads.keys()].filter((roomId) => rooms.get(roomId)?.started() !== true);
        if (missing.length > 0) opened.push(...(await this.#open(missing)));
        else return this.#holdIn(subscriber, heads);
      }
    } finally {
      for (const room of opened) rooms.unpin(room);
    }
  }

  /**
   * Brings the subscriber to the present: from `cursors` (by room; other rooms go on from the seq that `attach` gave), or,
   * with null, from there everywhere. Resolves when every room is live.
   */
  async resumeFrom(subscriber: Subscriber, cursors: ReadonlyMap<string, Position> | null): Promise<void> {
    if (cursors !== null) await this.#setCursors(subscriber, cursors);
    if (subscriber.state === "left") return;
    subscriber.state = "live";
    const replays = this.#deps.rooms.of(subscriber).flatMap((room) => room.replayOf(subscriber) ?? []);
    const from = new Map(replays.map((replay) => [replay.roomId, replay.cursor]));
    await inTurns(replays, REPLAYS_AT_ONCE, (replay) => replay.run());
    if (cursors !== null) await this.#sendReceipts(subscriber, from);
    const loaded = new Set(this.#deps.rooms.of(subscriber).map((room) => room.presenceLoaded));
    await withTimeout(this.#deps.clock, Promise.all(loaded));
    // The fault has been reported; the session was not in the room yet.
    if (this.#deps.rooms.of(subscriber).some((room) => room.presenceFailed)) subscriber.sink.fail();
  }

  /** A user joined a room, as a hint or the store says: subscribers that are not in it yet come in from that event on. */
  async joined(userId: string, roomId: string, seq: number): Promise<void> {
    const { store, clock, faults, users, rooms } = this.#deps;
    const waiting = () => users.subscribersOf(userId, roomId).filter((subscriber) => !subscriber.rooms.has(roomId));
    if (waiting().length === 0) return;
    const [room] = await this.#open([roomId]);
    if (room === undefined) return;
    try {
      // A hint alone lets no session in: the store says that the membership holds, and up to which seq.
      const head = (await store.resumable(userId, [roomId])).get(roomId);
      if (head !== undefined) this.#admit(room, waiting(), seq, head);
    } catch (error) {
      if (reportFault(faults, "joining", error)) for (const { sink } of waiting()) sink.fail();
      else clock.after(RETRY_MS, () => void this.joined(userId, roomId, seq));
    } finally {
      rooms.unpin(room);
    }
  }

  /**
   * Has sessions come into rooms of their users that they are not in: a history without an event that took them out. They
   * come in at the room's end, with a reset. Rooms that their users are out of have reset them.
   */
  async compare(): Promise<void> {
    const { store, clock, faults, users } = this.#deps;
    for (const userIds of chunksOf(users.ids(), COMPARED)) {
      try {
        for (const [userId, roomIds] of await store.roomsOfAll(userIds)) {
          const apart = roomIds.filter((roomId) => this.#apart(userId, roomId).length > 0);
          if (apart.length > 0) await this.#bringBack(userId, apart);
        }
      } catch (error) {
        if (!reportFault(faults, "history", error)) return void clock.after(RETRY_MS, () => void this.compare());
        for (const userId of userIds) for (const { sink } of users.subscribersOf(userId)) sink.fail();
      }
    }
  }

  /** The live subscribers of a user that may be in the room, and are not. */
  #apart(userId: string, roomId: string): Subscriber[] {
    return this.#deps.users
      .subscribersOf(userId, roomId)
      .filter(({ rooms, state }) => state === "live" && !rooms.has(roomId));
  }

  async #bringBack(userId: string, roomIds: readonly string[]): Promise<void> {
    const opened = await this.#open(roomIds);
    try {
      const heads = await this.#deps.store.resumable(userId, roomIds);
      for (const room of opened) {
        const head = heads.get(room.roomId);
        if (head === undefined) continue;
        room.begin(head);
        for (const subscriber of this.#apart(userId, room.roomId)) {
          subscriber.leaves.delete(room.roomId);
          subscriber.sink.reset(room.roomId, "diverged", head);
          void room
            .hold(subscriber, head, head.seq)
            .run()
            .then(() => this.#deps.joinedLive(room, subscriber));
        }
      }
    } finally {
      for (const room of opened) this.#deps.rooms.unpin(room);
    }
  }

  #admit(room: LocalRoom, subscribers: readonly Subscriber[], seq: number, head: Head): void {
    const replays = subscribers.flatMap((subscriber) => {
      const leftAt = subscriber.leaves.get(room.roomId) ?? 0;
      if (leftAt > head.seq) return [];
      // The hint may be of an earlier join: events that the session had until its user left do not come again.
      const cursor = { seq: Math.max(seq - 1, leftAt), mark: null };
      return { subscriber, replay: room.hold(subscriber, cursor, head.seq) };
    });
    // Only now: events that the room has held since `head` may remove these subscribers again, and add them.
    room.begin(head);
    for (const { subscriber, replay } of replays)
      if (subscriber.state === "live") void replay.run().then(() => this.#deps.joinedLive(room, subscriber));
  }

  async #attachToRoom(subscriber: Subscriber, roomId: string, service: boolean): Promise<ReadonlyMap<string, Head>> {
    const { store, clock, users, rooms } = this.#deps;
    const { userId } = subscriber.sink;
    const head = async () => {
      const found = await store.headOf(roomId, userId, service);
      if (found === null) throw new Problem("not_found", "no such room");
      return found;
    };
    // First of all: nothing is opened for a user that may not see the room.
    await head();
    await withTimeout(clock, users.add(subscriber));
    const opened = await this.#open([roomId]);
    try {
      const end = await head();
      for (const room of opened) room.begin(end);
      return this.#holdIn(subscriber, new Map([[roomId, end]]));
    } finally {
      for (const room of opened) rooms.unpin(room);
    }
  }

  #holdIn(subscriber: Subscriber, heads: ReadonlyMap<string, Resumable>): ReadonlyMap<string, Head> {
    if (subscriber.state === "left") return heads;
    for (const [roomId, { seq, mark, from }] of heads)
      this.#deps.rooms.get(roomId)?.hold(subscriber, { seq, mark }, seq).notBefore(from);
    return heads;
  }

  /**
   * Sets the cursors of a resuming subscriber. They are checked: they may name rooms that its user left, or seqs that never
   * were.
   */
  async #setCursors(subscriber: Subscriber, cursors: ReadonlyMap<string, Position>): Promise<void> {
    const doubtful = new Map<string, Position>();
    for (const [roomId, cursor] of cursors) {
      const replay = this.#deps.rooms.get(roomId)?.replayOf(subscriber);
      if (replay !== undefined && cursor.seq <= replay.cursor) replay.moveTo(cursor);
      else doubtful.set(roomId, cursor);
    }
    if (doubtful.size === 0) return;
    const known = await this.#headsFor(subscriber, [...doubtful.keys()]);
    const opened = await this.#open([...known.keys()]);
    try {
      // Again, after the subscription: publications from here on arrive.
      const heads = known.size === 0 ? known : await this.#headsFor(subscriber, [...known.keys()]);
      if (subscriber.state === "left") return;
      for (const room of opened) this.#moveTo(subscriber, room, heads.get(room.roomId), doubtful.get(room.roomId));
      for (const [roomId, { seq, mark }] of doubtful)
        if (!heads.has(roomId)) subscriber.sink.reset(roomId, "not_member", { seq, mark: mark ?? 0 });
    } finally {
      for (const room of opened) this.#deps.rooms.unpin(room);
    }
  }

  /** The seqs up to which these rooms may be resumed. A subscriber for one room is in it already, maybe as a service. */
  #headsFor(
    subscriber: Subscriber,
    roomIds: readonly string[],
  ): Promise<ReadonlyMap<string, Resumable>> | ReadonlyMap<string, Resumable> {
    const { scope, sink } = subscriber;
    const room = scope !== null && subscriber.rooms.has(scope) ? this.#deps.rooms.get(scope) : undefined;
    if (room !== undefined)
      return new Map([[room.roomId, { seq: room.sequence.last, mark: room.sequence.mark, from: 0 }]]);
    return this.#deps.store.resumable(sink.userId, roomIds);
  }

  /** Without a `head` the user is no member any longer. */
  #moveTo(subscriber: Subscriber, room: LocalRoom, head: Resumable | undefined, cursor: Position | undefined): void {
    if (head === undefined || cursor === undefined) return;
    room.begin(head);
    const beyond = cursor.seq > head.seq;
    if (beyond) subscriber.sink.reset(room.roomId, cursor.mark === null ? "too_old" : "diverged", head);
    const held = room.replayOf(subscriber);
    held?.goOn(head.seq);
    const replay = held ?? room.hold(subscriber, head, head.seq);
    replay.notBefore(head.from);
    replay.moveTo(beyond ? { seq: head.seq, mark: head.mark } : cursor);
  }

  async #sendReceipts(subscriber: Subscriber, cursors: ReadonlyMap<string, number>): Promise<void> {
    const { sink } = subscriber;
    for (const chunk of chunksOf([...cursors], RECEIPT_ROOMS)) {
      const receipts = await this.#deps.store.receiptsSince(new Map(chunk));
      if (subscriber.state === "left") return;
      // The user may have left a room meanwhile.
      const visible = receipts.filter(
        ({ roomId, userId, hidden }) => subscriber.rooms.has(roomId) && (!hidden || userId === sink.userId),
      );
      for (const [roomId, each] of groupBy(visible, (receipt) => receipt.roomId))
        for (const signal of receiptSignals(roomId, each)) {
          if (!sink.ready() && !(await sink.drained())) return;
          sink.signal(signal);
        }
      if (!(await sink.drained())) return;
    }
  }

  /** Opens these rooms, pinned, and subscribed as far as that goes quickly. */
  async #open(roomIds: readonly string[]): Promise<LocalRoom[]> {
    const opened = this.#deps.rooms.open(roomIds);
    await withTimeout(this.#deps.clock, Promise.all(new Set(opened.map((room) => room.subscribed))));
    return opened;
  }
}

/** Runs `task` for each item, at most `atOnce` at a time. */
async function inTurns<T>(items: readonly T[], atOnce: number, task: (item: T) => Promise<void>): Promise<void> {
  const queue = items.values();
  const runner = async () => {
    for (const item of queue) await task(item);
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, runner));
}
