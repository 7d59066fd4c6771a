import { chunksOf, groupBy } from "../model/groups.ts";
import { encodeOwnFrame, encodePresenceFrame } from "../ports/engine-frames.ts";
import { type Faults, reportFault } from "../ports/faults.ts";
import type { PresenceChange, PresenceRegistry } from "../ports/presence-registry.ts";
import type { PubSub } from "../ports/pub-sub.ts";
import type { Store } from "../ports/store.ts";

/** The most users of one announcement. */
const CHUNK = 500;
/** The most publications to rooms that are under way at the same time. */
const ROOMS_AT_ONCE = 1000;
/** The most users with a waiting change; further changes stay pending in the registry. */
const WAITING = 100_000;

export interface AnnouncerDeps {
  readonly registry: Pick<PresenceRegistry, "announced">;
  readonly pubSub: Pick<PubSub, "publishConfirmed">;
  readonly store: Pick<Store, "roomsOfAll" | "saveLastActive">;
  readonly faults: Faults;
}

/**
 * Publishes presence changes to the users' own channels and to their rooms. One announcement is under way at a time: changes
 * that come meanwhile go together into the next, the newest of each user. This keeps a node's publications in the order of
 * their versions, and many changes cost few queries.
 */
export class Announcer {
  readonly #deps: AnnouncerDeps;
  #next: { readonly changes: Map<string, PresenceChange>; readonly done: Promise<void> } | undefined;
  #last: Promise<void> = Promise.resolve();

  constructor(deps: AnnouncerDeps) {
    this.#deps = deps;
  }

  /** Resolves when the changes were published or given up; never rejects: what fails stays pending in the registry. */
  async announce(changes: readonly PresenceChange[]): Promise<void> {
    if (changes.length === 0) return;
    this.#next ??= this.#begin();
    const waiting = this.#next.changes;
    // The registry guarantees that a newer change is for others, too, when an older one that waits is.
    for (const change of waiting.size < WAITING ? changes : [])
      if (change.version >= (waiting.get(change.userId)?.version ?? 0)) waiting.set(change.userId, change);
    await this.#next.done;
  }

  #begin() {
    const changes = new Map<string, PresenceChange>();
    const done = this.#last.then(() => {
      this.#next = undefined;
      return this.#announceAll([...changes.values()]);
    });
    this.#last = done;
    return { changes, done };
  }

  async #announceAll(changes: readonly PresenceChange[]): Promise<void> {
    for (const chunk of chunksOf(changes, CHUNK)) {
      const failed = new Set<string>();
      await Promise.all([this.#publishOwn(chunk, failed), this.#publishToRooms(chunk, failed)]);
      const published = chunk.filter(({ userId }) => !failed.has(userId));
      // A port that is away would delay each further chunk: those changes stay pending.
      if (published.length === 0) return;
      // After a failure they are published once more, under the same versions, which no session notices.
      await this.#deps.registry.announced(published).catch((error: unknown) => this.#failed(error));
    }
  }

  /** Publishes to the users' own sessions. Adds to `failed` the users without success. */
  async #publishOwn(changes: readonly PresenceChange[], failed: Set<string>): Promise<void> {
    const publishing = changes.map((change) =>
      this.#deps.pubSub
        .publishConfirmed({ kind: "user", id: change.userId }, encodeOwnFrame(change))
        .catch((error: unknown) => {
          this.#failed(error);
          failed.add(change.userId);
        }),
    );
    await Promise.all(publishing);
  }

  /** Publishes changes for others, once to each room. Adds to `failed` the users with a room without success. */
  async #publishToRooms(changes: readonly PresenceChange[], failed: Set<string>): Promise<void> {
    const { store, pubSub } = this.#deps;
    const people = changes.filter(({ toOthers }) => toOthers);
    if (people.length === 0) return;
    let rooms: ReadonlyMap<string, readonly Member[]>;
    try {
      // Before the publication: a client that receives it and asks must find this.
      await this.#saveLastActive(people);
      const roomsOf = await store.roomsOfAll(people.map(({ userId }) => userId));
      rooms = groupBy(membersIn(people, roomsOf), ({ roomId }) => roomId);
    } catch (error) {
      this.#failed(error);
      for (const { userId } of people) failed.add(userId);
      return;
    }
    for (const chunk of chunksOf([...rooms], ROOMS_AT_ONCE)) {
      const publishing = chunk.map(([id, members]) => {
        const frame = encodePresenceFrame(members.map(({ change }) => change));
        return pubSub.publishConfirmed({ kind: "room", id }, frame).catch((error: unknown) => {
          this.#failed(error);
          for (const { change } of members) failed.add(change.userId);
        });
      });
      await Promise.all(publishing);
    }
  }

  /** Saves the last activity of users that went offline: the engine forgets a user after a time offline. */
  async #saveLastActive(changes: readonly PresenceChange[]): Promise<void> {
    const active = new Map<string, Date>();
    for (const { userId, shown, activeAt } of changes)
      if (shown === "offline" && activeAt !== null) active.set(userId, new Date(activeAt));
    if (active.size > 0) await this.#deps.store.saveLastActive(active);
  }

  #failed(error: unknown): void {
    reportFault(this.#deps.faults, "announcement", error);
  }
}

/** The change of a user in one of their rooms. */
interface Member {
  readonly roomId: string;
  readonly change: PresenceChange;
}

const membersIn = (people: readonly PresenceChange[], roomsOf: ReadonlyMap<string, readonly string[]>): Member[] =>
  people.flatMap((change) => (roomsOf.get(change.userId) ?? []).map((roomId) => ({ roomId, change })));
