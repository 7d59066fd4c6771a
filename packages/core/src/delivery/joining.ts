import { Problem } from "@signalbox/protocol/errors";
import type { ReceiptRow } from "../model/rows.ts";
import { type Clock, soon } from "../ports/clock.ts";
import type { Store } from "../ports/store.ts";
import type { Users } from "./local-users.ts";
import { receiptSignals } from "./receipt-batcher.ts";
import type { Feed } from "./room-feed.ts";
import type { Feeds } from "./room-feeds.ts";
import type { Seat } from "./subscriber.ts";

const RETRY_MS = 1000;
/** Rooms of one session that are replayed at the same time. */
const REPLAYS_AT_ONCE = 8;
/** Rooms whose receipts are asked for at once. */
const RECEIPT_ROOMS = 256;

export interface EntranceDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly users: Users;
  readonly feeds: Feeds;
  /** A session has come into a room by its user's joining. */
  readonly entered: (feed: Feed, seat: Seat) => void;
}

/** The ways in: how a session comes to be live in its rooms, when it connects, when it comes back, when its user joins. */
export class Entrance {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #users: Users;
  readonly #feeds: Feeds;
  readonly #entered: EntranceDeps["entered"];

  constructor({ store, clock, users, feeds, entered }: EntranceDeps) {
    this.#store = store;
    this.#clock = clock;
    this.#users = users;
    this.#feeds = feeds;
    this.#entered = entered;
  }

