import type { Clock } from "./clock.ts";
import { Feed, receiptSignal } from "./feed.ts";
import { decodeRoomFrame, decodeUserFrame, encodeStopFrame } from "./frames.ts";
import { Pages } from "./pages.ts";
import type { Bytes, Changes, Channel, Engine, Store } from "./ports.ts";
import { Probe } from "./probe.ts";
import type { Seat } from "./seat.ts";
import { Watch } from "./watch.ts";

/** A channel stays subscribed this long after its last session: a page reload finds it warm. */
const LINGER_MS = 1000;
/** A session waits this long for its channels; then it goes on without them: what they miss, the store brings a second later. */
const SUBSCRIBE_MS = 1000;
const RETRY_MS = 1000;
/** Rooms of one session that are replayed at the same time. */
const REPLAYS_AT_ONCE = 8;
/** Rooms whose receipts are asked for at once. */
const RECEIPT_ROOMS = 256;

export interface HubDeps {
  readonly engine: Engine;
  readonly store: Store;
  readonly clock: Clock;
  readonly nodeId: string;
}

interface LocalUser {
  readonly seats: Set<Seat>;
  readonly subscribed: Promise<void>;
}

/**
 * Where what happens meets who is connected to this node: rooms with somebody here have a feed, users with a session here a
 * seat per session. No call lists all rooms or users.
 */
export class Hub {
  readonly probe: Probe;
  readonly #engine: Engine;
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #pages: Pages;
  readonly #watch: Watch;
  readonly #feeds = new Map<string, Feed>();
  readonly #users = new Map<string, LocalUser>();
  #repairedBefore = 0;

  constructor({ engine, store, clock, nodeId }: HubDeps) {
    this.#engine = engine;
    this.#store = store;
    this.#clock = clock;
    this.#pages = new Pages(store);
    this.#watch = new Watch(store, clock, (changes) => this.#changed(changes));
    this.probe = new Probe(engine, clock, nodeId);
  }

