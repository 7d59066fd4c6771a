import { encodeBody } from "@signalbox/protocol/encode";
import type { Status } from "@signalbox/protocol/presence";
import { toBytes } from "../model/bytes.ts";
import type { ShownPresence } from "../ports/engine-frames.ts";
import type { LocalRoom } from "./local-room.ts";
import type { Signal, Subscriber } from "./subscriber.ts";

interface SeenPerson {
  person: ShownPresence;
  /** The rooms whose sessions have been told: who is in one of them has heard it. */
  told: Set<LocalRoom>;
  /** The rooms in which they were seen. */
  readonly rooms: Set<LocalRoom>;
}

/**
 * Who is here, as the sessions of this node were told. A change comes once for each room that is shared; a session is told of
 * it once. People are forgotten with the last room in which they were seen.
 */
export class PresenceView {
  readonly #people = new Map<string, SeenPerson>();
  readonly #membersSeen = new Map<LocalRoom, Set<string>>();
  /** Who left a room that is open: what is still on its way about them is not for it. */
  readonly #left = new Map<LocalRoom, Set<string>>();

  /** Somebody is, or was, in this room: those who have not heard yet what they are now are told. */
  update(room: LocalRoom, person: ShownPresence): void {
    if (this.#left.get(room)?.has(person.userId) === true) return;
    const sighting = this.#at(room, person.userId);
    if (person.version < sighting.person.version) return;
    const changed = person.shown !== sighting.person.shown;
    if (person.version > sighting.person.version) {
      sighting.person = person;
      // Who is what they were before is no news to anybody.
      sighting.told = changed ? new Set() : new Set(sighting.rooms);
    }
    if (sighting.told.has(room)) return;
    const signal = signalOf(person);
    const heard = [...sighting.told];
    for (const subscriber of room.live)
      if (subscriber.sink.userId !== person.userId && !heard.some((other) => other.live.has(subscriber)))
        subscriber.sink.signal(signal);
    sighting.told.add(room);
  }

  /** Whoever was seen in the room and is not among `known` is offline: nobody knows anything of them any more. */
  markOffline(room: LocalRoom, known: ReadonlyMap<string, unknown>): void {
    for (const userId of this.#membersSeen.get(room) ?? []) {
      const person = this.#people.get(userId)?.person;
      if (person === undefined || person.shown === "offline" || known.has(userId)) continue;
      this.update(room, { ...person, shown: "offline", version: person.version + 1 });
    }
  }

  /** Tells a session who is here in these rooms; `returning` also who was, since it may hold on to what it heard before. */
  sendAll(subscriber: Subscriber, rooms: Iterable<LocalRoom>, returning: boolean): void {
    const told = new Set([subscriber.sink.userId]);
    for (const room of rooms)
      for (const userId of this.#membersSeen.get(room) ?? []) {
        const person = this.#people.get(userId)?.person;
        if (person === undefined || told.has(userId)) continue;
        told.add(userId);
        if (returning || person.shown !== "offline") subscriber.sink.signal(signalOf(person));
      }
  }

  /** Somebody is no longer a member of the room. */
  left(room: LocalRoom, userId: string): void {
    const gone = this.#left.get(room) ?? new Set();
    this.#left.set(room, gone.add(userId));
    this.#membersSeen.get(room)?.delete(userId);
    this.#forget(room, userId);
  }

  /** Somebody is a member again. */
  joined(room: LocalRoom, userId: string): void {
    this.#left.get(room)?.delete(userId);
  }

  /** Nobody here is in the room any more. */
  closed(room: LocalRoom): void {
    this.#left.delete(room);
    const faces = this.#membersSeen.get(room) ?? [];
    this.#membersSeen.delete(room);
    for (const userId of faces) this.#forget(room, userId);
  }

  #at(room: LocalRoom, userId: string): SeenPerson {
    const known = this.#people.get(userId);
    const sighting = known ?? { person: unseen(userId), told: new Set(), rooms: new Set() };
    if (known === undefined) this.#people.set(userId, sighting);
    const faces = this.#membersSeen.get(room) ?? new Set();
    this.#membersSeen.set(room, faces.add(userId));
    // Sessions of a room in which they have just been seen have heard nothing of them yet.
    sighting.rooms.add(room);
    return sighting;
  }

  #forget(room: LocalRoom, userId: string): void {
    const sighting = this.#people.get(userId);
    if (sighting === undefined) return;
    sighting.rooms.delete(room);
    sighting.told.delete(room);
    if (sighting.rooms.size === 0) this.#people.delete(userId);
  }
}

const unseen = (userId: string): ShownPresence => ({ userId, version: -1, shown: "offline", activeAt: null });

const signalOf = ({ userId, shown, activeAt }: ShownPresence): Signal =>
  presenceSignal(userId, shown, activeAt === null ? null : new Date(activeAt));

/** A user's presence as a session is told of it. */
export const presenceSignal = (userId: string, status: Status, activeAt: Date | null): Signal => ({
  key: `presence ${userId}`,
  roomId: null,
  body: toBytes(encodeBody({ type: "PRESENCE", userId, status, lastActiveAt: activeAt?.toISOString() ?? null })),
  about: { kind: "presence", userId, status, activeAt },
});