  /**
   * Takes a session in, parked: it gets nothing before `resume`. Resolves with where each of its rooms is, in one snapshot;
   * rejects with `unavailable`, and with `not_found` when it is for one room that its user may not see. `leave` ends it,
   * also while this is under way. `service`: its user may see every room.
   */
  async enter(seat: Seat, service = false): Promise<ReadonlyMap<string, number>> {
    if (seat.scope !== null) return this.#enterRoom(seat, seat.scope, service);
    const { userId } = seat.sink;
    await soon(this.#clock, this.#users.welcome(seat));
    const opened: Feed[] = [];
    try {
      for (;;) {
        const rooms = new Map((await this.#store.roomsOf(userId)).map(({ roomId, lastSeq }) => [roomId, lastSeq]));
        // Read after the subscription: whatever came after this state is on its way, or will be asked for.
        for (const feed of opened) feed.begin(rooms.get(feed.roomId));
        const missing = [...rooms.keys()].filter((roomId) => this.#feeds.get(roomId)?.started() !== true);
        if (missing.length > 0) opened.push(...(await this.#open(missing)));
        else return this.#seated(seat, rooms);
      }
    } finally {
      for (const feed of opened) this.#feeds.unpin(feed);
    }
  }

  /**
   * Brings the seat to the present: from `cursors` (by room; rooms that they do not name go on from where `enter` said), or,
   * for a first connection, from there everywhere. Resolves when every room is live; what is true at the moment is told by
   * `Hub.present`.
   */
  async resume(seat: Seat, cursors: ReadonlyMap<string, number> | null): Promise<void> {
    if (cursors !== null) await this.#place(seat, cursors);
    if (seat.state === "left") return;
    seat.state = "live";
    const replays = [...seat.feeds].flatMap((feed) => feed.replayOf(seat) ?? []);
    const from = new Map(replays.map((replay) => [replay.roomId, replay.cursor]));
    await inTurns(replays, REPLAYS_AT_ONCE, (replay) => replay.run());
    if (cursors !== null) await this.#receiptsSince(seat, from);
    await soon(this.#clock, Promise.all(new Set([...seat.feeds].map((feed) => feed.lookedAround))));
  }

  /** A user joined a room, as a hint or the store says: their seats that are not in it yet come in from that event on. */
  async joined(userId: string, roomId: string, seq: number): Promise<void> {
    const waiting = () =>
      this.#users.seatsOf(userId, roomId).filter((seat) => ![...seat.feeds].some((feed) => feed.roomId === roomId));
    if (waiting().length === 0) return;
    const [feed] = await this.#open([roomId]);
    if (feed === undefined) return;
    try {
      // Whether it is still so, and up to where that is known. A hint alone lets nobody in.
      const head = (await this.#store.resumable(userId, [roomId])).get(roomId);
      if (head !== undefined) this.#admit(feed, waiting(), seq, head);
    } catch {
      this.#clock.after(RETRY_MS, () => void this.joined(userId, roomId, seq));
    } finally {
      this.#feeds.unpin(feed);
    }
  }

  #admit(feed: Feed, seats: readonly Seat[], seq: number, head: number): void {
    const replays = seats.flatMap((seat) => {
      const leftAt = seat.leaves.get(feed.roomId) ?? 0;
      if (leftAt > head) return [];
      // The hint may be of an earlier join: what the seat had until it left does not come again.
      return { seat, replay: feed.park(seat, Math.max(seq - 1, leftAt), head) };
    });
    // Only now: what the feed has held since `head` may take these seats out again, and in.
    feed.begin(head);
    for (const { seat, replay } of replays)
      if (seat.state === "live") void replay.run().then(() => this.#entered(feed, seat));
  }

  async #enterRoom(seat: Seat, roomId: string, service: boolean): Promise<ReadonlyMap<string, number>> {
    const { userId } = seat.sink;
    const head = async () => {
      const seq = await this.#store.seqOf(roomId, userId, service);
      if (seq === null) throw new Problem("not_found", "no such room");
      return seq;
    };
    // Before anything is opened for somebody who may not see it.
    await head();
    await soon(this.#clock, this.#users.welcome(seat));
    const feeds = await this.#open([roomId]);
    try {
      const seq = await head();
      for (const feed of feeds) feed.begin(seq);
      return this.#seated(seat, new Map([[roomId, seq]]));
    } finally {
      for (const feed of feeds) this.#feeds.unpin(feed);
    }
  }

  #seated(seat: Seat, rooms: ReadonlyMap<string, number>): ReadonlyMap<string, number> {
    if (seat.state === "left") return rooms;
    for (const [roomId, seq] of rooms) this.#feeds.get(roomId)?.park(seat, seq, seq);
    return rooms;
  }

  /** Sets where a resuming seat goes on from. What it says is checked: it may name rooms that it left, or seqs that never were. */
  async #place(seat: Seat, cursors: ReadonlyMap<string, number>): Promise<void> {
    const doubtful = new Map<string, number>();
    for (const [roomId, cursor] of cursors) {
      const replay = this.#feeds.get(roomId)?.replayOf(seat);
      if (replay !== undefined && cursor <= replay.cursor) replay.cursor = cursor;
      else doubtful.set(roomId, cursor);
    }
    if (doubtful.size === 0) return;
    const known = await this.#headsFor(seat, [...doubtful.keys()]);
    const feeds = await this.#open([...known.keys()]);
    try {
      // Again, after the subscription: what is published from here on arrives.
      const heads = known.size === 0 ? known : await this.#headsFor(seat, [...known.keys()]);
      if (seat.state === "left") return;
      for (const feed of feeds) this.#replace(seat, feed, heads.get(feed.roomId), doubtful.get(feed.roomId) ?? 0);
      for (const [roomId, cursor] of doubtful) if (!heads.has(roomId)) seat.sink.reset(roomId, "not_member", cursor);
    } finally {
      for (const feed of feeds) this.#feeds.unpin(feed);
    }
  }

  /** Where a resume of these rooms may go. The room of a seat that is for one room was found fit to be seen, by a service maybe. */
  #headsFor(
    seat: Seat,
    roomIds: readonly string[],
  ): Promise<ReadonlyMap<string, number>> | ReadonlyMap<string, number> {
    const feed = seat.scope === null ? undefined : this.#feeds.get(seat.scope);
    if (feed !== undefined && seat.feeds.has(feed)) return new Map([[feed.roomId, feed.sequence.last]]);
    return this.#store.resumable(seat.sink.userId, roomIds);
  }

  /** Without a `head` the user is no member any longer. */
  #replace(seat: Seat, feed: Feed, head: number | undefined, cursor: number): void {
    if (head === undefined) return;
    feed.begin(head);
    if (cursor > head) seat.sink.reset(feed.roomId, "too_old", head);
    const parked = feed.replayOf(seat);
    parked?.goOn(head);
    const replay = parked ?? feed.park(seat, head, head);
    replay.cursor = Math.min(cursor, head);
  }

  async #receiptsSince(seat: Seat, cursors: ReadonlyMap<string, number>): Promise<void> {
    const rooms = [...cursors];
    for (let at = 0; at < rooms.length; at += RECEIPT_ROOMS) {
      const receipts = await this.#store.receiptsSince(new Map(rooms.slice(at, at + RECEIPT_ROOMS)));
      if (seat.state === "left") return;
      // It may have left a room meanwhile.
      const ours = new Set([...seat.feeds].map(({ roomId }) => roomId));
      const forSeat = receipts.filter(
        ({ roomId, userId, hidden }) => ours.has(roomId) && (!hidden || userId === seat.sink.userId),
      );
      for (const [roomId, each] of byRoom(forSeat))
        for (const signal of receiptSignals(roomId, each)) {
          if (!seat.sink.ready() && !(await seat.sink.drained())) return;
          seat.sink.signal(signal);
        }
      if (!(await seat.sink.drained())) return;
    }
  }

  /** Feeds for these rooms, pinned, and subscribed as far as that goes quickly. */
  async #open(roomIds: readonly string[]): Promise<Feed[]> {
    const feeds = this.#feeds.open(roomIds);
    await soon(this.#clock, Promise.all(new Set(feeds.map((feed) => feed.subscribed))));
    return feeds;
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
