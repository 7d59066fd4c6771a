import { encodeBody } from "@signalbox/protocol/encode";
import type { Status } from "@signalbox/protocol/presence";
import { toBytes } from "../model/bytes.ts";
import { addTo } from "../model/groups.ts";
import type { ShownPresence } from "../ports/engine-frames.ts";
import type { Signal } from "./signal.ts";
import type { Subscriber } from "./subscriber.ts";

/** A room of the view: its identity, and its live subscribers. */
export interface ViewedRoom {
  readonly live: ReadonlySet<Subscriber>;
}

interface SeenPerson {
  person: ShownPresence;
  /** The rooms with subscribers that have the present state. */
  informed: Set<ViewedRoom>;
  /** The rooms in which the person was seen. */
  readonly rooms: Set<ViewedRoom>;
}

/**
 * The presence of people, as the sessions of this node received it. A change comes once for each shared room; a session
 * receives it once. A person is forgotten with the last room in which they were seen.
 */
export class PresenceView {
  readonly #people = new Map<string, SeenPerson>();
  readonly #membersSeen = new Map<ViewedRoom, Set<string>>();
  /** Users that left an open room: changes of theirs that are still on their way are not for it. */
  readonly #left = new Map<ViewedRoom, Set<string>>();

  /** Takes a person's presence as a room brings it, and sends it to subscribers that do not have it yet. */
  update(room: ViewedRoom, person: ShownPresence): void {
    if (this.#left.get(room)?.has(person.userId) === true) return;
    const seen = this.#at(room, person.userId);
    if (person.version < seen.person.version) return;
    const changed = person.shown !== seen.person.shown;
    if (person.version > seen.person.version) {
      seen.person = person;
      // A new version of the same state is no news.
      seen.informed = changed ? new Set() : new Set(seen.rooms);
    }
    if (seen.informed.has(room)) return;
    const signal = signalOf(person);
    const informed = [...seen.informed];
    for (const subscriber of room.live)
      if (subscriber.sink.userId !== person.userId && !informed.some((other) => other.live.has(subscriber)))
        subscriber.sink.signal(signal);
    seen.informed.add(room);
  }

  /** Marks offline all people of the room that are not among `known`: no node has anything about them any more. */
  markOffline(room: ViewedRoom, known: ReadonlyMap<string, unknown>): void {
    for (const userId of this.#membersSeen.get(room) ?? []) {
      const person = this.#people.get(userId)?.person;
      if (person === undefined || person.shown === "offline" || known.has(userId)) continue;
      this.update(room, { ...person, shown: "offline", version: person.version + 1 });
    }
  }

  /**
   * Sends a subscriber the people of these rooms that are not offline; `returning`, all of them: its session may hold an
   * older state.
   */
  sendAll(subscriber: Subscriber, rooms: Iterable<ViewedRoom>, returning: boolean): void {
    const sent = new Set([subscriber.sink.userId]);
    for (const room of rooms)
      for (const userId of this.#membersSeen.get(room) ?? []) {
        const person = this.#people.get(userId)?.person;
        if (person === undefined || sent.has(userId)) continue;
        sent.add(userId);
        if (returning || person.shown !== "offline") subscriber.sink.signal(signalOf(person));
      }
  }

  /** The user is no longer a member of the room. */
  left(room: ViewedRoom, userId: string): void {
    addTo(this.#left, room, userId);
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
    const seen = known ?? { person: unseen(userId), informed: new Set(), rooms: new Set() };
    if (known === undefined) this.#people.set(userId, seen);
    addTo(this.#membersSeen, room, userId);
    // The room is not informed yet: its subscribers have nothing of a person that is seen there for the first time.
    seen.rooms.add(room);
    return seen;
  }

  #forget(room: ViewedRoom, userId: string): void {
    const seen = this.#people.get(userId);
    if (seen === undefined) return;
    seen.rooms.delete(room);
    seen.informed.delete(room);
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
