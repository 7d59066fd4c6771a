import type { Bytes } from "../model/bytes.ts";
import type { EventRow, UserRow } from "../model/rows.ts";
import { type Clock, soon } from "../ports/clock.ts";
import type { Channel, Engine } from "../ports/engine.ts";
import {
  decodeRoomFrame,
  decodeUserFrame,
  encodeStopFrame,
  type OwnPresence,
  type UserFrame,
} from "../ports/engine-frames.ts";
import type { Changes, Store } from "../ports/store.ts";
import type { Attendance } from "../presence/local-presence.ts";
import { Watch } from "./change-poller.ts";
import { Entrance } from "./joining.ts";
import { Users } from "./local-users.ts";
import { Notices } from "./notifications.ts";
import { Sightings } from "./presence-view.ts";
import { Probe } from "./probe.ts";
import type { Feed } from "./room-feed.ts";
import { Feeds } from "./room-feeds.ts";
import type { Seat } from "./subscriber.ts";

/** Users whose own presence is asked for at once. */
const OWN_AT_ONCE = 1000;

export interface HubDeps {
  readonly engine: Engine;
  readonly store: Store;
  readonly clock: Clock;
  readonly nodeId: string;
  /** Makes this node's part in presence; it is told whom to ask to look again. */
  readonly attendance: (doubt: (settled: boolean) => void) => Attendance;
}

/**
 * Where what happens meets who is connected to this node: rooms with somebody here have a feed, users with a session here a
 * seat per session. No call lists all rooms or users.
 */
export class Hub {
  readonly probe: Probe;
  readonly #engine: Engine;
  readonly #clock: Clock;
  readonly #watch: Watch;
  readonly #users: Users;
  readonly #sightings = new Sightings();
  readonly #notices: Notices;
  readonly #feeds: Feeds;
  readonly #entrance: Entrance;
  readonly #attendance: Attendance;

