import type { Bytes } from "../model/bytes.ts";
import type { EventRow, UserRow } from "../model/rows.ts";
import { type Clock, withTimeout } from "../ports/clock.ts";
import type { Engine } from "../ports/engine.ts";
import {
  decodeRoomFrame,
  decodeUserFrame,
  encodeStopFrame,
  type OwnPresence,
  type UserFrame,
} from "../ports/engine-frames.ts";
import type { Channel } from "../ports/pub-sub.ts";
import type { Changes, Store } from "../ports/store.ts";
import type { LocalPresence } from "../presence/local-presence.ts";
import { ChangePoller } from "./change-poller.ts";
import { Joining } from "./joining.ts";
import type { LocalRoom } from "./local-room.ts";
import { LocalRooms } from "./local-rooms.ts";
import { LocalUsers } from "./local-users.ts";
import { PresenceView } from "./presence-view.ts";
import { Probe } from "./probe.ts";
import type { Subscriber } from "./subscriber.ts";
import { UnreadNotifier } from "./unread-notifier.ts";

/** Users whose own presence is asked for at once. */
const OWN_AT_ONCE = 1000;

export interface HubDeps {
  readonly engine: Engine;
  readonly store: Store;
  readonly clock: Clock;
  readonly nodeId: string;
  /** Makes this node's part in presence; it is told whom to ask to look again. */
  readonly localPresence: (doubt: (settled: boolean) => void) => LocalPresence;
}

/**
 * Where what happens meets who is connected to this node: rooms with somebody here have a room, users with a session here a
 * subscriber per session. No call lists all rooms or users.
 */
export class Hub {
  readonly probe: Probe;
  readonly #engine: Engine;
  readonly #clock: Clock;
  readonly #changePoller: ChangePoller;
  readonly #users: LocalUsers;
  readonly #presenceView = new PresenceView();
  readonly #notifier: UnreadNotifier;
  readonly #rooms: LocalRooms;
  readonly #joining: Joining;
  readonly #localPresence: LocalPresence;