  /** Begins to listen. Resolves when the node's own channel is subscribed, or the engine is away. */
  async start(): Promise<void> {
    this.#engine.listen({
      message: (channel, payload) => this.#message(channel, payload),
      restored: (channels) => this.#restored(channels),
    });
    await this.#watch.ask();
    await this.#settled(this.probe.start());
  }

  async close(): Promise<void> {
    this.probe.stop();
    await this.#watch.close();
    for (const feed of this.#feeds.values()) feed.close();
    this.#feeds.clear();
    this.#users.clear();
  }

  /** What a scrape prints. */
  counts(): { rooms: number; users: number; repaired: number } {
    let repaired = this.#repairedBefore;
    for (const feed of this.#feeds.values()) repaired += feed.sequence.repaired;
    return { rooms: this.#feeds.size, users: this.#users.size, repaired };
  }

  /**
   * Takes a session in, parked: it gets nothing before `resume`. Resolves with where each of its rooms is, in one snapshot;
   * rejects with `unavailable`. `leave` ends it, also while this is under way.
   */
  async enter(seat: Seat): Promise<ReadonlyMap<string, number>> {
    const { userId } = seat.sink;
    await this.#settled(this.#welcome(userId, seat).subscribed);
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
      for (const feed of opened) this.#unpin(feed);
    }
  }

  /**
   * Brings the seat to the present: from `cursors` (by room; rooms that they do not name go on from where `enter` said), or,
   * for a first connection, from there everywhere. Resolves when every room is live and what is true at the moment was told.
   */
  async resume(seat: Seat, cursors: ReadonlyMap<string, number> | null): Promise<void> {
    if (cursors !== null) await this.#place(seat, cursors);
    if (seat.state === "left") return;
    seat.state = "live";
    const replays = [...seat.feeds].flatMap((feed) => feed.replayOf(seat) ?? []);
    const from = new Map(replays.map((replay) => [replay.roomId, replay.cursor]));
    await inTurns(replays, REPLAYS_AT_ONCE, (replay) => replay.run());
    if (cursors !== null) await this.#receiptsSince(seat, from);
    for (const feed of seat.feeds) feed.present(seat);
  }

  /** Whether the seat is in the room, live. */
  seated(seat: Seat, roomId: string): boolean {
    const feed = this.#feeds.get(roomId);
    return feed !== undefined && seat.feeds.has(feed) && feed.replayOf(seat) === undefined;
  }

  leave(seat: Seat): void {
    seat.state = "left";
    const { userId } = seat.sink;
    const user = this.#users.get(userId);
    user?.seats.delete(seat);
    for (const feed of [...seat.feeds]) {
      if (user?.seats.size === 0 && feed.types(userId)) this.#stopTyping(feed.roomId, userId);
      feed.remove(seat);
    }
    if (user?.seats.size !== 0) return;
    this.#clock.after(LINGER_MS, () => {
      if (this.#users.get(userId) !== user || user.seats.size > 0) return;
      this.#users.delete(userId);
      this.#engine.unsubscribe([{ kind: "user", id: userId }]);
    });
  }

  /** Whoever closes their last window does not type in it any longer. */
  #stopTyping(roomId: string, userId: string): void {
    this.#engine.stopTyping(roomId, userId);
    this.#engine.publish({ kind: "room", id: roomId }, encodeStopFrame(userId));
  }

  #welcome(userId: string, seat: Seat): LocalUser {
    const present = this.#users.get(userId);
    const user = present ?? { seats: new Set(), subscribed: this.#engine.subscribe([{ kind: "user", id: userId }]) };
    user.seats.add(seat);
    this.#users.set(userId, user);
    return user;
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
    const { userId } = seat.sink;
    const known = await this.#store.resumable(userId, [...doubtful.keys()]);
    const feeds = await this.#open([...known.keys()]);
    try {
      // Again, after the subscription: what is published from here on arrives.
      const heads = known.size === 0 ? known : await this.#store.resumable(userId, [...known.keys()]);
      if (seat.state === "left") return;
      for (const feed of feeds) this.#replace(seat, feed, heads.get(feed.roomId), doubtful.get(feed.roomId) ?? 0);
      for (const [roomId, cursor] of doubtful) if (!heads.has(roomId)) seat.sink.reset(roomId, "not_member", cursor);
    } finally {
      for (const feed of feeds) this.#unpin(feed);
    }
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
      for (const receipt of receipts) {
        if (!ours.has(receipt.roomId)) continue;
        if (!seat.sink.ready() && !(await seat.sink.drained())) return;
        seat.sink.signal(receiptSignal(receipt.roomId, receipt));
      }
      if (!(await seat.sink.drained())) return;
    }
  }

  /** Feeds for these rooms, pinned, and subscribed as far as that goes quickly. */
  async #open(roomIds: readonly string[]): Promise<Feed[]> {
    const fresh = roomIds.filter((roomId) => !this.#feeds.has(roomId));
    if (fresh.length > 0) this.#create(fresh);
    const feeds = roomIds.flatMap((roomId) => this.#feeds.get(roomId) ?? []);
    for (const feed of feeds) feed.pins++;
    await this.#settled(Promise.all(new Set(feeds.map((feed) => feed.subscribed))));
    return feeds;
  }

  #create(roomIds: readonly string[]): void {
    const subscribed = this.#engine.subscribe(roomIds.map((id) => ({ kind: "room", id })));
    for (const roomId of roomIds) {
      const feed = new Feed(roomId, {
        clock: this.#clock,
        pages: this.#pages,
        seatsOf: (userId) => this.#users.get(userId)?.seats ?? [],
        empty: (each) => this.#linger(each),
      });
      feed.subscribed = subscribed;
      this.#feeds.set(roomId, feed);
    }
    void subscribed.then(() => this.#loadTyping(roomIds));
  }

  #unpin(feed: Feed): void {
    feed.pins--;
    if (feed.idle()) this.#linger(feed);
  }

  #linger(feed: Feed): void {
    this.#clock.after(LINGER_MS, () => {
      if (!feed.idle() || this.#feeds.get(feed.roomId) !== feed) return;
      this.#feeds.delete(feed.roomId);
      this.#repairedBefore += feed.sequence.repaired;
      feed.close();
      this.#engine.unsubscribe([{ kind: "room", id: feed.roomId }]);
    });
  }

  /** Who types in rooms that this node did not listen to until now. */
  async #loadTyping(roomIds: readonly string[]): Promise<void> {
    let typists: Awaited<ReturnType<Engine["typists"]>>;
    try {
      typists = await this.#engine.typists(roomIds);
    } catch {
      // Typing pauses while the engine is away; `restored` asks again.
      return;
    }
    for (const [roomId, who] of typists)
      for (const { userId, remainingMs } of who) this.#feeds.get(roomId)?.typing(userId, remainingMs);
  }

  #message({ kind, id }: Channel, payload: Bytes): void {
    if (kind === "node") return this.probe.received();
    if (kind === "room") {
      const frame = decodeRoomFrame(id, payload);
      if (frame !== undefined) this.#feeds.get(id)?.receive(frame);
      return;
    }
    const frame = decodeUserFrame(payload);
    if (frame?.kind === "joined") void this.#joined(id, frame.roomId, frame.seq);
    else if (frame?.kind === "revoked") this.#revoked(id, frame.at);
  }

  #restored(channels: readonly Channel[]): void {
    void this.#watch.ask();
    void this.#loadTyping(channels.filter(({ kind }) => kind === "room").map(({ id }) => id));
  }

  #changed({ rooms, members, receipts, revoked }: Changes): void {
    for (const { roomId, lastSeq } of rooms) this.#feeds.get(roomId)?.sequence.note(lastSeq);
    for (const { leftSeq, userId, roomId, joinedSeq } of members)
      if (leftSeq === null) void this.#joined(userId, roomId, joinedSeq);
    for (const receipt of receipts) this.#feeds.get(receipt.roomId)?.receipts([receipt]);
    for (const { userId, revokedAt } of revoked) this.#revoked(userId, revokedAt);
  }

  #revoked(userId: string, at: Date): void {
    for (const seat of [...(this.#users.get(userId)?.seats ?? [])]) seat.sink.revoked(at);
  }

  /** A user joined a room, as a hint or the store says: their seats that are not in it yet come in from that event on. */
  async #joined(userId: string, roomId: string, seq: number): Promise<void> {
    const waiting = () =>
      [...(this.#users.get(userId)?.seats ?? [])].filter(
        (seat) => ![...seat.feeds].some((feed) => feed.roomId === roomId),
      );
    if (waiting().length === 0) return;
    const [feed] = await this.#open([roomId]);
    if (feed === undefined) return;
    try {
      // Whether it is still so, and up to where that is known. A hint alone lets nobody in.
      const head = (await this.#store.resumable(userId, [roomId])).get(roomId);
      if (head !== undefined) this.#admit(feed, waiting(), seq, head);
    } catch {
      this.#clock.after(RETRY_MS, () => void this.#joined(userId, roomId, seq));
    } finally {
      this.#unpin(feed);
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
    for (const { seat, replay } of replays) if (seat.state === "live") void replay.run().then(() => feed.present(seat));
  }

  /** Waits for a subscription, but not for an engine that is away. */
  async #settled(subscription: Promise<unknown>): Promise<void> {
    let callOff: (() => void) | undefined;
    const late = new Promise<void>((resolve) => {
      callOff = this.#clock.after(SUBSCRIBE_MS, resolve);
    });
    await Promise.race([subscription, late]);
    callOff?.();
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
