import { chunksOf } from "../model/groups.ts";
import { type Clock, RETRY_MS } from "../ports/clock.ts";
import type { Engine } from "../ports/engine.ts";
import { reportFault } from "../ports/faults.ts";
import type { PresenceRegistry, PresenceRow } from "../ports/presence-registry.ts";
import type { Store } from "../ports/store.ts";
import { EventPageCache } from "./event-pages.ts";
import { LocalRoom, type LocalRoomDeps } from "./local-room.ts";
import type { PresenceView } from "./presence-view.ts";
import type { Subscriber } from "./subscriber.ts";

/** A room stays open this long after its last session: a page reload finds it warm. */
const LINGER_MS = 1000;
/** Users of one presence read. */
const PRESENCE_CHUNK = 1000;

export interface LocalRoomsDeps extends Omit<LocalRoomDeps, "pages" | "empty" | "presenceChanged"> {
  readonly engine: Engine;
  readonly store: Store;
  readonly clock: Clock;
  readonly presenceView: PresenceView;
  /** The channels of these rooms are being subscribed. */
  readonly subscribing: (subscribed: Promise<void>, roomIds: readonly string[]) => void;
  /** A room is closed: it has no session here any more. */
  readonly closed: (room: LocalRoom) => void;
}

/** The rooms with a session on this node, each from shortly before its first session to shortly after its last. */
export class LocalRooms {
  readonly #deps: LocalRoomsDeps;
  readonly #pages: EventPageCache;
  readonly #rooms = new Map<string, LocalRoom>();
  #repairedBefore = 0;

  constructor(deps: LocalRoomsDeps) {
    this.#deps = deps;
    this.#pages = new EventPageCache(deps.store);
  }

  get size(): number {
    return this.#rooms.size;
  }

