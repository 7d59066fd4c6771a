import type { EventRow, Receipt } from "../model/rows.ts";
import { typingBody } from "../model/signal-bodies.ts";
import type { Clock } from "../ports/clock.ts";
import type { RoomFrame, ShownPresence } from "../ports/engine-frames.ts";
import type { EventPageCache } from "./event-pages.ts";
import { ReceiptBatcher, receiptSignals } from "./receipt-batcher.ts";
import { Replay } from "./replay.ts";
import { Sequence } from "./sequence.ts";
import type { Signal, Subscriber } from "./subscriber.ts";
import { TypingTracker } from "./typing-tracker.ts";

export interface LocalRoomDeps {
  readonly clock: Clock;
  readonly pages: EventPageCache;
  /** Subscribers of a user that are open on this node, and may be in this room. */
  readonly subscribersOf: (userId: string, roomId: string) => Iterable<Subscriber>;
  /** A subscriber has just come in, live, by its user's USER_JOIN. */
  readonly joinedLive: (room: LocalRoom, subscriber: Subscriber) => void;
  /** An event has been delivered to those who are live. */
  readonly delivered: (room: LocalRoom, event: EventRow) => void;
  /** Somebody's presence, as others see it. */
  readonly presenceChanged: (room: LocalRoom, person: ShownPresence) => void;
  /** Nobody is left in the room. */
  readonly empty: (room: LocalRoom) => void;
}

/** One room on this node: its order, its signals, and the subscribers that it is delivered to. */
export class LocalRoom {
  readonly roomId: string;
  readonly sequence: Sequence;
  /** Settled when the room's channel is subscribed. */
  subscribed: Promise<void> = Promise.resolve();
  /** Settled when it is known who is here. */
  presenceLoaded: Promise<void> = Promise.resolve();
  /** Counts who is about to come in: a room is not empty meanwhile. */
  pins = 0;
  readonly #deps: LocalRoomDeps;
  /** The subscribers that get everything as it comes. */
  readonly live = new Set<Subscriber>();
  /** Live subscribers that know more than this node: what they have seen is not delivered again. */
  readonly #ahead = new Map<Subscriber, number>();
  readonly #replays = new Map<Subscriber, Replay>();
  #typing: TypingTracker | undefined;
  #receipts: ReceiptBatcher | undefined;