  constructor({ engine, store, clock, nodeId, attendance }: HubDeps) {
    this.#engine = engine;
    this.#clock = clock;
    this.#watch = new Watch(store, clock, (changes) => this.#changed(changes));
    this.#users = new Users(engine, clock);
    this.#notices = new Notices(store, clock);
    const entered = (feed: Feed, seat: Seat) => this.#present(seat, [feed], false);
    this.#feeds = new Feeds({
      engine,
      store,
      clock,
      sightings: this.#sightings,
      seatsOf: (userId, roomId) => this.#users.seatsOf(userId, roomId),
      entered,
      delivered: (feed, event) => this.#delivered(feed, event),
      closed: (feed) => this.#notices.forget(feed),
    });
    this.#entrance = new Entrance({ store, clock, users: this.#users, feeds: this.#feeds, entered });
    this.#attendance = attendance((settled) => this.#doubt(settled));
    this.probe = new Probe(engine, clock, nodeId);
  }

  /** Begins to listen. Resolves when the node's own channel is subscribed, or the engine is away. */
  async start(): Promise<void> {
    this.#engine.listen({
      message: (channel, payload) => this.#message(channel, payload),
      restored: (channels) => this.#restored(channels),
    });
    await this.#watch.ask();
    await this.#attendance.start();
    await soon(this.#clock, this.probe.start());
  }

  async close(): Promise<void> {
    this.probe.stop();
    await this.#watch.close();
    await this.#attendance.close();
    this.#notices.close();
    this.#feeds.close();
    this.#users.close();
  }

  /** What a scrape prints. */
  counts(): { rooms: number; users: number; repaired: number } {
    return { rooms: this.#feeds.size, users: this.#users.size, repaired: this.#feeds.repaired };
  }

  /** See `Entrance.enter`. */
  enter(seat: Seat, service = false): Promise<ReadonlyMap<string, number>> {
    return this.#entrance.enter(seat, service);
  }

  /** See `Entrance.resume`. */
  resume(seat: Seat, cursors: ReadonlyMap<string, number> | null): Promise<void> {
    return this.#entrance.resume(seat, cursors);
  }

  /**
   * Tells a session that has been brought to the present what is true at the moment: who types, who is here. `returning`: it may
   * hold on to what it heard before, and is told of those who went offline lately, too.
   */
  present(seat: Seat, returning: boolean): void {
    this.#present(seat, seat.feeds, returning);
    const own = this.#users.ownOf(seat.sink.userId);
    if (own !== undefined && seat.state === "live") seat.sink.signal(own);
  }

  /**
   * The session is let in for good: from now on its user is here. Resolves when the others have been told, or that takes
   * too long.
   */
  async attend(seat: Seat): Promise<void> {
    if (seat.state === "left") return;
    const { userId } = seat.sink;
    const first = !this.#users.seatsOf(userId).some(({ attends }) => attends);
    seat.attends = true;
    if (!first) return;
    const arrived = this.#attendance.arrive(userId);
    // They may be here already by another node, and change nothing by coming: then no word of it comes by their channel.
    await soon(
      this.#clock,
      arrived.then(() => this.#lookAtOwn([userId])),
    );
  }

  /** A session of the user did something. */
  active(userId: string): void {
    this.#attendance.active(userId);
  }

  /** Whether the user, who is here, chose to appear offline, as far as this node has heard: in doubt they did. */
  hides(userId: string): boolean {
    return this.#attendance.hides(userId) || this.#users.appearsOffline(userId);
  }

  /** A user chose, as the store says. */
  chosen(user: UserRow): void {
    if (this.#users.has(user.userId)) this.#attendance.chosen(user);
  }

  /** Whether the seat is in the room, live. */
  seated(seat: Seat, roomId: string): boolean {
    const feed = this.#feeds.get(roomId);
    return feed !== undefined && seat.feeds.has(feed) && feed.replayOf(seat) === undefined;
  }

  leave(seat: Seat): void {
    if (seat.state === "left") return;
    seat.state = "left";
    const { userId } = seat.sink;
    const typing = [...seat.feeds].filter((feed) => feed.types(userId));
    this.#users.dismiss(seat);
    for (const feed of [...seat.feeds]) feed.remove(seat);
    const last = seat.attends && !this.#users.seatsOf(userId).some(({ attends }) => attends);
    if (last) void this.#departed(userId, typing);
  }

  /** Whoever closes their last window does not type in it any longer. */
  async #departed(userId: string, typing: readonly Feed[]): Promise<void> {
    if (await this.#attendance.depart(userId)) this.#stopTyping(userId, typing);
  }

  #stopTyping(userId: string, feeds: Iterable<Feed>): void {
    for (const { roomId } of feeds) {
      this.#engine.stopTyping(roomId, userId);
      this.#engine.publish({ kind: "room", id: roomId }, encodeStopFrame(userId));
    }
  }

  #present(seat: Seat, feeds: Iterable<Feed>, returning: boolean): void {
    if (seat.state !== "live") return;
    const live = [...feeds].filter((feed) => feed.live.has(seat));
    for (const feed of live) feed.present(seat);
    this.#sightings.present(seat, live, returning);
  }

  #message({ kind, id }: Channel, payload: Bytes): void {
    if (kind === "node") return this.probe.received();
    if (kind === "room") {
      const frame = decodeRoomFrame(id, payload);
      if (frame !== undefined) this.#feeds.get(id)?.receive(frame);
      return;
    }
    const frame = decodeUserFrame(payload);
    if (frame !== undefined) this.#told(id, frame);
  }

  /** A user's channel brought this. */
  #told(userId: string, frame: UserFrame): void {
    switch (frame.kind) {
      case "joined":
        return void this.#entrance.joined(userId, frame.roomId, frame.seq);
      case "revoked":
        return this.#users.revoked(userId, frame.at);
      case "own":
        return this.#own(userId, frame);
      case "receipt":
        return this.#users.receipt(frame.roomId, frame.receipt);
      case "marker":
        return this.#users.marker(userId, frame.roomId, frame.messageId);
    }
  }

  #own(userId: string, own: OwnPresence): void {
    this.#users.own(userId, own);
    if (own.own !== "appear_offline") return;
    // As when their last session closes: whoever is not here does not type.
    const rooms = new Set(this.#users.seatsOf(userId).flatMap(({ feeds }) => [...feeds]));
    this.#stopTyping(
      userId,
      [...rooms].filter((feed) => feed.types(userId)),
    );
  }

  #delivered(feed: Feed, event: EventRow): void {
    if (event.type === "SEND_MSG" || event.type === "REPLY") this.#notices.message(feed, event);
    else if (event.type === "USER_LEAVE") this.#sightings.left(feed, event.userId);
    else if (event.type === "USER_JOIN") {
      this.#sightings.joined(feed, event.userId);
      void this.#meet(feed, event.userId);
    }
  }

  /** Somebody is in the room from now on: those who are in it learn whether they are here. */
  async #meet(feed: Feed, userId: string): Promise<void> {
    try {
      const person = (await this.#engine.registry.read([userId])).get(userId);
      if (person !== undefined && this.#feeds.get(feed.roomId) === feed) this.#sightings.saw(feed, person);
    } catch {
      // Presence pauses while the engine is away; at its return everybody is looked at again.
    }
  }

  #restored(channels: readonly Channel[]): void {
    void this.#watch.ask();
    void this.#attendance.recover();
    void this.#feeds.refresh(channels.filter(({ kind }) => kind === "room").map(({ id }) => id));
    void this.#lookAtOwn(channels.filter(({ kind }) => kind === "user").map(({ id }) => id));
  }

  #doubt(settled: boolean): void {
    void this.#feeds.refresh(undefined, settled);
    void this.#lookAtOwn(this.#users.ids());
  }

  /** How users who are here see themselves: what their channel said of it may have been lost. */
  async #lookAtOwn(userIds: readonly string[]): Promise<void> {
    try {
      for (let at = 0; at < userIds.length; at += OWN_AT_ONCE)
        for (const [userId, row] of await this.#engine.registry.read(userIds.slice(at, at + OWN_AT_ONCE)))
          this.#own(userId, row);
    } catch {
      // As above.
    }
  }

  #changed({ rooms, members, receipts, markers, users }: Changes): void {
    for (const { roomId, lastSeq } of rooms) this.#feeds.get(roomId)?.sequence.note(lastSeq);
    for (const { leftSeq, userId, roomId, joinedSeq } of members)
      if (leftSeq === null) void this.#entrance.joined(userId, roomId, joinedSeq);
    for (const receipt of receipts)
      if (receipt.hidden) this.#users.receipt(receipt.roomId, receipt);
      else this.#feeds.get(receipt.roomId)?.receipts([receipt]);
    for (const { userId, roomId, messageId } of markers) this.#users.marker(userId, roomId, messageId);
    for (const user of users) {
      if (user.revokedAt !== null) this.#users.revoked(user.userId, user.revokedAt);
      this.chosen(user);
    }
  }
}
