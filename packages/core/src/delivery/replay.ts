import type { EventRow, Receipt } from "../model/rows.ts";
import type { Clock } from "../ports/clock.ts";
import { PAGE } from "./event-pages.ts";
import type { LocalRoom } from "./local-room.ts";
import { receiptSignals } from "./receipt-batcher.ts";
import type { Signal, Subscriber } from "./subscriber.ts";

/** How long to wait after the store could not answer. */
const RETRY_MS = 1000;

export interface ReplayDeps {
  readonly clock: Clock;
  readonly read: (after: number) => Promise<readonly EventRow[]>;
}

/**
 * Brings one subscriber from its cursor up to a room that goes on meanwhile: reads pages as fast as the session drains, keeps live
 * events aside only within the last page, joins both by seq, and hands the subscriber over to the room. One piece of code for every
 * way in: first connection, resume, joining live. DESIGN 3.6.
 */
export class Replay {
  /** The seq of the last event that the session has. */
  cursor: number;
  readonly #room: LocalRoom;
  readonly #subscriber: Subscriber;
  /** The seq at which the subscriber's user is known to be a member: whoever left below that came back before it. */
  #head: number;
  readonly #deps: ReplayDeps;
  /** Nothing above this is for this session: it left, or the room was deleted. */
  #until = Number.POSITIVE_INFINITY;
  /** Live events since the last page was asked for; undefined while further away than that. */
  #tail: EventRow[] | undefined;
  /** Receipts that were told meanwhile, newest per user. */
  #receipts: Map<string, Receipt> | undefined;
  /** Its user left and has not come back yet, as far as the replay has come: what others said meanwhile is not for them. */
  #away = false;
  #ended = false;

  /** `head`: the seq up to which the user's membership is known. */
  constructor(room: LocalRoom, subscriber: Subscriber, cursor: number, head: number, deps: ReplayDeps) {
    this.#room = room;
    this.#subscriber = subscriber;
    this.cursor = cursor;
    this.#head = head;
    this.#deps = deps;
  }

  /** The room has delivered this event to those who are live. */
  offer(event: EventRow): void {
    if (this.#tail === undefined) return;
    if (this.#tail.length < PAGE) this.#tail.push(event);
    else this.#tail = undefined;
  }

  /** Receipts were told to those who are live. Nothing else is kept: what is true at the end is told then. */
  keep({ about }: Signal): void {
    if (about.kind !== "receipts") return;
    this.#receipts ??= new Map();
    for (const receipt of about.receipts) this.#receipts.set(receipt.userId, receipt);
  }

  /** The session gets nothing above `seq`, where its user left. */
  endAt(seq: number): void {
    if (seq > this.#head) this.#until = seq;
  }

  /** The cursor is where its user left: until they came back, nothing was for them. */
  beginAway(): void {
    this.#away = true;
  }

  /** Its user is a member at `seq`, whatever was before. */
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

  /** Resolves when the subscriber is live, or out of the room, or its session is over. */
  async run(): Promise<void> {
    while (!this.#ended) {
      const { last } = this.#room.sequence;
      if (this.cursor >= this.#until) return this.#room.dismiss(this.#subscriber, this.#until);
      // Who is away has come back by `#head`: the store knows where, also when the room does not yet.
      if (this.cursor >= last && !this.#away) return this.#goLive();
      if (last - this.cursor <= PAGE) this.#tail ??= [];
      await this.#page();
    }
  }

  #goLive(): void {
    this.#room.goLive(this.#subscriber, this.cursor);
    const receipts = [...(this.#receipts?.values() ?? [])];
    for (const signal of receiptSignals(this.roomId, receipts)) this.#subscriber.sink.signal(signal);
  }

  async #page(): Promise<void> {
    let events: readonly EventRow[];
    try {
      events = await this.#deps.read(this.cursor);
    } catch {
      await new Promise<void>((resolve) => this.#deps.clock.after(RETRY_MS, resolve));
      return;
    }
    if (this.#ended) return;
    if (events[0]?.seq !== this.cursor + 1) return this.#reset();
    await this.#passAll(events);
    // What no longer fits the session's buffer is read again, at the session's speed.
    const tail = this.#tail ?? [];
    this.#tail = undefined;
    for (const event of tail) if (this.#subscriber.sink.ready()) this.#pass(event);
  }

  async #passAll(events: readonly EventRow[]): Promise<void> {
    const { sink } = this.#subscriber;
    for (const event of events) {
      if (!sink.ready() && !(await sink.drained())) return this.end();
      if (this.#ended) return;
      this.#pass(event);
    }
  }

  #pass(event: EventRow): void {
    if (event.seq !== this.cursor + 1 || event.seq > this.#until) return;
    this.cursor = event.seq;
    const own = event.userId === this.#subscriber.sink.userId;
    if (event.type === "USER_JOIN" && own) this.#away = false;
    if (!this.#away) this.#subscriber.sink.event(event);
    if (event.type === "DELETE_CHAT") this.#until = event.seq;
    if (event.type !== "USER_LEAVE" || !own) return;
    this.#away = true;
    // The store may be ahead of the room, which has not seen this yet.
    this.endAt(event.seq);
  }

  #reset(): void {
    const { last } = this.#room.sequence;
    const reason = this.#until <= last ? "not_member" : "too_old";
    this.cursor = Math.min(last, this.#until);
    this.#away = false;
    this.#subscriber.sink.reset(this.#room.roomId, reason, this.cursor);
  }
}
