import { Problem } from "@signalbox/protocol/errors";
import type { ReceiptRow } from "../model/rows.ts";
import { type Clock, withTimeout } from "../ports/clock.ts";
import type { Store } from "../ports/store.ts";
import type { LocalRoom } from "./local-room.ts";
import type { LocalRooms } from "./local-rooms.ts";
import type { LocalUsers } from "./local-users.ts";
import { receiptSignals } from "./receipt-batcher.ts";
import type { Subscriber } from "./subscriber.ts";

const RETRY_MS = 1000;
/** Rooms of one session that are replayed at the same time. */
const REPLAYS_AT_ONCE = 8;
/** Rooms whose receipts are asked for at once. */
const RECEIPT_ROOMS = 256;

export interface JoiningDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly users: LocalUsers;
  readonly rooms: LocalRooms;
  /** A session has come into a room by its user's joining. */
  readonly joinedLive: (room: LocalRoom, subscriber: Subscriber) => void;
}

/** The ways in: how a session comes to be live in its rooms, when it connects, when it comes back, when its user joins. */
export class Joining {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #users: LocalUsers;
  readonly #rooms: LocalRooms;
  readonly #joinedLive: JoiningDeps["joinedLive"];

  constructor({ store, clock, users, rooms, joinedLive: entered }: JoiningDeps) {
    this.#store = store;
    this.#clock = clock;
    this.#users = users;
    this.#rooms = rooms;
    this.#joinedLive = entered;
  }

