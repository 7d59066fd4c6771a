import type { EventRow, Head, Receipt } from "../model/rows.ts";
import { typingBody } from "../model/signal-bodies.ts";
import { type Clock, RETRY_MS } from "../ports/clock.ts";
import type { RoomFrame, ShownPresence } from "../ports/engine-frames.ts";
import { type Faults, isUnavailable } from "../ports/faults.ts";
import type { CheckedHead, Store } from "../ports/store.ts";
import type { EventPageCache } from "./event-pages.ts";
import { ReceiptBatcher, receiptSignals } from "./receipt-batcher.ts";
import { type Position, Replay } from "./replay.ts";
import { Sequence } from "./sequence.ts";
import type { Signal } from "./signal.ts";
import type { Subscriber } from "./subscriber.ts";
import { TypingTracker } from "./typing-tracker.ts";

export interface LocalRoomDeps {
  readonly clock: Clock;
  readonly faults: Faults;
  readonly store: Pick<Store, "heads" | "membersOf">;
  readonly pages: EventPageCache;
  /** Subscribers of a user on this node that may be in this room. */
  readonly subscribersOf: (userId: string, roomId: string) => Iterable<Subscriber>;
  /** A subscriber has just come in, live, by its user's USER_JOIN. */
  readonly joinedLive: (room: LocalRoom, subscriber: Subscriber) => void;
  /** An event has been delivered to the live subscribers. */
  readonly delivered: (room: LocalRoom, event: EventRow) => void;
  /** The room's channel brought a user's presence, as others see it. */
  readonly presenceChanged: (room: LocalRoom, person: ShownPresence) => void;
  /** The room has no subscriber any more. */
  readonly empty: (room: LocalRoom) => void;
}

/** Events that take a text back, or change it: pages that hold the text are dropped. */
const TAKES_BACK: ReadonlySet<EventRow["type"]> = new Set(["EDIT_MSG", "DELETE_MSG", "DELETE_REACT", "DELETE_CHAT"]);

/** True when the position is in the store's history. An unknown mark is taken as right, and an event that is pruned as well. */
const isIn = (head: CheckedHead, { seq, mark }: Position): boolean =>
  head.found === null ? head.seq > seq : mark === null || head.found === mark;