  /** Events that came from the store because no hint brought them. */
  get repaired(): number {
    let repaired = this.#repairedBefore;
    for (const room of this.#rooms.values()) repaired += room.sequence.repaired;
    return repaired;
  }

  ids(): string[] {
    return [...this.#rooms.keys()];
  }

  get(roomId: string): LocalRoom | undefined {
    return this.#rooms.get(roomId);
  }

  /** The rooms that a subscriber is in. */
  of(subscriber: Subscriber): LocalRoom[] {
    return [...subscriber.rooms].flatMap((roomId) => this.#rooms.get(roomId) ?? []);
  }

  /** Opens these rooms, pinned: each stays until it is unpinned. */
  open(roomIds: readonly string[]): LocalRoom[] {
    const fresh = roomIds.filter((roomId) => !this.#rooms.has(roomId));
    if (fresh.length > 0) this.#create(fresh);
    const rooms = roomIds.flatMap((roomId) => this.#rooms.get(roomId) ?? []);
    for (const room of rooms) room.pins++;
    return rooms;
  }

  unpin(room: LocalRoom): void {
    room.pins--;
    if (room.idle()) this.#linger(room);
  }

  /**
   * Reads typing and presence of these rooms again: signals about them may be lost. `final`: every node has had the time to
   * register its users, so that an unknown user is offline.
   */
  async refresh(roomIds: Iterable<string> = this.#rooms.keys(), final = false): Promise<void> {
    const open = [...roomIds].filter((roomId) => this.#rooms.has(roomId));
    if (open.length > 0) await Promise.all([this.#loadTyping(open), this.#loadPresence(open, final)]);
  }

  /** Reads the presence of one user that has just joined a room. */
  async loadPresenceOf(room: LocalRoom, userId: string): Promise<void> {
    const { engine, presenceView } = this.#deps;
    try {
      const person = (await engine.presence.read([userId])).get(userId);
      if (person !== undefined && this.#rooms.get(room.roomId) === room) presenceView.update(room, person);
    } catch (error) {
      // While the engine is away presence pauses; at its return all rooms are read again.
      if (reportFault(this.#deps.faults, "presence", error)) room.fail();
    }
  }

  /** Drops every page that this node keeps: the store may be another one. */
  forgetPages(): void {
    this.#pages.clear();
  }

  close(): void {
    for (const room of this.#rooms.values()) room.close();
    this.#rooms.clear();
  }

  #create(roomIds: readonly string[]): void {
    const { engine, presenceView } = this.#deps;
    const subscribed = engine.pubSub.subscribe(roomIds.map((id) => ({ kind: "room", id })));
    // Read after the subscription: changes from then on arrive.
    const presenceLoaded = subscribed.then(() => this.#loadPresence(roomIds, false));
    for (const roomId of roomIds) {
      const room = new LocalRoom(roomId, {
        ...this.#deps,
        pages: this.#pages,
        empty: (each) => this.#linger(each),
        presenceChanged: (each, person) => presenceView.update(each, person),
      });
      room.subscribed = subscribed;
      room.presenceLoaded = presenceLoaded;
      this.#rooms.set(roomId, room);
    }
    this.#deps.subscribing(subscribed, roomIds);
    void subscribed.then(() => this.#loadTyping(roomIds));
  }

  #linger(room: LocalRoom): void {
    this.#deps.clock.after(LINGER_MS, () => {
      if (!room.idle() || this.#rooms.get(room.roomId) !== room) return;
      this.#rooms.delete(room.roomId);
      // From here on this node does not hear of texts that are taken back.
      this.#pages.forget(room.roomId);
      this.#repairedBefore += room.sequence.repaired;
      room.close();
      this.#deps.presenceView.closed(room);
      this.#deps.closed(room);
      this.#deps.engine.pubSub.unsubscribe([{ kind: "room", id: room.roomId }]);
    });
  }

  async #loadTyping(roomIds: readonly string[]): Promise<void> {
    try {
      for (const [roomId, typists] of await this.#deps.engine.typing.list(roomIds))
        for (const { userId, remainingMs } of typists) this.#rooms.get(roomId)?.typing(userId, remainingMs);
    } catch (error) {
      // While the engine is away typing pauses; at its return it is read again.
      reportFault(this.#deps.faults, "typing", error);
    }
  }

  /** Reads the presence of the members of rooms that this node did not listen to until now, or not all the time. */
  async #loadPresence(roomIds: readonly string[], final: boolean): Promise<void> {
    const { engine, store, clock, faults } = this.#deps;
    const open = () => roomIds.flatMap((roomId) => this.#rooms.get(roomId) ?? []);
    try {
      const members = await store.membersOf(roomIds);
      const people = await readPresence(engine.presence, [...new Set([...members.values()].flat())]);
      for (const [roomId, userIds] of members) this.#showPresence(roomId, userIds, people, final);
      // A room without members, in which a service listens, is among them.
      for (const room of open()) room.presenceFailed = false;
    } catch (error) {
      if (reportFault(faults, "presence", error)) for (const room of open()) failPresence(room);
      clock.after(RETRY_MS, () => {
        const still = open().map(({ roomId }) => roomId);
        if (still.length > 0) void this.#loadPresence(still, final);
      });
    }
  }

  #showPresence(
    roomId: string,
    userIds: readonly string[],
    people: ReadonlyMap<string, PresenceRow>,
    final: boolean,
  ): void {
    const { presenceView } = this.#deps;
    const room = this.#rooms.get(roomId);
    if (room === undefined) return;
    for (const userId of userIds) {
      const person = people.get(userId);
      if (person !== undefined) presenceView.update(room, person);
    }
    if (final) presenceView.markOffline(room, people);
  }
}

function failPresence(room: LocalRoom): void {
  room.presenceFailed = true;
  room.fail();
}

/** The presence of any number of users, in chunks. */
export async function readPresence(
  presence: Pick<PresenceRegistry, "read">,
  userIds: readonly string[],
): Promise<ReadonlyMap<string, PresenceRow>> {
  const people = new Map<string, PresenceRow>();
  for (const chunk of chunksOf(userIds, PRESENCE_CHUNK))
    for (const [userId, row] of await presence.read(chunk)) people.set(userId, row);
  return people;
}
