import { encodeBody } from "@signalbox/protocol/encode";
import type { Status } from "@signalbox/protocol/presence";
import { toBytes } from "../model/bytes.ts";
import type { ShownPresence } from "../ports/engine-frames.ts";
import type { Signal } from "./signal.ts";
import type { Subscriber } from "./subscriber.ts";

/** A room of the view: its identity, and its live subscribers. */
export interface ViewedRoom {
  readonly live: ReadonlySet<Subscriber>;
}

interface SeenPerson {
  person: ShownPresence;
  /** The rooms whose subscribers know the present state. */
  told: Set<ViewedRoom>;
  /** The rooms in which the person was seen. */
  readonly rooms: Set<ViewedRoom>;
}

/**
 * The presence of people, as the sessions of this node were told it. A change comes once for each shared room; a session is
 * told of it once. A person is forgotten with the last room in which they were seen.
 */
export class PresenceView {
  readonly #people = new Map<string, SeenPerson>();
  readonly #membersSeen = new Map<ViewedRoom, Set<string>>();
  /** Users who left a room that is open: what is still on its way about them is not for it. */
  readonly #left = new Map<ViewedRoom, Set<string>>();

  /** Takes a person's presence as a room brings it; subscribers that do not know it yet are told. */
  update(room: ViewedRoom, person: ShownPresence): void {
    if (this.#left.get(room)?.has(person.userId) === true) return;
    const seen = this.#at(room, person.userId);
    if (person.version < seen.person.version) return;
    const changed = person.shown !== seen.person.shown;
    if (person.version > seen.person.version) {
      seen.person = person;
      // A new version of the same state is no news.
      seen.told = changed ? new Set() : new Set(seen.rooms);
    }
    if (seen.told.has(room)) return;
    const signal = signalOf(person);
    const knowing = [...seen.told];
    for (const subscriber of room.live)
      if (subscriber.sink.userId !== person.userId && !knowing.some((other) => other.live.has(subscriber)))
        subscriber.sink.signal(signal);
    seen.told.add(room);
  }

  /** Marks offline all people seen in the room who are not among `known`: no node knows anything of them any more. */
  markOffline(room: ViewedRoom, known: ReadonlyMap<string, unknown>): void {
    for (const userId of this.#membersSeen.get(room) ?? []) {
      const person = this.#people.get(userId)?.person;
      if (person === undefined || person.shown === "offline" || known.has(userId)) continue;
      this.update(room, { ...person, shown: "offline", version: person.version + 1 });
    }
  }

  /** Sends a subscriber the people of these rooms who are here; `returning`, also those who are not, since its session may hold an older state. */
  sendAll(subscriber: Subscriber, rooms: Iterable<ViewedRoom>, returning: boolean): void {
    const told = new Set([subscriber.sink.userId]);
    for (const room of rooms)
      for (const userId of this.#membersSeen.get(room) ?? []) {
        const person = this.#people.get(userId)?.person;
        if (person === undefined || told.has(userId)) continue;
        told.add(userId);
        if (returning || person.shown !== "offline") subscriber.sink.signal(signalOf(person));
      }
  }

  /** The user is no longer a member of the room. */
  left(room: ViewedRoom, userId: string): void {
    const left = this.#left.get(room) ?? new Set();
    this.#left.set(room, left.add(userId));
    this.#membersSeen.get(room)?.delete(userId);
    this.#forget(room, userId);
  }

  /** The user is a member again. */
  joined(room: ViewedRoom, userId: string): void {
    this.#left.get(room)?.delete(userId);
  }

  /** The room has no session on this node any more. */
  closed(room: ViewedRoom): void {
    this.#left.delete(room);
    const members = this.#membersSeen.get(room) ?? [];
    this.#membersSeen.delete(room);
    for (const userId of members) this.#forget(room, userId);
  }

  #at(room: ViewedRoom, userId: string): SeenPerson {
    const known = this.#people.get(userId);
    const seen = known ?? { person: unseen(userId), told: new Set(), rooms: new Set() };
    if (known === undefined) this.#people.set(userId, seen);
    const members = this.#membersSeen.get(room) ?? new Set();
    this.#membersSeen.set(room, members.add(userId));
    // Subscribers of a room in which the person is seen for the first time know nothing of them yet.
    seen.rooms.add(room);
    return seen;
  }

  #forget(room: ViewedRoom, userId: string): void {
    const seen = this.#people.get(userId);
    if (seen === undefined) return;
    seen.rooms.delete(room);
    seen.told.delete(room);
    if (seen.rooms.size === 0) this.#people.delete(userId);
  }
}

const unseen = (userId: string): ShownPresence => ({ userId, version: -1, shown: "offline", activeAt: null });

const signalOf = ({ userId, shown, activeAt }: ShownPresence): Signal =>
  presenceSignal(userId, shown, activeAt === null ? null : new Date(activeAt));

/** A user's presence as a session receives it. */
export const presenceSignal = (userId: string, status: Status, activeAt: Date | null): Signal => ({
  key: `presence ${userId}`,
  roomId: null,
  body: toBytes(encodeBody({ type: "PRESENCE", userId, status, lastActiveAt: activeAt?.toISOString() ?? null })),
  about: { kind: "presence", userId, status, activeAt },
});