  /**
   * Takes a session in, parked: it gets nothing before `resume`. Resolves with where each of its rooms is, in one snapshot;
   * rejects with `unavailable`, and with `not_found` when it is for one room that its user may not see. `leave` ends it,
   * also while this is under way. `service`: its user may see every room.
   */
  async attach(subscriber: Subscriber, service = false): Promise<ReadonlyMap<string, number>> {
    if (subscriber.scope !== null) return this.#attachToRoom(subscriber, subscriber.scope, service);
    const { userId } = subscriber.sink;
    await withTimeout(this.#clock, this.#users.add(subscriber));
    const opened: LocalRoom[] = [];
    try {
      for (;;) {
        const rooms = new Map((await this.#store.roomsOf(userId)).map(({ roomId, lastSeq }) => [roomId, lastSeq]));
        // Read after the subscription: whatever came after this state is on its way, or will be asked for.
        for (const room of opened) room.begin(rooms.get(room.roomId));
        const missing = [...rooms.keys()].filter((roomId) => this.#rooms.get(roomId)?.started() !== true);
        if (missing.length > 0) opened.push(...(await this.#open(missing)));
        else return this.#holdIn(subscriber, rooms);
      }
    } finally {
      for (const room of opened) this.#rooms.unpin(room);
    }
  }

  /**
   * Brings the subscriber to the present: from `cursors` (by room; rooms that they do not name go on from where `enter` said), or,
   * for a first connection, from there everywhere. Resolves when every room is live; what is true at the moment is told by
   * `Hub.present`.
   */
  async resumeFrom(subscriber: Subscriber, cursors: ReadonlyMap<string, number> | null): Promise<void> {
    if (cursors !== null) await this.#setCursors(subscriber, cursors);
    if (subscriber.state === "left") return;
    subscriber.state = "live";
    const replays = [...subscriber.rooms].flatMap((room) => room.replayOf(subscriber) ?? []);
    const from = new Map(replays.map((replay) => [replay.roomId, replay.cursor]));
    await inTurns(replays, REPLAYS_AT_ONCE, (replay) => replay.run());
    if (cursors !== null) await this.#receiptsSince(subscriber, from);
    await withTimeout(this.#clock, Promise.all(new Set([...subscriber.rooms].map((room) => room.presenceLoaded))));
  }

  /** A user joined a room, as a hint or the store says: their subscribers that are not in it yet come in from that event on. */
  async joined(userId: string, roomId: string, seq: number): Promise<void> {
    const waiting = () =>
      this.#users
        .subscribersOf(userId, roomId)
        .filter((subscriber) => ![...subscriber.rooms].some((room) => room.roomId === roomId));
    if (waiting().length === 0) return;
    const [room] = await this.#open([roomId]);
    if (room === undefined) return;
    try {
      // Whether it is still so, and up to where that is known. A hint alone lets nobody in.
      const head = (await this.#store.resumable(userId, [roomId])).get(roomId);
      if (head !== undefined) this.#admit(room, waiting(), seq, head);
    } catch {
      this.#clock.after(RETRY_MS, () => void this.joined(userId, roomId, seq));
    } finally {
      this.#rooms.unpin(room);
    }
  }

  #admit(room: LocalRoom, subscribers: readonly Subscriber[], seq: number, head: number): void {
    const replays = subscribers.flatMap((subscriber) => {
      const leftAt = subscriber.leaves.get(room.roomId) ?? 0;
      if (leftAt > head) return [];
      // The hint may be of an earlier join: what the subscriber had until it left does not come again.
      return { subscriber, replay: room.hold(subscriber, Math.max(seq - 1, leftAt), head) };
    });
    // Only now: what the room has held since `head` may take these subscribers out again, and in.
    room.begin(head);
    for (const { subscriber, replay } of replays)
      if (subscriber.state === "live") void replay.run().then(() => this.#joinedLive(room, subscriber));
  }

  async #attachToRoom(subscriber: Subscriber, roomId: string, service: boolean): Promise<ReadonlyMap<string, number>> {
    const { userId } = subscriber.sink;
    const head = async () => {
      const seq = await this.#store.seqOf(roomId, userId, service);
      if (seq === null) throw new Problem("not_found", "no such room");
      return seq;
    };
    // Before anything is opened for somebody who may not see it.
    await head();
    await withTimeout(this.#clock, this.#users.add(subscriber));
    const rooms = await this.#open([roomId]);
    try {
      const seq = await head();
      for (const room of rooms) room.begin(seq);
      return this.#holdIn(subscriber, new Map([[roomId, seq]]));
    } finally {
      for (const room of rooms) this.#rooms.unpin(room);
    }
  }

  #holdIn(subscriber: Subscriber, rooms: ReadonlyMap<string, number>): ReadonlyMap<string, number> {
    if (subscriber.state === "left") return rooms;
    for (const [roomId, seq] of rooms) this.#rooms.get(roomId)?.hold(subscriber, seq, seq);
    return rooms;
  }

  /** Sets where a resuming subscriber goes on from. What it says is checked: it may name rooms that it left, or seqs that never were. */
  async #setCursors(subscriber: Subscriber, cursors: ReadonlyMap<string, number>): Promise<void> {
    const doubtful = new Map<string, number>();
    for (const [roomId, cursor] of cursors) {
      const replay = this.#rooms.get(roomId)?.replayOf(subscriber);
      if (replay !== undefined && cursor <= replay.cursor) replay.cursor = cursor;
      else doubtful.set(roomId, cursor);
    }
    if (doubtful.size === 0) return;
    const known = await this.#headsFor(subscriber, [...doubtful.keys()]);
    const rooms = await this.#open([...known.keys()]);
    try {
      // Again, after the subscription: what is published from here on arrives.
      const heads = known.size === 0 ? known : await this.#headsFor(subscriber, [...known.keys()]);
      if (subscriber.state === "left") return;
      for (const room of rooms) this.#moveTo(subscriber, room, heads.get(room.roomId), doubtful.get(room.roomId) ?? 0);
      for (const [roomId, cursor] of doubtful)
        if (!heads.has(roomId)) subscriber.sink.reset(roomId, "not_member", cursor);
    } finally {
      for (const room of rooms) this.#rooms.unpin(room);
    }
  }

  /** Where a resume of these rooms may go. The room of a subscriber that is for one room was found fit to be seen, by a service maybe. */
  #headsFor(
    subscriber: Subscriber,
    roomIds: readonly string[],
  ): Promise<ReadonlyMap<string, number>> | ReadonlyMap<string, number> {
    const room = subscriber.scope === null ? undefined : this.#rooms.get(subscriber.scope);
    if (room !== undefined && subscriber.rooms.has(room)) return new Map([[room.roomId, room.sequence.last]]);
    return this.#store.resumable(subscriber.sink.userId, roomIds);
  }

  /** Without a `head` the user is no member any longer. */
  #moveTo(subscriber: Subscriber, room: LocalRoom, head: number | undefined, cursor: number): void {
    if (head === undefined) return;
    room.begin(head);
    if (cursor > head) subscriber.sink.reset(room.roomId, "too_old", head);
    const parked = room.replayOf(subscriber);
    parked?.goOn(head);
    const replay = parked ?? room.hold(subscriber, head, head);
    replay.cursor = Math.min(cursor, head);
  }

  async #receiptsSince(subscriber: Subscriber, cursors: ReadonlyMap<string, number>): Promise<void> {
    const rooms = [...cursors];
    for (let at = 0; at < rooms.length; at += RECEIPT_ROOMS) {
      const receipts = await this.#store.receiptsSince(new Map(rooms.slice(at, at + RECEIPT_ROOMS)));
      if (subscriber.state === "left") return;
      // It may have left a room meanwhile.
      const ours = new Set([...subscriber.rooms].map(({ roomId }) => roomId));
      const forSeat = receipts.filter(
        ({ roomId, userId, hidden }) => ours.has(roomId) && (!hidden || userId === subscriber.sink.userId),
      );
      for (const [roomId, each] of byRoom(forSeat))
        for (const signal of receiptSignals(roomId, each)) {
          if (!subscriber.sink.ready() && !(await subscriber.sink.drained())) return;
          subscriber.sink.signal(signal);
        }
      if (!(await subscriber.sink.drained())) return;
    }
  }

  /** Feeds for these rooms, pinned, and subscribed as far as that goes quickly. */
  async #open(roomIds: readonly string[]): Promise<LocalRoom[]> {
    const rooms = this.#rooms.open(roomIds);
    await withTimeout(this.#clock, Promise.all(new Set(rooms.map((room) => room.subscribed))));
    return rooms;
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

function byRoom(receipts: readonly ReceiptRow[]): Map<string, ReceiptRow[]> {
  const rooms = new Map<string, ReceiptRow[]>();
  for (const receipt of receipts) rooms.set(receipt.roomId, [...(rooms.get(receipt.roomId) ?? []), receipt]);
  return rooms;
}