  constructor(roomId: string, deps: LocalRoomDeps) {
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
        for (const person of frame.people) this.#deps.presenceChanged(this, person);
    }
  }

  typing(userId: string, remainingMs: number): void {
    this.#typing ??= new TypingTracker(this.#deps.clock, (who, forMs) =>
      this.#broadcast(this.#typingSignal(who, forMs)),
    );
    this.#typing.started(userId, remainingMs);
  }

  types(userId: string): boolean {
    return this.#typing?.has(userId) === true;
  }

  receipts(receipts: readonly Receipt[]): void {
    this.#receipts ??= new ReceiptBatcher(this.#deps.clock, (told) => {
      for (const signal of receiptSignals(this.roomId, told)) this.#broadcast(signal);
    });
    for (const receipt of receipts) this.#receipts.add(receipt);
  }

  started(): boolean {
    return this.sequence.last !== -1;
  }

  /** Says where the room is, if that is known. */
  begin(head: number | undefined): void {
    if (head !== undefined) this.sequence.start(head);
  }

  /**
   * A subscriber that has everything up to `cursor`, and gets nothing before its replay runs. `head`: the seq up to which its
   * membership is known; if this room has seen its user leave after that, the replay ends there.
   */
  hold(subscriber: Subscriber, cursor: number, head: number): Replay {
    const { clock, pages } = this.#deps;
    const replay = new Replay(this, subscriber, cursor, head, {
      clock,
      read: (after) => pages.read(this.roomId, after),
    });
    const leftAt = subscriber.leaves.get(this.roomId) ?? 0;
    if (leftAt > head) replay.endAt(leftAt);
    else if (leftAt > 0 && leftAt === cursor) replay.beginAway();
    subscriber.leaves.delete(this.roomId);
    this.#replays.set(subscriber, replay);
    subscriber.rooms.add(this);
    return replay;
  }

  replayOf(subscriber: Subscriber): Replay | undefined {
    return this.#replays.get(subscriber);
  }

  /** From here on the subscriber gets every event above `cursor` as it is delivered. */
  goLive(subscriber: Subscriber, cursor: number): void {
    this.#replays.delete(subscriber);
    this.live.add(subscriber);
    subscriber.rooms.add(this);
    if (cursor <= this.sequence.last) return;
    this.#ahead.set(subscriber, cursor);
    this.sequence.note(cursor);
  }

  remove(subscriber: Subscriber): void {
    this.live.delete(subscriber);
    this.#ahead.delete(subscriber);
    this.#replays.get(subscriber)?.end();
    this.#replays.delete(subscriber);
    subscriber.rooms.delete(this);
    if (this.idle()) this.#deps.empty(this);
  }

  /** The subscriber's user left at `seq`. It may be on its way in, by a membership that was read before that: the leave is remembered. */
  dismiss(subscriber: Subscriber, seq: number): void {
    this.remove(subscriber);
    subscriber.leaves.set(this.roomId, Math.max(seq, subscriber.leaves.get(this.roomId) ?? 0));
  }

  idle(): boolean {
    return this.live.size + this.#replays.size + this.pins === 0;
  }

  /** Who types at the moment, for a session that just came in. */
  sendCurrentState(subscriber: Subscriber): void {
    // It may have left again while it was replayed.
    if (!this.live.has(subscriber)) return;
    for (const [userId, forMs] of this.#typing?.now() ?? []) subscriber.sink.signal(this.#typingSignal(userId, forMs));
  }

  close(): void {
    this.sequence.close();
    this.#typing?.close();
    this.#receipts?.close();
  }

  #deliver(event: EventRow): void {
    if (event.type === "USER_JOIN") this.#admit(event);
    if (this.#ahead.size === 0) for (const subscriber of this.live) subscriber.sink.event(event);
    else this.#deliverBehind(event);
    for (const replay of this.#replays.values()) replay.offer(event);
    if (event.type === "SEND_MSG" || event.type === "REPLY") this.#typing?.stopped(event.userId);
    else if (event.type === "USER_LEAVE") this.#left(event);
    else if (event.type === "DELETE_CHAT")
      for (const subscriber of this.#subscribers()) this.#endFor(subscriber, event.seq);
    this.#deps.delivered(this, event);
  }

  /** Delivery while some subscribers are ahead of this node. */
  #deliverBehind(event: EventRow): void {
    for (const subscriber of this.live) {
      const cursor = this.#ahead.get(subscriber);
      if (cursor === undefined || event.seq > cursor) subscriber.sink.event(event);
      if (cursor !== undefined && event.seq >= cursor) this.#ahead.delete(subscriber);
    }
  }

  /** Subscribers of somebody who joins take part from their USER_JOIN on. */
  #admit({ userId, seq }: EventRow): void {
    for (const subscriber of this.#deps.subscribersOf(userId, this.roomId)) {
      // A replay may have brought it past this join and the leave that followed.
      if ((subscriber.leaves.get(this.roomId) ?? 0) > seq) continue;
      const replay = this.#replays.get(subscriber);
      subscriber.leaves.delete(this.roomId);
      if (replay !== undefined) replay.goOn(seq);
      else if (subscriber.state === "parked") this.hold(subscriber, seq - 1, seq);
      else if (subscriber.state === "live" && !this.live.has(subscriber)) {
        this.goLive(subscriber, seq - 1);
        this.#deps.joinedLive(this, subscriber);
      }
    }
  }

  /** Subscribers of somebody who left have had their USER_LEAVE, and get nothing above it. */
  #left({ userId, seq }: EventRow): void {
    this.#typing?.stopped(userId);
    for (const subscriber of this.#deps.subscribersOf(userId, this.roomId)) this.#endFor(subscriber, seq);
  }

  /** A replay goes on up to the last event that is for its session; who is live is done. */
  #endFor(subscriber: Subscriber, seq: number): void {
    const replay = this.#replays.get(subscriber);
    if (replay !== undefined) replay.endAt(seq);
    else if (!this.#saw(subscriber, seq)) this.dismiss(subscriber, seq);
  }

  /** Whether a live subscriber that is ahead of this node has been past `seq`, as a member. */
  #saw(subscriber: Subscriber, seq: number): boolean {
    return (this.#ahead.get(subscriber) ?? -1) >= seq;
  }

  #skipped(seq: number): void {
    for (const subscriber of this.live)
      if (!this.#saw(subscriber, seq)) subscriber.sink.reset(this.roomId, "too_old", seq);
  }

  #subscribers(): Subscriber[] {
    return [...this.live, ...this.#replays.keys()];
  }

  #broadcast(signal: Signal): void {
    for (const subscriber of this.live) subscriber.sink.signal(signal);
    for (const replay of this.#replays.values()) replay.keep(signal);
  }

  #typingSignal(userId: string, remainingMs: number): Signal {
    const body = typingBody(this.roomId, userId, remainingMs > 0);
    return {
      key: `typing ${this.roomId} ${userId}`,
      roomId: this.roomId,
      body,
      about: { kind: "typing", userId, remainingMs },
    };
  }
}
