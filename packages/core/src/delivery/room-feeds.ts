import type { Clock } from "../ports/clock.ts";
import type { Engine } from "../ports/engine.ts";
import type { PresenceRow } from "../ports/presence-registry.ts";
import type { Store } from "../ports/store.ts";
import { Pages } from "./event-pages.ts";
import type { Sightings } from "./presence-view.ts";
import { Feed, type FeedDeps } from "./room-feed.ts";

/** A room stays open this long after its last session: a page reload finds it warm. */
const LINGER_MS = 1000;
const RETRY_MS = 1000;
/** Users whose presence is asked for at once. */
const LOOKED_AT = 1000;

export interface FeedsDeps extends Omit<FeedDeps, "pages" | "empty" | "saw"> {
  readonly engine: Engine;
  readonly store: Store;
  readonly clock: Clock;
  readonly sightings: Sightings;
  /** A room is closed: nobody here is in it any more. */
  readonly closed: (feed: Feed) => void;
}

/** The rooms with somebody here: each has a feed, from shortly before its first session to shortly after its last. */
export class Feeds {
  readonly #deps: FeedsDeps;
  readonly #pages: Pages;
  readonly #feeds = new Map<string, Feed>();
  #repairedBefore = 0;

  constructor(deps: FeedsDeps) {
    this.#deps = deps;
    this.#pages = new Pages(deps.store);
  }

  get size(): number {
    return this.#feeds.size;
  }

  /** How many events came from the store because no hint brought them. */
  get repaired(): number {
    let repaired = this.#repairedBefore;
    for (const feed of this.#feeds.values()) repaired += feed.sequence.repaired;
    return repaired;
  }

  get(roomId: string): Feed | undefined {
    return this.#feeds.get(roomId);
  }

  /** Feeds for these rooms, pinned: each stays until it is unpinned. */
  open(roomIds: readonly string[]): Feed[] {
    const fresh = roomIds.filter((roomId) => !this.#feeds.has(roomId));
    if (fresh.length > 0) this.#create(fresh);
    const feeds = roomIds.flatMap((roomId) => this.#feeds.get(roomId) ?? []);
    for (const feed of feeds) feed.pins++;
    return feeds;
  }

  unpin(feed: Feed): void {
    feed.pins--;
    if (feed.idle()) this.#linger(feed);
  }

  /** What was told of these rooms at the moment may no longer be true: asks again who types and who is here. `settled`: whoever is unknown now is offline. */
  async refresh(roomIds: Iterable<string> = this.#feeds.keys(), settled = false): Promise<void> {
    const open = [...roomIds].filter((roomId) => this.#feeds.has(roomId));
    if (open.length > 0) await Promise.all([this.#loadTyping(open), this.#lookAround(open, settled)]);
  }

  close(): void {
    for (const feed of this.#feeds.values()) feed.close();
    this.#feeds.clear();
  }

  #create(roomIds: readonly string[]): void {
    const { engine, sightings } = this.#deps;
    const subscribed = engine.subscribe(roomIds.map((id) => ({ kind: "room", id })));
    // Asked after the subscription: whatever changes from then on is told.
    const lookedAround = subscribed.then(() => this.#lookAround(roomIds, false));
    for (const roomId of roomIds) {
      const feed = new Feed(roomId, {
        ...this.#deps,
        pages: this.#pages,
        empty: (each) => this.#linger(each),
        saw: (each, person) => sightings.saw(each, person),
      });
      feed.subscribed = subscribed;
      feed.lookedAround = lookedAround;
      this.#feeds.set(roomId, feed);
    }
    void subscribed.then(() => this.#loadTyping(roomIds));
  }

  #linger(feed: Feed): void {
    this.#deps.clock.after(LINGER_MS, () => {
      if (!feed.idle() || this.#feeds.get(feed.roomId) !== feed) return;
      this.#feeds.delete(feed.roomId);
      this.#repairedBefore += feed.sequence.repaired;
      feed.close();
      this.#deps.sightings.closed(feed);
      this.#deps.closed(feed);
      this.#deps.engine.unsubscribe([{ kind: "room", id: feed.roomId }]);
    });
  }

  async #loadTyping(roomIds: readonly string[]): Promise<void> {
    let typists: Awaited<ReturnType<Engine["typists"]>>;
    try {
      typists = await this.#deps.engine.typists(roomIds);
    } catch {
      // Typing pauses while the engine is away; at its return it is asked again.
      return;
    }
    for (const [roomId, who] of typists)
      for (const { userId, remainingMs } of who) this.#feeds.get(roomId)?.typing(userId, remainingMs);
  }

  /** Asks who is here, in rooms that this node did not listen to until now, or not all the time. */
  async #lookAround(roomIds: readonly string[], settled: boolean): Promise<void> {
    const { engine, store, sightings, clock } = this.#deps;
    try {
      const members = await store.membersOf(roomIds);
      const people = await presenceOf(engine, [...new Set([...members.values()].flat())]);
      for (const [roomId, userIds] of members) {
        const feed = this.#feeds.get(roomId);
        if (feed === undefined) continue;
        for (const userId of userIds) {
          const person = people.get(userId);
          if (person !== undefined) sightings.saw(feed, person);
        }
        if (settled) sightings.missed(feed, people);
      }
    } catch {
      clock.after(RETRY_MS, () => {
        const open = roomIds.filter((roomId) => this.#feeds.has(roomId));
        if (open.length > 0) void this.#lookAround(open, settled);
      });
    }
  }
}

async function presenceOf(engine: Engine, userIds: readonly string[]): Promise<ReadonlyMap<string, PresenceRow>> {
  const people = new Map<string, PresenceRow>();
  for (let at = 0; at < userIds.length; at += LOOKED_AT)
    for (const [userId, row] of await engine.registry.read(userIds.slice(at, at + LOOKED_AT))) people.set(userId, row);
  return people;
}
