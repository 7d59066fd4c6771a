import type { EventRow, Receipt } from "../model/rows.ts";
import { typingBody } from "../model/signal-bodies.ts";
import type { Clock } from "../ports/clock.ts";
import type { RoomFrame, ShownPresence } from "../ports/engine-frames.ts";
import type { Pages } from "./event-pages.ts";
import { Readers, receiptSignals } from "./receipt-batcher.ts";
import { Replay } from "./replay.ts";
import { Sequence } from "./sequence.ts";
import type { Live, Seat } from "./subscriber.ts";
import { Typing } from "./typing-tracker.ts";

export interface FeedDeps {
  readonly clock: Clock;
  readonly pages: Pages;
  /** Seats of a user that are open on this node, and may be in this room. */
  readonly seatsOf: (userId: string, roomId: string) => Iterable<Seat>;
  /** A seat has just come in, live, by its user's USER_JOIN. */
  readonly entered: (feed: Feed, seat: Seat) => void;
  /** An event has been delivered to those who are live. */
  readonly delivered: (feed: Feed, event: EventRow) => void;
  /** Somebody's presence, as others see it. */
  readonly saw: (feed: Feed, person: ShownPresence) => void;
  /** Nobody is left in the room. */
  readonly empty: (feed: Feed) => void;
}

/** One room on this node: its order, its signals, and the seats that it is delivered to. */
export class Feed {
  readonly roomId: string;
  readonly sequence: Sequence;
  /** Settled when the room's channel is subscribed. */
  subscribed: Promise<void> = Promise.resolve();
  /** Settled when it is known who is here. */
  lookedAround: Promise<void> = Promise.resolve();
  /** Counts who is about to come in: a feed is not empty meanwhile. */
  pins = 0;
  readonly #deps: FeedDeps;
  /** The seats that get everything as it comes. */
  readonly live = new Set<Seat>();
  /** Live seats that know more than this node: what they have seen is not delivered again. */
  readonly #ahead = new Map<Seat, number>();
  readonly #replays = new Map<Seat, Replay>();
  #typing: Typing | undefined;
  #readers: Readers | undefined;

  constructor(roomId: string, deps: FeedDeps) {
    this.roomId = roomId;
    this.#deps = deps;
    this.sequence = new Sequence({
      clock: deps.clock,
      read: (after) => deps.pages.read(roomId, after),
      deliver: (event) => this.#deliver(event),
      skipped: (seq) => this.#skipped(seq),
    });
  }

  /** Takes what the room's channel brings. */
  receive(frame: RoomFrame): void {
    switch (frame.kind) {
      case "event":
        return this.sequence.receive(frame.event);
      case "typing":
        return this.typing(frame.userId, frame.remainingMs);
      case "stop":
        return this.#typing?.stopped(frame.userId);
      case "receipts":
        return this.receipts(frame.receipts);
      case "presence":
        for (const person of frame.people) this.#deps.saw(this, person);
    }
  }

  typing(userId: string, remainingMs: number): void {
    this.#typing ??= new Typing(this.#deps.clock, (who, forMs) => this.#broadcast(this.#typingSignal(who, forMs)));
    this.#typing.started(userId, remainingMs);
  }

  types(userId: string): boolean {
    return this.#typing?.has(userId) === true;
  }

