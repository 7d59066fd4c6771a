import type { EventRow, Head, Receipt } from "../model/rows.ts";
import { type Clock, RETRY_MS } from "../ports/clock.ts";
import { type Faults, isUnavailable } from "../ports/faults.ts";
import { PAGE } from "./event-pages.ts";
import { receiptSignals } from "./receipt-batcher.ts";
import type { Signal } from "./signal.ts";
import type { ResetReason, Subscriber } from "./subscriber.ts";

/** How far a session is: the seq of its last event, and its mark; null when the client does not know it. */
export interface Position {
  readonly seq: number;
  readonly mark: number | null;
}

/** The room that a replay brings its subscriber to. */
export interface ReplayRoom {
  readonly roomId: string;
  readonly sequence: { readonly last: number; readonly mark: number };
  /** True when the store has the event of this position. Checks the room as well. Rejects with `unavailable`. */
  has(position: Position): Promise<boolean>;
  /** Has the subscriber receive every event above `cursor` as it is delivered. */
  goLive(subscriber: Subscriber, cursor: number): void;
  /** Removes the subscriber after its user left at `seq`. */
  dismiss(subscriber: Subscriber, seq: number): void;
}

export interface ReplayDeps {
  readonly clock: Clock;
  readonly faults: Faults;
  readonly read: (after: number) => Promise<readonly EventRow[]>;
}

/**
 * Brings one subscriber from its cursor up to a room that goes on meanwhile: reads pages as fast as the session drains, keeps
 * live events aside only within the last page, joins both by seq, and hands the subscriber over to the room. One piece of
 * code for first connection, resume and joining live. DESIGN 3.6.
 */
export class Replay {
  /** The seq of the last event that the session has, and its mark; null when it is not known. */
  #cursor: Position;
  readonly #room: ReplayRoom;
  readonly #subscriber: Subscriber;
  /** The seq at which the subscriber's user is known to be a member: a leave below it was followed by a return. */
  #head: number;
  readonly #deps: ReplayDeps;
  /** Nothing up to this seq is for this session. */
  #from = 0;
  /** The last seq for this session: its user left there, or the room was deleted. */
  #until = Number.POSITIVE_INFINITY;
  /** Live events since the last page was read; undefined while the cursor is further back. */
  #tail: EventRow[] | undefined;
  /** Receipts of the time of the replay, newest per user. */
  #receipts: Map<string, Receipt> | undefined;
  /** The page that is being read, or is on its way, is read again. */
  #pageDropped = false;
  /** The room went on in another history: the cursor may not be in it. */
  #doubted = false;
  /** The store has the event of the cursor, as far as it has been asked. */
  #known = true;
  /** The user has left and not come back, as far as the replay has come: events in between are not for the session. */
  #away = false;
  #ended = false;

  /** `head`: the seq up to which the user's membership is known. */
  constructor(room: ReplayRoom, subscriber: Subscriber, cursor: Position, head: number, deps: ReplayDeps) {
    this.#room = room;
    this.#subscriber = subscriber;
    this.#cursor = cursor;
    this.#head = head;
    this.#deps = deps;
  }

  get cursor(): number {
    return this.#cursor.seq;
  }

