import { encodeBody } from "@signalbox/protocol/encode";
import type { Status } from "@signalbox/protocol/presence";
import { toBytes } from "../model/bytes.ts";
import type { ShownPresence } from "../ports/engine-frames.ts";
import type { Feed } from "./room-feed.ts";
import type { Live, Seat } from "./subscriber.ts";

interface Sighting {
  person: ShownPresence;
  /** The rooms whose sessions have been told: who is in one of them has heard it. */
  told: Set<Feed>;
  /** The rooms in which they were seen. */
  readonly rooms: Set<Feed>;
}

/**
 * Who is here, as the sessions of this node were told. A change comes once for each room that is shared; a session is told of
 * it once. People are forgotten with the last room in which they were seen.
 */
export class Sightings {
  readonly #people = new Map<string, Sighting>();
  readonly #faces = new Map<Feed, Set<string>>();
  /** Who left a room that is open: what is still on its way about them is not for it. */
  readonly #gone = new Map<Feed, Set<string>>();

  /** Somebody is, or was, in this room: those who have not heard yet what they are now are told. */
  saw(feed: Feed, person: ShownPresence): void {
    if (this.#gone.get(feed)?.has(person.userId) === true) return;
    const sighting = this.#at(feed, person.userId);
    if (person.version < sighting.person.version) return;
    const changed = person.shown !== sighting.person.shown;
    if (person.version > sighting.person.version) {
      sighting.person = person;
      // Who is what they were before is no news to anybody.
      sighting.told = changed ? new Set() : new Set(sighting.rooms);
    }
    if (sighting.told.has(feed)) return;
    const signal = signalOf(person);
    const heard = [...sighting.told];
    for (const seat of feed.live)
      if (seat.sink.userId !== person.userId && !heard.some((other) => other.live.has(seat))) seat.sink.signal(signal);
    sighting.told.add(feed);
  }

  /** Whoever was seen in the room and is not among `known` is offline: nobody knows anything of them any more. */
  missed(feed: Feed, known: ReadonlyMap<string, unknown>): void {
    for (const userId of this.#faces.get(feed) ?? []) {
      const person = this.#people.get(userId)?.person;
      if (person === undefined || person.shown === "offline" || known.has(userId)) continue;
      this.saw(feed, { ...person, shown: "offline", version: person.version + 1 });
    }
  }

  /** Tells a session who is here in these rooms; `returning` also who was, since it may hold on to what it heard before. */
  present(seat: Seat, feeds: Iterable<Feed>, returning: boolean): void {
    const told = new Set([seat.sink.userId]);
    for (const feed of feeds)
      for (const userId of this.#faces.get(feed) ?? []) {
        const person = this.#people.get(userId)?.person;
        if (person === undefined || told.has(userId)) continue;
        told.add(userId);
        if (returning || person.shown !== "offline") seat.sink.signal(signalOf(person));
      }
  }

  /** Somebody is no longer a member of the room. */
  left(feed: Feed, userId: string): void {
    const gone = this.#gone.get(feed) ?? new Set();
    this.#gone.set(feed, gone.add(userId));
    this.#faces.get(feed)?.delete(userId);
    this.#forget(feed, userId);
  }

  /** Somebody is a member again. */
  joined(feed: Feed, userId: string): void {
    this.#gone.get(feed)?.delete(userId);
  }

  /** Nobody here is in the room any more. */
  closed(feed: Feed): void {
    this.#gone.delete(feed);
    const faces = this.#faces.get(feed) ?? [];
    this.#faces.delete(feed);
    for (const userId of faces) this.#forget(feed, userId);
  }

  #at(feed: Feed, userId: string): Sighting {
    const known = this.#people.get(userId);
    const sighting = known ?? { person: unseen(userId), told: new Set(), rooms: new Set() };
    if (known === undefined) this.#people.set(userId, sighting);
    const faces = this.#faces.get(feed) ?? new Set();
    this.#faces.set(feed, faces.add(userId));
    // Sessions of a room in which they have just been seen have heard nothing of them yet.
    sighting.rooms.add(feed);
    return sighting;
  }

  #forget(feed: Feed, userId: string): void {
    const sighting = this.#people.get(userId);
    if (sighting === undefined) return;
    sighting.rooms.delete(feed);
    sighting.told.delete(feed);
    if (sighting.rooms.size === 0) this.#people.delete(userId);
  }
}

const unseen = (userId: string): ShownPresence => ({ userId, version: -1, shown: "offline", activeAt: null });

const signalOf = ({ userId, shown, activeAt }: ShownPresence): Live =>
  presenceSignal(userId, shown, activeAt === null ? null : new Date(activeAt));

/** A user's presence as a session is told of it. */
export const presenceSignal = (userId: string, status: Status, activeAt: Date | null): Live => ({
  key: `presence ${userId}`,
  roomId: null,
  body: toBytes(encodeBody({ type: "PRESENCE", userId, status, lastActiveAt: activeAt?.toISOString() ?? null })),
  about: { kind: "presence", userId, status, activeAt },
});
