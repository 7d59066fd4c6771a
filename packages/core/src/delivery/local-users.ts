import { encodeBody } from "@signalbox/protocol/encode";
import { toBytes } from "../model/bytes.ts";
import type { Receipt } from "../model/rows.ts";
import type { Clock } from "../ports/clock.ts";
import type { OwnPresence } from "../ports/engine-frames.ts";
import type { PubSub } from "../ports/pub-sub.ts";
import { presenceSignal } from "./presence-view.ts";
import { receiptSignals } from "./receipt-batcher.ts";
import type { Signal } from "./signal.ts";
import type { Subscriber } from "./subscriber.ts";

/** A user's channel stays subscribed this long after the last session. */
const LINGER_MS = 1000;
/** The most private signals of one user that are remembered. */
const REMEMBERED = 10_000;

interface LocalUser {
  readonly subscribers: Set<Subscriber>;
  readonly subscribed: Promise<void>;
  own: OwnPresence | undefined;
  /** The last private signal by kind and room: the outbox and audits bring it again. */
  readonly lastSent: Map<string, string | number>;
}

/** The users with a session on this node, and signals for all sessions of one user and no other. */
export class LocalUsers {
  readonly #pubSub: PubSub;
  readonly #clock: Clock;
  readonly #subscribing: (subscribed: Promise<void>, userId: string) => void;
  readonly #users = new Map<string, LocalUser>();

  /** `subscribing` takes the subscription of each user's channel. */
  constructor(pubSub: PubSub, clock: Clock, subscribing: (subscribed: Promise<void>, userId: string) => void) {
    this.#pubSub = pubSub;
    this.#clock = clock;
    this.#subscribing = subscribing;
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

  /** Adds a subscriber. Resolves when its user's channel is subscribed. */
  add(subscriber: Subscriber): Promise<void> {
    const { userId } = subscriber.sink;
    const user = this.#users.get(userId) ?? this.#open(userId);
    user.subscribers.add(subscriber);
    return user.subscribed;
  }

  #open(userId: string): LocalUser {
    const subscribed = this.#pubSub.subscribe([{ kind: "user", id: userId }]);
    const user = { subscribers: new Set<Subscriber>(), subscribed, own: undefined, lastSent: new Map() };
    this.#users.set(userId, user);
    this.#subscribing(subscribed, userId);
    return user;
  }

  /** Removes a subscriber; its user's channel ends a moment after the last one. */
  remove(subscriber: Subscriber): void {
    const { userId } = subscriber.sink;
    const user = this.#users.get(userId);
    user?.subscribers.delete(subscriber);
    if (user?.subscribers.size !== 0) return;
    this.#clock.after(LINGER_MS, () => {
      if (this.#users.get(userId) !== user || user.subscribers.size > 0) return;
      this.#users.delete(userId);
      this.#pubSub.unsubscribe([{ kind: "user", id: userId }]);
    });
  }

  /** The user's subscribers; with a room, those that may be in it. */
  subscribersOf(userId: string, roomId?: string): readonly Subscriber[] {
    const subscribers = [...(this.#users.get(userId)?.subscribers ?? [])];
    return roomId === undefined ? subscribers : subscribers.filter(({ scope }) => scope === null || scope === roomId);
  }

  /** Every subscriber of this node. */
  *subscribers(): Iterable<Subscriber> {
    for (const { subscribers } of this.#users.values()) yield* subscribers;
  }

  /** A user's own presence as a signal, as far as it is known here. */
  ownOf(userId: string): Signal | undefined {
    const own = this.#users.get(userId)?.own;
    return own === undefined ? undefined : ownSignal(userId, own);
  }

  appearsOffline(userId: string): boolean {
    return this.#users.get(userId)?.own?.own === "appear_offline";
  }

  /** Takes a user's presence as the user sees it. */
  own(userId: string, own: OwnPresence): void {
    const user = this.#users.get(userId);
    if (user === undefined || own.version <= (user.own?.version ?? -1)) return;
    const changed = own.own !== user.own?.own;
    user.own = own;
    if (changed) this.#send(user, ownSignal(userId, own));
  }

  /** The user moved the marker of a room. */
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

  /** The user read on while appearing offline. */
  receipt(roomId: string, receipt: Receipt): void {
    const user = this.#users.get(receipt.userId);
    // An older one may come late, through the outbox.
    if (user === undefined || Number(user.lastSent.get(`read ${roomId}`) ?? 0) > receipt.messageSeq) return;
    if (!this.#isNew(user, `read ${roomId}`, receipt.messageSeq)) return;
    for (const signal of receiptSignals(roomId, [receipt])) this.#send(user, signal);
  }

  /** Tokens of the user issued until `at` are revoked. */
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
    for (const { sink, state, scope } of user.subscribers)
      if (state === "live" && (scope === null || signal.roomId === null || scope === signal.roomId))
        sink.signal(signal);
  }
}

const ownSignal = (userId: string, { own, ownActiveAt }: OwnPresence): Signal =>
  presenceSignal(userId, own, ownActiveAt === null ? null : new Date(ownActiveAt));