  /** Begins at a position that the client names, but not before the user's own part of the history. */
  moveTo(position: Position): void {
    this.#cursor = position;
    this.#known = false;
    this.notBefore(this.#from);
  }

  /** Events up to `seq` are not for the user. */
  notBefore(seq: number): void {
    this.#from = seq;
    if (this.cursor < seq) this.#cursor = { seq, mark: null };
  }

  /** Has the cursor checked before anything else is delivered. */
  doubt(): void {
    this.#doubted = true;
    this.#known = false;
    this.#tail = undefined;
  }

  /** Drops the page that is being read or on its way to the session: a text in it was taken back. The rest of it is read again. */
  forgetPage(): void {
    this.#pageDropped = true;
    this.#tail = undefined;
  }

  /** Takes an event that the room has delivered to its live subscribers. */
  offer(event: EventRow): void {
    if (this.#tail === undefined) return;
    if (this.#tail.length < PAGE) this.#tail.push(event);
    else this.#tail = undefined;
  }

  /** Takes a signal that live subscribers received. Only receipts are kept: other state is sent as a whole at the end. */
  keep({ about }: Signal): void {
    if (about.kind !== "receipts") return;
    this.#receipts ??= new Map();
    for (const receipt of about.receipts) this.#receipts.set(receipt.userId, receipt);
  }

  /** Ends the replay at `seq`, where the user left. */
  endAt(seq: number): void {
    if (seq > this.#head) this.#until = seq;
  }

  /** The cursor is where the user left: nothing is for the session until the user's return. */
  beginAway(): void {
    this.#away = true;
  }

  /** Goes on past an earlier leave: the user is a member at `seq`. */
  goOn(seq: number): void {
    this.#head = seq;
    this.#until = Number.POSITIVE_INFINITY;
  }

  get roomId(): string {
    return this.#room.roomId;
  }

  end(): void {
    this.#ended = true;
  }

  /**
   * Resolves when the subscriber is live, or out of the room, or its session is over. Never rejects: a fault ends the
   * session.
   */
  async run(): Promise<void> {
    try {
      while (!this.#ended) {
        if (this.#doubted && !(await this.#check())) continue;
        const { last, mark } = this.#room.sequence;
        if (this.cursor >= this.#until) return this.#room.dismiss(this.#subscriber, this.#until);
        // An absent user is back by `#head`: the store knows where, also when the room does not yet.
        this.#doubted = this.#isDoubtful(last, mark);
        if (this.#doubted) continue;
        if (this.cursor >= last && !this.#away) return this.#goLive();
        if (last - this.cursor <= PAGE) this.#tail ??= [];
        await this.#page();
      }
    } catch (error) {
      this.#deps.faults.report("replay", error);
      this.end();
      this.#subscriber.sink.fail();
    }
  }

  /** True when the room's end shows that the cursor may be of another history, or does not show that it is of this one. */
  #isDoubtful(last: number, lastMark: number): boolean {
    const { seq, mark } = this.#cursor;
    if (mark === null || seq < last) return false;
    return seq === last ? mark !== lastMark : !this.#known;
  }

  #goLive(): void {
    this.#room.goLive(this.#subscriber, this.cursor);
    const receipts = [...(this.#receipts?.values() ?? [])];
    for (const signal of receiptSignals(this.roomId, receipts)) this.#subscriber.sink.signal(signal);
  }

  async #page(): Promise<void> {
    this.#pageDropped = false;
    const events = await this.#retried(() => this.#deps.read(this.cursor));
    if (events === undefined || this.#ended || this.#doubted) return;
    if (events[0]?.seq !== this.cursor + 1) return this.#reset(this.#isEnded() ? "not_member" : "too_old");
    await this.#passAll(events);
    // Events beyond the session's buffer are read again, at the session's speed.
    const tail = this.#tail ?? [];
    this.#tail = undefined;
    for (const event of tail) if (this.#subscriber.sink.ready()) this.#pass(event);
  }

  /** Asks the store whether it has the event of the cursor; resets the session if not. False while the store is away. */
  async #check(): Promise<boolean> {
    const known = await this.#retried(() => this.#room.has(this.#cursor));
    if (known === undefined || this.#ended) return false;
    this.#doubted = false;
    this.#known = true;
    if (!known) this.#reset(this.#isEnded() ? "not_member" : "diverged");
    return known;
  }

  /** The answer; undefined after a pause when the store is away. */
  async #retried<T>(ask: () => Promise<T>): Promise<T | undefined> {
    try {
      return await ask();
    } catch (error) {
      if (!isUnavailable(error)) throw error;
      await new Promise<void>((resolve) => this.#deps.clock.after(RETRY_MS, resolve));
      return undefined;
    }
  }

  async #passAll(events: readonly EventRow[]): Promise<void> {
    const { sink } = this.#subscriber;
    for (const event of events) {
      if (!sink.ready() && !(await sink.drained())) return this.end();
      if (this.#ended || this.#pageDropped) return;
      this.#pass(event);
    }
  }

  #pass(event: EventRow): void {
    if (event.seq !== this.cursor + 1 || event.seq > this.#until || this.#doubted) return;
    if (event.prev !== (this.#cursor.mark ?? event.prev)) return this.doubt();
    this.#cursor = { seq: event.seq, mark: event.mark };
    this.#known = true;
    const own = event.userId === this.#subscriber.sink.userId;
    if (event.type === "USER_JOIN" && own) this.#away = false;
    if (!this.#away) this.#subscriber.sink.event(event);
    if (event.type === "DELETE_CHAT") this.#until = event.seq;
    if (event.type !== "USER_LEAVE" || !own) return;
    this.#away = true;
    // The store may be ahead of the room, which has not seen this yet.
    this.endAt(event.seq);
  }

  /** True when the user left within the events that the room has. */
  #isEnded(): boolean {
    return this.#until <= this.#room.sequence.last;
  }

  #reset(reason: ResetReason): void {
    const { last: seq, mark } = this.#room.sequence;
    const head: Head = this.#isEnded() ? { seq: this.#until, mark: 0 } : { seq, mark };
    this.#cursor = head;
    this.#away = false;
    this.#subscriber.sink.reset(this.roomId, reason, head);
  }
}
