import type { Bytes } from "../model/bytes.ts";
import type { EventRow, UserRow } from "../model/rows.ts";
import { type Clock, withTimeout } from "../ports/clock.ts";
import type { Engine } from "../ports/engine.ts";
import { decodeRoomFrame, decodeUserFrame, type OwnPresence, type UserFrame } from "../ports/engine-frames.ts";
import { type Faults, reportFault } from "../ports/faults.ts";
import type { Channel, ChannelKind } from "../ports/pub-sub.ts";
import type { Store } from "../ports/store.ts";
import { announceStop } from "../ports/typing-announcement.ts";
import type { LocalPresence } from "../presence/local-presence.ts";
import { Audit } from "./audit.ts";
import { Joining } from "./joining.ts";
import type { LocalRoom } from "./local-room.ts";
import { LocalRooms, readPresence } from "./local-rooms.ts";
import { LocalUsers } from "./local-users.ts";
import { OutboxReader } from "./outbox-reader.ts";
import { PresenceView } from "./presence-view.ts";
import { Probe } from "./probe.ts";
import type { Subscriber } from "./subscriber.ts";
import { UnreadNotifier } from "./unread-notifier.ts";

export interface HubDeps {
  readonly engine: Engine;
  readonly store: Store;
  readonly clock: Clock;
  readonly faults: Faults;
  readonly nodeId: string;
  /** Makes this node's part in presence, see `LocalPresenceDeps.stale`. */
  readonly localPresence: (stale: (final: boolean) => void) => LocalPresence;
}

/**
 * Delivers what the engine and the store bring to the sessions of this node: a local room for each room with a session here,
 * a subscriber for each session. No call lists all rooms or users of the system.
 */
export class Hub {
  /** The ways into rooms. */
  readonly joining: Joining;
  readonly #engine: Engine;
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #faults: Faults;
  readonly #probe: Probe;
  readonly #outboxReader: OutboxReader;
  readonly #audit: Audit;
  readonly #users: LocalUsers;
  readonly #presenceView = new PresenceView();
  readonly #notifier: UnreadNotifier;
  readonly #rooms: LocalRooms;
  readonly #localPresence: LocalPresence;

