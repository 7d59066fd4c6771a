import { encodeBody } from "@signalbox/protocol/encode";
import { toBytes } from "../model/bytes.ts";
import type { Receipt } from "../model/rows.ts";
import type { Clock } from "../ports/clock.ts";
import type { Engine } from "../ports/engine.ts";
import type { OwnPresence } from "../ports/engine-frames.ts";
import { presenceSignal } from "./presence-view.ts";
import { receiptSignals } from "./receipt-batcher.ts";
import type { Signal, Subscriber } from "./subscriber.ts";

/** A user's channel stays subscribed this long after their last session. */
const LINGER_MS = 1000;
/** Rooms of one user whose last private news is remembered. */
const REMEMBERED = 1000;

interface LocalUser {
  readonly subscribers: Set<Subscriber>;
  readonly subscribed: Promise<void>;
  own: OwnPresence | undefined;
  /** What was last told of each room to their sessions alone: the store reports it again. */
  readonly lastSent: Map<string, string | number>;
}

/** The users with a session here, and what concerns all their sessions and nobody else. */
export class LocalUsers {
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

  /** Takes a subscriber in. Resolves when its user's channel is subscribed. */
  add(subscriber: Subscriber): Promise<void> {
    const { userId } = subscriber.sink;
    const user = this.#users.get(userId) ?? {
      subscribers: new Set(),
      subscribed: this.#engine.pubSub.subscribe([{ kind: "user", id: userId }]),
      own: undefined,
      lastSent: new Map(),
    };
    user.subscribers.add(subscriber);
    this.#users.set(userId, user);
    return user.subscribed;
  }

  /** Lets a subscriber go. */
  remove(subscriber: Subscriber): void {
    const { userId } = subscriber.sink;
    const user = this.#users.get(userId);
    user?.subscribers.delete(subscriber);
    if (user?.subscribers.size !== 0) return;
    this.#clock.after(LINGER_MS, () => {
      if (this.#users.get(userId) !== user || user.subscribers.size > 0) return;
      this.#users.delete(userId);
      this.#engine.pubSub.unsubscribe([{ kind: "user", id: userId }]);
    });
  }

  /** The user's subscribers; those that may be in this room, when one is named. */
  subscribersOf(userId: string, roomId?: string): readonly Subscriber[] {
    const subscribers = [...(this.#users.get(userId)?.subscribers ?? [])];
    return roomId === undefined ? subscribers : subscribers.filter(({ scope }) => scope === null || scope === roomId);
  }

  /** How a user sees themselves, as far as it is known here. */
  ownOf(userId: string): Signal | undefined {
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
    if (changed) this.#send(user, ownSignal(userId, own));
  }

  /** They moved their marker. */
  marker(userId: string, roomId: string, messageId: string): void {
    const user = this.#users.get(userId);
    if (user === undefined || !this.#isNew(user, `marker ${roomId}`, messageId)) return;
    this.#send(user, {
      key: `marker ${roomId}`,
      roomId,
      body: toBytes(encodeBody({ type: "MARKER", chatId: roomId, messageId })),
      about: { kind: "marker", messageId },
    });
  }

  /** They read on while they appear offline. */
  receipt(roomId: string, receipt: Receipt): void {
    const user = this.#users.get(receipt.userId);
    if (user === undefined || !this.#isNew(user, `read ${roomId}`, receipt.messageSeq)) return;
    for (const signal of receiptSignals(roomId, [receipt])) this.#send(user, signal);
  }

  /** Tokens of the user issued until then are revoked. */
  revoked(userId: string, at: Date): void {
    for (const subscriber of this.subscribersOf(userId)) subscriber.sink.revoked(at);
  }

  close(): void {
    this.#users.clear();
  }

  #isNew(user: LocalUser, subject: string, now: string | number): boolean {
    if (user.lastSent.get(subject) === now) return false;
    if (user.lastSent.size >= REMEMBERED) user.lastSent.clear();
    user.lastSent.set(subject, now);
    return true;
  }

  #send(user: LocalUser, signal: Signal): void {
    for (const subscriber of user.subscribers)
      if (
        subscriber.state === "live" &&
        (subscriber.scope === null || signal.roomId === null || subscriber.scope === signal.roomId)
      )
        subscriber.sink.signal(signal);
  }
}

const ownSignal = (userId: string, { own, ownActiveAt }: OwnPresence): Signal =>
  presenceSignal(userId, own, ownActiveAt === null ? null : new Date(ownActiveAt));
