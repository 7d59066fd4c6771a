import type { Clock } from "../ports/clock.ts";
import type { Engine } from "../ports/engine.ts";
import type { PresenceRow } from "../ports/presence-registry.ts";
import type { Store } from "../ports/store.ts";
import { EventPageCache } from "./event-pages.ts";
import { LocalRoom, type LocalRoomDeps } from "./local-room.ts";
import type { PresenceView } from "./presence-view.ts";

/** A room stays open this long after its last session: a page reload finds it warm. */
const LINGER_MS = 1000;
const RETRY_MS = 1000;
/** Users whose presence is asked for at once. */
const PRESENCE_CHUNK = 1000;

export interface LocalRoomsDeps extends Omit<LocalRoomDeps, "pages" | "empty" | "presenceChanged"> {
  readonly engine: Engine;
  readonly store: Store;
  readonly clock: Clock;
  readonly presenceView: PresenceView;
  /** A room is closed: nobody here is in it any more. */
  readonly closed: (room: LocalRoom) => void;
}

/** The rooms with somebody here: each has a room, from shortly before its first session to shortly after its last. */
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

  /** How many events came from the store because no hint brought them. */
  get repaired(): number {
    let repaired = this.#repairedBefore;
    for (const room of this.#rooms.values()) repaired += room.sequence.repaired;
    return repaired;
  }

  get(roomId: string): LocalRoom | undefined {
    return this.#rooms.get(roomId);
  }

  /** Feeds for these rooms, pinned: each stays until it is unpinned. */
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

  /** What was told of these rooms at the moment may no longer be true: asks again who types and who is here. `settled`: whoever is unknown now is offline. */
  async refresh(roomIds: Iterable<string> = this.#rooms.keys(), settled = false): Promise<void> {
    const open = [...roomIds].filter((roomId) => this.#rooms.has(roomId));
    if (open.length > 0) await Promise.all([this.#loadTyping(open), this.#loadPresence(open, settled)]);
  }

  close(): void {
    for (const room of this.#rooms.values()) room.close();
    this.#rooms.clear();
  }

  #create(roomIds: readonly string[]): void {
    const { engine, presenceView } = this.#deps;
    const subscribed = engine.pubSub.subscribe(roomIds.map((id) => ({ kind: "room", id })));
    // Asked after the subscription: whatever changes from then on is told.
    const lookedAround = subscribed.then(() => this.#loadPresence(roomIds, false));
    for (const roomId of roomIds) {
      const room = new LocalRoom(roomId, {
        ...this.#deps,
        pages: this.#pages,
        empty: (each) => this.#linger(each),
        presenceChanged: (each, person) => presenceView.update(each, person),
      });
      room.subscribed = subscribed;
      room.presenceLoaded = lookedAround;
      this.#rooms.set(roomId, room);
    }
    void subscribed.then(() => this.#loadTyping(roomIds));
  }

  #linger(room: LocalRoom): void {
    this.#deps.clock.after(LINGER_MS, () => {
      if (!room.idle() || this.#rooms.get(room.roomId) !== room) return;
      this.#rooms.delete(room.roomId);
      this.#repairedBefore += room.sequence.repaired;
      room.close();
      this.#deps.presenceView.closed(room);
      this.#deps.closed(room);
      this.#deps.engine.pubSub.unsubscribe([{ kind: "room", id: room.roomId }]);
    });
  }

  async #loadTyping(roomIds: readonly string[]): Promise<void> {
    let typists: Awaited<ReturnType<Engine["typing"]["list"]>>;
    try {
      typists = await this.#deps.engine.typing.list(roomIds);
    } catch {
      // Typing pauses while the engine is away; at its return it is asked again.
      return;
    }
    for (const [roomId, who] of typists)
      for (const { userId, remainingMs } of who) this.#rooms.get(roomId)?.typing(userId, remainingMs);
  }

  /** Asks who is here, in rooms that this node did not listen to until now, or not all the time. */
  async #loadPresence(roomIds: readonly string[], settled: boolean): Promise<void> {
    const { engine, store, presenceView, clock } = this.#deps;
    try {
      const members = await store.membersOf(roomIds);
      const people = await readPresence(engine, [...new Set([...members.values()].flat())]);
      for (const [roomId, userIds] of members) {
        const room = this.#rooms.get(roomId);
        if (room === undefined) continue;
        for (const userId of userIds) {
          const person = people.get(userId);
          if (person !== undefined) presenceView.update(room, person);
        }
        if (settled) presenceView.markOffline(room, people);
      }
    } catch {
      clock.after(RETRY_MS, () => {
        const open = roomIds.filter((roomId) => this.#rooms.has(roomId));
        if (open.length > 0) void this.#loadPresence(open, settled);
      });
    }
  }
}

async function readPresence(engine: Engine, userIds: readonly string[]): Promise<ReadonlyMap<string, PresenceRow>> {
  const people = new Map<string, PresenceRow>();
  for (let at = 0; at < userIds.length; at += PRESENCE_CHUNK)
    for (const [userId, row] of await engine.presence.read(userIds.slice(at, at + PRESENCE_CHUNK)))
      people.set(userId, row);
  return people;
}
