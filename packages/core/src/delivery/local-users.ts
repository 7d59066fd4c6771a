import { encodeBody } from "@signalbox/protocol/encode";
import { toBytes } from "../model/bytes.ts";
import type { Receipt } from "../model/rows.ts";
import type { Clock } from "../ports/clock.ts";
import type { Engine } from "../ports/engine.ts";
import type { OwnPresence } from "../ports/engine-frames.ts";
import { presenceSignal } from "./presence-view.ts";
import { receiptSignals } from "./receipt-batcher.ts";
import type { Live, Seat } from "./subscriber.ts";

/** A user's channel stays subscribed this long after their last session. */
const LINGER_MS = 1000;
/** Rooms of one user whose last private news is remembered. */
const REMEMBERED = 1000;

interface LocalUser {
  readonly seats: Set<Seat>;
  readonly subscribed: Promise<void>;
  own: OwnPresence | undefined;
  /** What was last told of each room to their sessions alone: the store reports it again. */
  readonly told: Map<string, string | number>;
}

/** The users with a session here, and what concerns all their sessions and nobody else. */
export class Users {
  readonly #engine: Engine;
  readonly #clock: Clock;
  readonly #users = new Map<string, LocalUser>();

  constructor(engine: Engine, clock: Clock) {
    this.#engine = engine;
    this.#clock = clock;
  }

  get size(): number {
    return this.#users.size;
  }

  ids(): string[] {
    return [...this.#users.keys()];
  }

  has(userId: string): boolean {
    return this.#users.has(userId);
  }

  /** Takes a seat in. Resolves when its user's channel is subscribed. */
  welcome(seat: Seat): Promise<void> {
    const { userId } = seat.sink;
    const user = this.#users.get(userId) ?? {
      seats: new Set(),
      subscribed: this.#engine.subscribe([{ kind: "user", id: userId }]),
      own: undefined,
      told: new Map(),
    };
    user.seats.add(seat);
    this.#users.set(userId, user);
    return user.subscribed;
  }

  /** Lets a seat go. */
  dismiss(seat: Seat): void {
    const { userId } = seat.sink;
    const user = this.#users.get(userId);
    user?.seats.delete(seat);
    if (user?.seats.size !== 0) return;
    this.#clock.after(LINGER_MS, () => {
      if (this.#users.get(userId) !== user || user.seats.size > 0) return;
      this.#users.delete(userId);
      this.#engine.unsubscribe([{ kind: "user", id: userId }]);
    });
  }

  /** The user's seats; those that may be in this room, when one is named. */
  seatsOf(userId: string, roomId?: string): readonly Seat[] {
    const seats = [...(this.#users.get(userId)?.seats ?? [])];
    return roomId === undefined ? seats : seats.filter(({ scope }) => scope === null || scope === roomId);
  }

  /** How a user sees themselves, as far as it is known here. */
  ownOf(userId: string): Live | undefined {
    const own = this.#users.get(userId)?.own;
    return own === undefined ? undefined : ownSignal(userId, own);
  }

  appearsOffline(userId: string): boolean {
    return this.#users.get(userId)?.own?.own === "appear_offline";
  }

  /** Their presence, as they see it themselves. */
  own(userId: string, own: OwnPresence): void {
    const user = this.#users.get(userId);
    if (user === undefined || own.version <= (user.own?.version ?? -1)) return;
    const changed = own.own !== user.own?.own;
    user.own = own;
    if (changed) this.#tell(user, ownSignal(userId, own));
  }

  /** They moved their marker. */
  marker(userId: string, roomId: string, messageId: string): void {
    const user = this.#users.get(userId);
    if (user === undefined || !this.#news(user, `marker ${roomId}`, messageId)) return;
    this.#tell(user, {
      key: `marker ${roomId}`,
      roomId,
      body: toBytes(encodeBody({ type: "MARKER", chatId: roomId, messageId })),
      about: { kind: "marker", messageId },
    });
  }

  /** They read on while they appear offline. */
  receipt(roomId: string, receipt: Receipt): void {
    const user = this.#users.get(receipt.userId);
    if (user === undefined || !this.#news(user, `read ${roomId}`, receipt.messageSeq)) return;
    for (const signal of receiptSignals(roomId, [receipt])) this.#tell(user, signal);
  }

  /** Tokens of the user issued until then are revoked. */
  revoked(userId: string, at: Date): void {
    for (const seat of this.seatsOf(userId)) seat.sink.revoked(at);
  }

  close(): void {
    this.#users.clear();
  }

  #news(user: LocalUser, subject: string, now: string | number): boolean {
    if (user.told.get(subject) === now) return false;
    if (user.told.size >= REMEMBERED) user.told.clear();
    user.told.set(subject, now);
    return true;
  }

  #tell(user: LocalUser, signal: Live): void {
    for (const seat of user.seats)
      if (seat.state === "live" && (seat.scope === null || signal.roomId === null || seat.scope === signal.roomId))
        seat.sink.signal(signal);
  }
}

const ownSignal = (userId: string, { own, ownActiveAt }: OwnPresence): Live =>
  presenceSignal(userId, own, ownActiveAt === null ? null : new Date(ownActiveAt));