/** One room on this node: its order, its signals, and the subscribers that it delivers to. */
export class LocalRoom {
  readonly roomId: string;
  readonly sequence: Sequence;
  /** Settled when the room's channel is subscribed. */
  subscribed: Promise<void> = Promise.resolve();
  /** Settled when the members' presence has been read. */
  presenceLoaded: Promise<void> = Promise.resolve();
  /** A fault keeps the members' presence from being read at the moment. */
  presenceFailed = false;
  /** Subscribers about to come in: the room is not empty meanwhile. */
  pins = 0;
  /** The subscribers that receive everything as it comes. */
  readonly live = new Set<Subscriber>();
  readonly #deps: LocalRoomDeps;
  /** Live subscribers that know more than this node: events that they have are not delivered again. */
  readonly #ahead = new Map<Subscriber, number>();
  readonly #replays = new Map<Subscriber, Replay>();
  #typing: TypingTracker | undefined;
  #receipts: ReceiptBatcher | undefined;
  #verifying: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(roomId: string, deps: LocalRoomDeps) {
    this.roomId = roomId;
    this.#deps = deps;
    this.sequence = new Sequence({
      clock: deps.clock,
      read: (after) => deps.pages.read(roomId, after),
      deliver: (event) => this.#deliver(event),
      skipped: (seq) => this.#skipped(seq),
      doubted: () => {
        this.#verifying = this.#verified();
      },
      failed: (error) => {
        deps.faults.report("sequence", error);
        this.fail();
      },
    });
  }

  /** Takes a frame of the room's channel. */
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
      case "head":
        return this.sequence.raiseHead(frame.seq);
      case "presence":
        for (const person of frame.people) this.#deps.presenceChanged(this, person);
    }
  }

  typing(userId: string, remainingMs: number): void {
    this.#typing ??= new TypingTracker(this.#deps.clock, (typist, forMs) =>
      this.#broadcast(this.#typingSignal(typist, forMs)),
    );
    this.#typing.started(userId, remainingMs);
  }

  isTyping(userId: string): boolean {
    return this.#typing?.has(userId) === true;
  }

  receipts(receipts: readonly Receipt[]): void {
    this.#receipts ??= new ReceiptBatcher(this.#deps.clock, (batch) => {
      for (const signal of receiptSignals(this.roomId, batch)) this.#broadcast(signal);
    });
    for (const receipt of receipts) this.#receipts.add(receipt);
  }

  started(): boolean {
    return this.sequence.last !== -1;
  }

  /** Sets the end of the room, if it is known. */
  begin(head: Head | undefined): void {
    if (head !== undefined) this.sequence.start(head);
  }

  /**
   * Adds a subscriber that has everything up to `cursor` and receives nothing before its replay runs. `head`: the seq up to
   * which its membership is known; if this room has seen its user leave after that, the replay ends there.
   */
  hold(subscriber: Subscriber, cursor: Position, head: number): Replay {
    const { clock, faults, pages } = this.#deps;
    const read = (after: number) => pages.read(this.roomId, after);
    const replay = new Replay(this, subscriber, cursor, head, { clock, faults, read });
    const leftAt = subscriber.leaves.get(this.roomId) ?? 0;
    if (leftAt > head) replay.endAt(leftAt);
    else if (leftAt > 0 && leftAt === cursor.seq) replay.beginAway();
    subscriber.leaves.delete(this.roomId);
    this.#replays.set(subscriber, replay);
    subscriber.rooms.add(this.roomId);
    return replay;
  }

  replayOf(subscriber: Subscriber): Replay | undefined {
    return this.#replays.get(subscriber);
  }

  /** Has the subscriber receive every event above `cursor` as it is delivered. */
  goLive(subscriber: Subscriber, cursor: number): void {
    this.#replays.delete(subscriber);
    this.live.add(subscriber);
    subscriber.rooms.add(this.roomId);
    if (cursor <= this.sequence.last) return;
    this.#ahead.set(subscriber, cursor);
    this.sequence.raiseHead(cursor);
  }

  /** Compares the room with its end in the store, where the last event that was delivered here was asked for. */
  compare(head: CheckedHead | undefined): void {
    const { last: seq, mark } = this.sequence;
    if (head !== undefined && isIn(head, { seq, mark })) this.sequence.raiseHead(head.seq);
    else this.sequence.doubt();
  }

  /** True when the store has the event of this position. Checks first that this room is where the store is. */
  async has(position: Position): Promise<boolean> {
    this.sequence.doubt();
    await this.#verifying;
    const head = await this.#headAt(position.seq);
    return head !== undefined && isIn(head, position);
  }

  remove(subscriber: Subscriber): void {
    this.live.delete(subscriber);
    this.#ahead.delete(subscriber);
    this.#replays.get(subscriber)?.end();
    this.#replays.delete(subscriber);
    subscriber.rooms.delete(this.roomId);
    if (this.idle()) this.#deps.empty(this);
  }

  /**
   * Removes a subscriber after its user left at `seq`. The leave is remembered: a membership read before it must not let it
   * in again.
   */
  dismiss(subscriber: Subscriber, seq: number): void {
    this.remove(subscriber);
    subscriber.leaves.set(this.roomId, Math.max(seq, subscriber.leaves.get(this.roomId) ?? 0));
  }

  idle(): boolean {
    return this.live.size + this.#replays.size + this.pins === 0;
  }

  /** Sends the present typists to a session that just came in. */
  sendTypists(subscriber: Subscriber): void {
    for (const [userId, forMs] of this.#typing?.now() ?? []) subscriber.sink.signal(this.#typingSignal(userId, forMs));
  }

  /** Ends the sessions in this room: it cannot serve them, by a fault. */
  fail(): void {
    for (const subscriber of this.#subscribers()) subscriber.sink.fail();
  }

  close(): void {
    this.#closed = true;
    this.sequence.close();
    this.#typing?.close();
    this.#receipts?.close();
  }

  async #headAt(seq: number): Promise<CheckedHead | undefined> {
    return (await this.#deps.store.heads(new Map([[this.roomId, seq]]))).get(this.roomId);
  }

  /** Resolves when the store has told which history is the room's, or the room is closed. */
  async #verified(): Promise<void> {
    const { clock, faults } = this.#deps;
    while (!this.#closed) {
      try {
        return await this.#verify();
      } catch (error) {
        if (!isUnavailable(error)) {
          faults.report("sequence", error);
          this.fail();
        }
      }
      await new Promise<void>((resolve) => clock.after(RETRY_MS, resolve));
    }
  }

  /** Compares the last event that was delivered with the store, which may have gone back in time. */
  async #verify(): Promise<void> {
    const { last: seq, mark } = this.sequence;
    this.#deps.pages.forget(this.roomId);
    const head = await this.#headAt(seq);
    if (this.#closed) return;
    if (head !== undefined && isIn(head, { seq, mark })) this.sequence.resume(head.seq);
    else await this.#diverge(head);
  }

  /** Goes on at the end of the store's history, and resets the sessions, which have events of another one. */
  async #diverge(head: CheckedHead | undefined): Promise<void> {
    const { store, pages } = this.#deps;
    const gone = head === undefined || head.deleted;
    const members = new Set(gone ? [] : (await store.membersOf([this.roomId])).get(this.roomId));
    const end = head === undefined ? { seq: 0, mark: 0 } : { seq: head.seq, mark: head.mark };
    pages.forget(this.roomId);
    this.sequence.restart(end);
    for (const subscriber of this.#subscribers()) {
      const { sink, service } = subscriber;
      const stays = !gone && (service || members.has(sink.userId));
      if (!stays) {
        sink.reset(this.roomId, "not_member", end);
        this.dismiss(subscriber, end.seq);
      } else if (this.live.has(subscriber)) {
        this.#ahead.delete(subscriber);
        sink.reset(this.roomId, "diverged", end);
      } else this.#replays.get(subscriber)?.doubt();
    }
  }

  #forgetPages(): void {
    this.#deps.pages.forget(this.roomId);
    for (const replay of this.#replays.values()) replay.forgetPage();
  }

  #deliver(event: EventRow): void {
    if (TAKES_BACK.has(event.type)) this.#forgetPages();
    if (event.type === "USER_JOIN") this.#admit(event);
    if (this.#ahead.size === 0) for (const subscriber of this.live) subscriber.sink.event(event);
    else this.#deliverBehind(event);
    for (const replay of this.#replays.values()) replay.offer(event);
    if (event.type === "SEND_MSG" || event.type === "REPLY") this.#typing?.stopped(event.userId);
    else if (event.type === "USER_LEAVE") this.#left(event);
    else if (event.type === "DELETE_CHAT") {
      for (const replay of this.#replays.values()) replay.notBefore(event.seq - 1);
      for (const subscriber of this.#subscribers()) this.#endFor(subscriber, event.seq);
    }
    this.#deps.delivered(this, event);
  }

  /** Delivers while some subscribers are ahead of this node. */
  #deliverBehind(event: EventRow): void {
    for (const subscriber of this.live) {
      const cursor = this.#ahead.get(subscriber);
      if (cursor === undefined || event.seq > cursor) subscriber.sink.event(event);
      if (cursor !== undefined && event.seq >= cursor) this.#ahead.delete(subscriber);
    }
  }

  /** Lets in the subscribers of a user that joins, from the USER_JOIN on. */
  #admit({ userId, seq }: EventRow): void {
    for (const subscriber of this.#deps.subscribersOf(userId, this.roomId)) {
      // A replay may have brought it past this join and the leave that followed.
      if ((subscriber.leaves.get(this.roomId) ?? 0) > seq) continue;
      const replay = this.#replays.get(subscriber);
      subscriber.leaves.delete(this.roomId);
      if (replay !== undefined) replay.goOn(seq);
      else if (subscriber.state === "held") this.hold(subscriber, { seq: seq - 1, mark: null }, seq);
      else if (subscriber.state === "live" && !this.live.has(subscriber)) {
        this.goLive(subscriber, seq - 1);
        this.#deps.joinedLive(this, subscriber);
      }
    }
  }

  /** Ends the room for the subscribers of a user that left: they have received the USER_LEAVE, and receive nothing above it. */
  #left({ userId, seq }: EventRow): void {
    this.#typing?.stopped(userId);
    for (const subscriber of this.#deps.subscribersOf(userId, this.roomId)) this.#endFor(subscriber, seq);
  }

  /** A replay goes on up to the last event that is for its session; a live subscriber is done. */
  #endFor(subscriber: Subscriber, seq: number): void {
    const replay = this.#replays.get(subscriber);
    if (replay !== undefined) replay.endAt(seq);
    else if (!this.#passed(subscriber, seq)) this.dismiss(subscriber, seq);
  }

  /** True when a live subscriber that is ahead of this node has been past `seq`, as a member. */
  #passed(subscriber: Subscriber, seq: number): boolean {
    return (this.#ahead.get(subscriber) ?? -1) >= seq;
  }

  #skipped(seq: number): void {
    const end = { seq, mark: this.sequence.mark };
    for (const subscriber of this.live)
      if (!this.#passed(subscriber, seq)) subscriber.sink.reset(this.roomId, "too_old", end);
  }

  #subscribers(): Subscriber[] {
    return [...this.live, ...this.#replays.keys()];
  }

  #broadcast(signal: Signal): void {
    for (const subscriber of this.live) subscriber.sink.signal(signal);
    for (const replay of this.#replays.values()) replay.keep(signal);
  }

  #typingSignal(userId: string, remainingMs: number): Signal {
    return {
      key: `typing ${this.roomId} ${userId}`,
      roomId: this.roomId,
      body: typingBody(this.roomId, userId, remainingMs > 0),
      about: { kind: "typing", userId, remainingMs },
    };
  }
}