  constructor({ engine, store, clock, faults, nodeId, localPresence }: HubDeps) {
    this.#engine = engine;
    this.#store = store;
    this.#clock = clock;
    this.#faults = faults;
    const joinedLive = (room: LocalRoom, subscriber: Subscriber) => this.#sendRooms(subscriber, [room], false);
    this.#users = new LocalUsers(engine.pubSub, clock, (subscribed, userId) =>
      this.#audit.watch(subscribed, [], [userId]),
    );
    this.#notifier = new UnreadNotifier({ store, clock, faults });
    this.#rooms = new LocalRooms({
      engine,
      store,
      clock,
      faults,
      presenceView: this.#presenceView,
      subscribersOf: (userId, roomId) => this.#users.subscribersOf(userId, roomId),
      joinedLive,
      delivered: (room, event) => this.#onDelivered(room, event),
      subscribing: (subscribed, roomIds) => this.#audit.watch(subscribed, roomIds, []),
      closed: (room) => this.#notifier.forget(room),
    });
    this.joining = new Joining({ store, clock, faults, users: this.#users, rooms: this.#rooms, joinedLive });
    this.#audit = new Audit({
      ...{ store, clock, faults, rooms: this.#rooms, users: this.#users, joining: this.joining },
      chosen: (user) => this.chosen(user),
      inDoubt: () => this.#probe.inDoubt(),
    });
    this.#outboxReader = new OutboxReader({
      ...{ store, clock, faults },
      receive: (channel, frame) => this.#onPublication(channel, frame),
      missed: (ms) => this.#audit.all(ms),
      failed: () => this.#failAll(),
    });
    this.#localPresence = localPresence((final) => this.#onPresenceStale(final));
    this.#probe = new Probe(engine.pubSub, clock, nodeId);
  }

  /** Begins to listen. Resolves when the node's own channel is subscribed, or the engine is away. */
  async start(): Promise<void> {
    this.#engine.pubSub.listen({
      message: (channel, payload) => this.#onPublication(channel, payload),
      restored: (channels) => this.#onRestored(channels),
    });
    this.#store.onSwitch(() => this.compare());
    await this.#outboxReader.start();
    await this.#localPresence.start();
    await withTimeout(this.#clock, this.#probe.start());
  }

  async close(): Promise<void> {
    this.#probe.stop();
    await this.#outboxReader.close();
    await this.#audit.close();
    await this.#localPresence.close();
    this.#notifier.close();
    this.#rooms.close();
    this.#users.close();
  }

  /** True when this node's delivery does not work, though the engine and the store do. */
  failing(): boolean {
    return this.#probe.failing() || this.#outboxReader.failing;
  }

  /**
   * Compares all that this node holds with the store, which may have gone back in time, or be another one. Sessions of rooms
   * that lost nothing notice nothing.
   */
  compare(): void {
    this.#rooms.forgetPages();
    this.#audit.all();
    void this.joining.compare();
  }

  /** Figures of a scrape. */
  counts(): { rooms: number; users: number; repaired: number } {
    return { rooms: this.#rooms.size, users: this.#users.size, repaired: this.#rooms.repaired };
  }

  /**
   * Sends a session that has been brought to the present the state of the moment: typing and presence. `returning`: the
   * session may hold an older state, and receives users that went offline lately, too.
   */
  sendCurrentState(subscriber: Subscriber, returning: boolean): void {
    this.#sendRooms(subscriber, this.#rooms.of(subscriber), returning);
    const own = this.#users.ownOf(subscriber.sink.userId);
    if (own !== undefined && subscriber.state === "live") subscriber.sink.signal(own);
  }

  /** Counts the session for its user's presence from now on. Resolves when the change is announced, or that takes too long. */
  async announceArrival(subscriber: Subscriber): Promise<void> {
    if (subscriber.state === "left") return;
    const { userId } = subscriber.sink;
    const first = !this.#countsForPresence(userId);
    subscriber.countsForPresence = true;
    if (!first) return;
    const arrived = this.#localPresence.arrive(userId);
    // For a user that is online by another node nothing changes: then the user's channel brings no presence.
    await withTimeout(
      this.#clock,
      arrived.then(() => this.#refreshOwnPresence([userId])),
    );
  }

  /** A session of the user did something. */
  active(userId: string): void {
    this.#localPresence.active(userId);
  }

  /** True when a user with a session here appears offline, or when this node does not know. */
  appearsOffline(userId: string): boolean {
    return this.#localPresence.appearsOffline(userId) || this.#users.appearsOffline(userId);
  }

  /** Takes a user's choice of presence from the store. */
  chosen(user: UserRow): void {
    if (this.#users.has(user.userId)) this.#localPresence.chosen(user);
  }

  /** True when the subscriber is in the room, live. */
  isLiveIn(subscriber: Subscriber, roomId: string): boolean {
    return this.#rooms.get(roomId)?.live.has(subscriber) === true;
  }

  leave(subscriber: Subscriber): void {
    if (subscriber.state === "left") return;
    subscriber.state = "left";
    const { userId } = subscriber.sink;
    const rooms = this.#rooms.of(subscriber);
    const typing = rooms.filter((room) => room.isTyping(userId));
    this.#users.remove(subscriber);
    for (const room of rooms) room.remove(subscriber);
    if (subscriber.countsForPresence && !this.#countsForPresence(userId)) void this.#onDeparture(userId, typing);
  }

  #countsForPresence(userId: string): boolean {
    return this.#users.subscribersOf(userId).some(({ countsForPresence }) => countsForPresence);
  }

  /** The typing of a user ends with the last session anywhere. */
  async #onDeparture(userId: string, typing: readonly LocalRoom[]): Promise<void> {
    if (await this.#localPresence.depart(userId)) this.#stopTyping(userId, typing);
  }

  #stopTyping(userId: string, rooms: Iterable<LocalRoom>): void {
    for (const { roomId } of rooms) announceStop(this.#engine, roomId, userId);
  }

  #sendRooms(subscriber: Subscriber, rooms: readonly LocalRoom[], returning: boolean): void {
    if (subscriber.state !== "live") return;
    // A user may have left a room again while it was replayed.
    const live = rooms.filter((room) => room.live.has(subscriber));
    for (const room of live) room.sendTypists(subscriber);
    this.#presenceView.sendAll(subscriber, live, returning);
  }

  #onPublication({ kind, id }: Channel, payload: Bytes): void {
    if (kind === "node") return this.#probe.received();
    if (kind === "room") {
      const frame = decodeRoomFrame(id, payload);
      if (frame !== undefined) this.#rooms.get(id)?.receive(frame);
      return;
    }
    const frame = decodeUserFrame(payload);
    if (frame !== undefined) this.#onUserFrame(id, frame);
  }

  #onUserFrame(userId: string, frame: UserFrame): void {
    switch (frame.kind) {
      case "joined":
        return void this.joining.joined(userId, frame.roomId, frame.seq);
      case "revoked":
        return this.#users.revoked(userId, frame.at);
      case "own":
        return this.#onOwnPresence(userId, frame);
      case "receipt":
        return this.#users.receipt(frame.roomId, frame.receipt);
      case "marker":
        return this.#users.marker(userId, frame.roomId, frame.messageId);
      case "marker moved":
        return this.#audit.marker({ roomId: frame.roomId, userId });
      case "user changed":
        if (this.#users.has(userId)) this.#audit.soon([], [userId]);
    }
  }

  #onOwnPresence(userId: string, own: OwnPresence): void {
    this.#users.own(userId, own);
    if (own.own !== "appear_offline") return;
    // As at the end of the last session: an offline user does not type.
    const rooms = new Set(this.#users.subscribersOf(userId).flatMap((subscriber) => this.#rooms.of(subscriber)));
    this.#stopTyping(
      userId,
      [...rooms].filter((room) => room.isTyping(userId)),
    );
  }

  #onDelivered(room: LocalRoom, event: EventRow): void {
    if (event.message !== undefined) this.#notifier.message(room, event.userId, event.message);
    else if (event.type === "USER_LEAVE") this.#presenceView.left(room, event.userId);
    else if (event.type === "USER_JOIN") {
      this.#presenceView.joined(room, event.userId);
      void this.#rooms.loadPresenceOf(room, event.userId);
    }
  }

  #onRestored(channels: readonly Channel[]): void {
    const idsOf = (wanted: ChannelKind) => channels.filter(({ kind }) => kind === wanted).map(({ id }) => id);
    this.#audit.soon(idsOf("room"), idsOf("user"));
    void this.#localPresence.recover();
    void this.#rooms.refresh(idsOf("room"));
    void this.#refreshOwnPresence(idsOf("user"));
  }

  #onPresenceStale(final: boolean): void {
    void this.#rooms.refresh(undefined, final);
    void this.#refreshOwnPresence(this.#users.ids());
  }

  /** Reads the presence of users with a session here, as they see it themselves: their channels may have lost it. */
  async #refreshOwnPresence(userIds: readonly string[]): Promise<void> {
    try {
      for (const [userId, row] of await readPresence(this.#engine.presence, userIds)) this.#onOwnPresence(userId, row);
    } catch (error) {
      // While the engine is away presence pauses; at its return it is read again.
      if (!reportFault(this.#faults, "own presence", error)) return;
      for (const userId of userIds) for (const { sink } of this.#users.subscribersOf(userId)) sink.fail();
    }
  }

  /** Ends every session: this node no longer knows what they missed. */
  #failAll(): void {
    for (const { sink } of [...this.#users.subscribers()]) sink.fail();
  }
}