  constructor({ engine, store, clock, nodeId, localPresence: attendance }: HubDeps) {
    this.#engine = engine;
    this.#clock = clock;
    this.#changePoller = new ChangePoller(store, clock, (changes) => this.#onChanges(changes));
    this.#users = new LocalUsers(engine, clock);
    this.#notifier = new UnreadNotifier(store, clock);
    const entered = (room: LocalRoom, subscriber: Subscriber) => this.#sendCurrentState(subscriber, [room], false);
    this.#rooms = new LocalRooms({
      engine,
      store,
      clock,
      presenceView: this.#presenceView,
      subscribersOf: (userId, roomId) => this.#users.subscribersOf(userId, roomId),
      joinedLive: entered,
      delivered: (room, event) => this.#onDelivered(room, event),
      closed: (room) => this.#notifier.forget(room),
    });
    this.#joining = new Joining({ store, clock, users: this.#users, rooms: this.#rooms, joinedLive: entered });
    this.#localPresence = attendance((settled) => this.#onPresenceStale(settled));
    this.probe = new Probe(engine, clock, nodeId);
  }

  /** Begins to listen. Resolves when the node's own channel is subscribed, or the engine is away. */
  async start(): Promise<void> {
    this.#engine.pubSub.listen({
      message: (channel, payload) => this.#onPublication(channel, payload),
      restored: (channels) => this.#onRestored(channels),
    });
    await this.#changePoller.ask();
    await this.#localPresence.start();
    await withTimeout(this.#clock, this.probe.start());
  }

  async close(): Promise<void> {
    this.probe.stop();
    await this.#changePoller.close();
    await this.#localPresence.close();
    this.#notifier.close();
    this.#rooms.close();
    this.#users.close();
  }

  /** What a scrape prints. */
  counts(): { rooms: number; users: number; repaired: number } {
    return { rooms: this.#rooms.size, users: this.#users.size, repaired: this.#rooms.repaired };
  }

  /** See `Entrance.enter`. */
  enter(subscriber: Subscriber, service = false): Promise<ReadonlyMap<string, number>> {
    return this.#joining.attach(subscriber, service);
  }

  /** See `Entrance.resume`. */
  resume(subscriber: Subscriber, cursors: ReadonlyMap<string, number> | null): Promise<void> {
    return this.#joining.resumeFrom(subscriber, cursors);
  }

  /**
   * Tells a session that has been brought to the present what is true at the moment: who types, who is here. `returning`: it may
   * hold on to what it heard before, and is told of those who went offline lately, too.
   */
  sendCurrentState(subscriber: Subscriber, returning: boolean): void {
    this.#sendCurrentState(subscriber, subscriber.rooms, returning);
    const own = this.#users.ownOf(subscriber.sink.userId);
    if (own !== undefined && subscriber.state === "live") subscriber.sink.signal(own);
  }

  /**
   * The session is let in for good: from now on its user is here. Resolves when the others have been told, or that takes
   * too long.
   */
  async announceArrival(subscriber: Subscriber): Promise<void> {
    if (subscriber.state === "left") return;
    const { userId } = subscriber.sink;
    const first = !this.#users.subscribersOf(userId).some(({ countsForPresence: attends }) => attends);
    subscriber.countsForPresence = true;
    if (!first) return;
    const arrived = this.#localPresence.arrive(userId);
    // They may be here already by another node, and change nothing by coming: then no word of it comes by their channel.
    await withTimeout(
      this.#clock,
      arrived.then(() => this.#refreshOwnPresence([userId])),
    );
  }

  /** A session of the user did something. */
  active(userId: string): void {
    this.#localPresence.active(userId);
  }

  /** Whether the user, who is here, chose to appear offline, as far as this node has heard: in doubt they did. */
  appearsOffline(userId: string): boolean {
    return this.#localPresence.appearsOffline(userId) || this.#users.appearsOffline(userId);
  }

  /** A user chose, as the store says. */
  chosen(user: UserRow): void {
    if (this.#users.has(user.userId)) this.#localPresence.chosen(user);
  }

  /** Whether the subscriber is in the room, live. */
  isLiveIn(subscriber: Subscriber, roomId: string): boolean {
    const room = this.#rooms.get(roomId);
    return room !== undefined && subscriber.rooms.has(room) && room.replayOf(subscriber) === undefined;
  }

  leave(subscriber: Subscriber): void {
    if (subscriber.state === "left") return;
    subscriber.state = "left";
    const { userId } = subscriber.sink;
    const typing = [...subscriber.rooms].filter((room) => room.types(userId));
    this.#users.remove(subscriber);
    for (const room of [...subscriber.rooms]) room.remove(subscriber);
    const last =
      subscriber.countsForPresence &&
      !this.#users.subscribersOf(userId).some(({ countsForPresence: attends }) => attends);
    if (last) void this.#onDeparture(userId, typing);
  }

  /** Whoever closes their last window does not type in it any longer. */
  async #onDeparture(userId: string, typing: readonly LocalRoom[]): Promise<void> {
    if (await this.#localPresence.depart(userId)) this.#stopTyping(userId, typing);
  }

  #stopTyping(userId: string, rooms: Iterable<LocalRoom>): void {
    for (const { roomId } of rooms) {
      this.#engine.typing.stop(roomId, userId);
      this.#engine.pubSub.publish({ kind: "room", id: roomId }, encodeStopFrame(userId));
    }
  }

  #sendCurrentState(subscriber: Subscriber, rooms: Iterable<LocalRoom>, returning: boolean): void {
    if (subscriber.state !== "live") return;
    const live = [...rooms].filter((room) => room.live.has(subscriber));
    for (const room of live) room.sendCurrentState(subscriber);
    this.#presenceView.sendAll(subscriber, live, returning);
  }

  #onPublication({ kind, id }: Channel, payload: Bytes): void {
    if (kind === "node") return this.probe.received();
    if (kind === "room") {
      const frame = decodeRoomFrame(id, payload);
      if (frame !== undefined) this.#rooms.get(id)?.receive(frame);
      return;
    }
    const frame = decodeUserFrame(payload);
    if (frame !== undefined) this.#onUserFrame(id, frame);
  }

  /** A user's channel brought this. */
  #onUserFrame(userId: string, frame: UserFrame): void {
    switch (frame.kind) {
      case "joined":
        return void this.#joining.joined(userId, frame.roomId, frame.seq);
      case "revoked":
        return this.#users.revoked(userId, frame.at);
      case "own":
        return this.#onOwnPresence(userId, frame);
      case "receipt":
        return this.#users.receipt(frame.roomId, frame.receipt);
      case "marker":
        return this.#users.marker(userId, frame.roomId, frame.messageId);
    }
  }

  #onOwnPresence(userId: string, own: OwnPresence): void {
    this.#users.own(userId, own);
    if (own.own !== "appear_offline") return;
    // As when their last session closes: whoever is not here does not type.
    const rooms = new Set(this.#users.subscribersOf(userId).flatMap(({ rooms }) => [...rooms]));
    this.#stopTyping(
      userId,
      [...rooms].filter((room) => room.types(userId)),
    );
  }

  #onDelivered(room: LocalRoom, event: EventRow): void {
    if (event.type === "SEND_MSG" || event.type === "REPLY") this.#notifier.message(room, event);
    else if (event.type === "USER_LEAVE") this.#presenceView.left(room, event.userId);
    else if (event.type === "USER_JOIN") {
      this.#presenceView.joined(room, event.userId);
      void this.#announcePresenceOf(room, event.userId);
    }
  }

  /** Somebody is in the room from now on: those who are in it learn whether they are here. */
  async #announcePresenceOf(room: LocalRoom, userId: string): Promise<void> {
    try {
      const person = (await this.#engine.presence.read([userId])).get(userId);
      if (person !== undefined && this.#rooms.get(room.roomId) === room) this.#presenceView.update(room, person);
    } catch {
      // Presence pauses while the engine is away; at its return everybody is looked at again.
    }
  }

  #onRestored(channels: readonly Channel[]): void {
    void this.#changePoller.ask();
    void this.#localPresence.recover();
    void this.#rooms.refresh(channels.filter(({ kind }) => kind === "room").map(({ id }) => id));
    void this.#refreshOwnPresence(channels.filter(({ kind }) => kind === "user").map(({ id }) => id));
  }

  #onPresenceStale(settled: boolean): void {
    void this.#rooms.refresh(undefined, settled);
    void this.#refreshOwnPresence(this.#users.ids());
  }

  /** How users who are here see themselves: what their channel said of it may have been lost. */
  async #refreshOwnPresence(userIds: readonly string[]): Promise<void> {
    try {
      for (let at = 0; at < userIds.length; at += OWN_AT_ONCE)
        for (const [userId, row] of await this.#engine.presence.read(userIds.slice(at, at + OWN_AT_ONCE)))
          this.#onOwnPresence(userId, row);
    } catch {
      // As above.
    }
  }

  #onChanges({ rooms, members, receipts, markers, users }: Changes): void {
    for (const { roomId, lastSeq } of rooms) this.#rooms.get(roomId)?.sequence.note(lastSeq);
    for (const { leftSeq, userId, roomId, joinedSeq } of members)
      if (leftSeq === null) void this.#joining.joined(userId, roomId, joinedSeq);
    for (const receipt of receipts)
      if (receipt.hidden) this.#users.receipt(receipt.roomId, receipt);
      else this.#rooms.get(receipt.roomId)?.receipts([receipt]);
    for (const { userId, roomId, messageId } of markers) this.#users.marker(userId, roomId, messageId);
    for (const user of users) {
      if (user.revokedAt !== null) this.#users.revoked(user.userId, user.revokedAt);
      this.chosen(user);
    }
  }
}