  receipts(receipts: readonly Receipt[]): void {
    this.#readers ??= new Readers(this.#deps.clock, (told) => {
      for (const signal of receiptSignals(this.roomId, told)) this.#broadcast(signal);
    });
    for (const receipt of receipts) this.#readers.add(receipt);
  }

  started(): boolean {
    return this.sequence.last !== -1;
  }

  /** Says where the room is, if that is known. */
  begin(head: number | undefined): void {
    if (head !== undefined) this.sequence.start(head);
  }

  /**
   * A seat that has everything up to `cursor`, and gets nothing before its replay runs. `head`: the seq up to which its
   * membership is known; if this room has seen its user leave after that, the replay ends there.
   */
  park(seat: Seat, cursor: number, head: number): Replay {
    const { clock, pages } = this.#deps;
    const replay = new Replay(this, seat, cursor, head, { clock, read: (after) => pages.read(this.roomId, after) });
    const leftAt = seat.leaves.get(this.roomId) ?? 0;
    if (leftAt > head) replay.endAt(leftAt);
    else if (leftAt > 0 && leftAt === cursor) replay.beginAway();
    seat.leaves.delete(this.roomId);
    this.#replays.set(seat, replay);
    seat.feeds.add(this);
    return replay;
  }

  replayOf(seat: Seat): Replay | undefined {
    return this.#replays.get(seat);
  }

  /** From here on the seat gets every event above `cursor` as it is delivered. */
  enliven(seat: Seat, cursor: number): void {
    this.#replays.delete(seat);
    this.live.add(seat);
    seat.feeds.add(this);
    if (cursor <= this.sequence.last) return;
    this.#ahead.set(seat, cursor);
    this.sequence.note(cursor);
  }

  remove(seat: Seat): void {
    this.live.delete(seat);
    this.#ahead.delete(seat);
    this.#replays.get(seat)?.end();
    this.#replays.delete(seat);
    seat.feeds.delete(this);
    if (this.idle()) this.#deps.empty(this);
  }

  /** The seat's user left at `seq`. It may be on its way in, by a membership that was read before that: the leave is remembered. */
  dismiss(seat: Seat, seq: number): void {
    this.remove(seat);
    seat.leaves.set(this.roomId, Math.max(seq, seat.leaves.get(this.roomId) ?? 0));
  }

  idle(): boolean {
    return this.live.size + this.#replays.size + this.pins === 0;
  }

  /** Who types at the moment, for a session that just came in. */
  present(seat: Seat): void {
    // It may have left again while it was replayed.
    if (!this.live.has(seat)) return;
    for (const [userId, forMs] of this.#typing?.now() ?? []) seat.sink.signal(this.#typingSignal(userId, forMs));
  }

  close(): void {
    this.sequence.close();
    this.#typing?.close();
    this.#readers?.close();
  }

  #deliver(event: EventRow): void {
    if (event.type === "USER_JOIN") this.#admit(event);
    if (this.#ahead.size === 0) for (const seat of this.live) seat.sink.event(event);
    else this.#deliverBehind(event);
    for (const replay of this.#replays.values()) replay.offer(event);
    if (event.type === "SEND_MSG" || event.type === "REPLY") this.#typing?.stopped(event.userId);
    else if (event.type === "USER_LEAVE") this.#left(event);
    else if (event.type === "DELETE_CHAT") for (const seat of this.#seats()) this.#part(seat, event.seq);
    this.#deps.delivered(this, event);
  }

  /** Delivery while some seats are ahead of this node. */
  #deliverBehind(event: EventRow): void {
    for (const seat of this.live) {
      const cursor = this.#ahead.get(seat);
      if (cursor === undefined || event.seq > cursor) seat.sink.event(event);
      if (cursor !== undefined && event.seq >= cursor) this.#ahead.delete(seat);
    }
  }

  /** Seats of somebody who joins take part from their USER_JOIN on. */
  #admit({ userId, seq }: EventRow): void {
    for (const seat of this.#deps.seatsOf(userId, this.roomId)) {
      // A replay may have brought it past this join and the leave that followed.
      if ((seat.leaves.get(this.roomId) ?? 0) > seq) continue;
      const replay = this.#replays.get(seat);
      seat.leaves.delete(this.roomId);
      if (replay !== undefined) replay.goOn(seq);
      else if (seat.state === "parked") this.park(seat, seq - 1, seq);
      else if (seat.state === "live" && !this.live.has(seat)) {
        this.enliven(seat, seq - 1);
        this.#deps.entered(this, seat);
      }
    }
  }

  /** Seats of somebody who left have had their USER_LEAVE, and get nothing above it. */
  #left({ userId, seq }: EventRow): void {
    this.#typing?.stopped(userId);
    for (const seat of this.#deps.seatsOf(userId, this.roomId)) this.#part(seat, seq);
  }

  /** A replay goes on up to the last event that is for its session; who is live is done. */
  #part(seat: Seat, seq: number): void {
    const replay = this.#replays.get(seat);
    if (replay !== undefined) replay.endAt(seq);
    else if (!this.#saw(seat, seq)) this.dismiss(seat, seq);
  }

  /** Whether a live seat that is ahead of this node has been past `seq`, as a member. */
  #saw(seat: Seat, seq: number): boolean {
    return (this.#ahead.get(seat) ?? -1) >= seq;
  }

  #skipped(seq: number): void {
    for (const seat of this.live) if (!this.#saw(seat, seq)) seat.sink.reset(this.roomId, "too_old", seq);
  }

  #seats(): Seat[] {
    return [...this.live, ...this.#replays.keys()];
  }

  #broadcast(signal: Live): void {
    for (const seat of this.live) seat.sink.signal(signal);
    for (const replay of this.#replays.values()) replay.keep(signal);
  }

  #typingSignal(userId: string, remainingMs: number): Live {
    const body = typingBody(this.roomId, userId, remainingMs > 0);
    return {
      key: `typing ${this.roomId} ${userId}`,
      roomId: this.roomId,
      body,
      about: { kind: "typing", userId, remainingMs },
    };
  }
}
