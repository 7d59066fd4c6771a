import type { Choice, Status } from "@signalbox/protocol/presence";
import type { Actor } from "../model/actor.ts";
import type { UserRow } from "../model/rows.ts";
import type { Clock } from "../ports/clock.ts";
import type { Engine } from "../ports/engine.ts";
import { encodeOwnFrame, encodePresenceFrame } from "../ports/engine-frames.ts";
import type { PresenceChange, PresenceRow } from "../ports/presence-registry.ts";
import type { PubSub } from "../ports/pub-sub.ts";
import type { Store } from "../ports/store.ts";
import { ActivityReporter } from "./activity.ts";

/** Users whose rooms are asked for, and who are told, at once. */
const CHUNK = 500;
/** Rooms that are told at once. */
const ROOMS_AT_ONCE = 1000;
/** Changes of more users than this are not waited with: they stay pending. */
const WAITING = 100_000;

/** Somebody's presence as one viewer sees it. */
export interface Seen {
  readonly userId: string;
  readonly status: Status;
  readonly activeAt: Date | null;
}

/** Who is here, as every node asks and changes it. CONTRACT section 6, DESIGN 4. */
export interface Presence {
  /**
   * Commits the choice, then brings it to the registry and announces what it changes. Resolves with how the user sees
   * themselves now, and with the row as committed; rejects with `unavailable` when it may not be committed. An engine that is
   * away changes nothing of the answer: the gateways that have the user bring the choice to the registry (`Attendance.chosen`).
   */
  choose(userId: string, choice: Choice): Promise<Seen & { readonly user: UserRow }>;
  /** The user did something. Nothing waits for it, and the engine hears of it at most once in 10 seconds. */
  touch(userId: string): void;
  /**
   * How the viewer sees these users, each of whom is in the answer: offline and never active, who shares no room with them or
   * does not exist. A service sees everybody. Rejects with `unavailable`.
   */
  look(viewer: Actor, userIds: readonly string[]): Promise<ReadonlyMap<string, Seen>>;
  /** As `look`, for users of whom the store has just said that the viewer may see them, each with its `activeAt`. */
  lookAt(
    viewer: Actor,
    users: readonly { readonly userId: string; readonly activeAt: Date | null }[],
  ): Promise<ReadonlyMap<string, Seen>>;
  /** Tells whom it concerns. Resolves when that was done or given up; never rejects: what fails stays pending in the registry. */
  announce(changes: readonly PresenceChange[]): Promise<void>;
}

export interface PresenceDeps {
  readonly engine: Pick<Engine, "presence"> & { readonly pubSub: Pick<PubSub, "publishConfirmed"> };
  readonly store: Pick<Store, "choosePresence" | "visibleUsers" | "roomsOfAll" | "saveLastActive">;
  readonly clock: Clock;
}

export function createPresence({ engine, store, clock }: PresenceDeps): Presence {
  const { presence: registry } = engine;
  const announce = oneAtATime((changes) => announceAll(engine, store, changes));
  const touches = new ActivityReporter(registry, clock, announce);

  const lookAt: Presence["lookAt"] = async (viewer, users) => {
    const rows = users.length === 0 ? new Map() : await registry.read(users.map(({ userId }) => userId));
    const all = new Map<string, Seen>();
    for (const { userId, activeAt } of users)
      all.set(userId, seen(userId, rows.get(userId), userId === viewer.userId, activeAt));
    return all;
  };

  return {
    async choose(userId, choice) {
      const user = await store.choosePresence(userId, choice);
      const { choiceVersion } = user;
      try {
        const { row, changes } = await registry.choose({ userId, choice: user.choice, choiceVersion });
        // Not awaited: it may wait for the rooms of many others.
        void announce(changes);
        return { ...seen(userId, row, true, user.activeAt), user };
      } catch {
        return { userId, status: user.choice, activeAt: user.activeAt, user };
      }
    },
    touch: (userId) => touches.add(userId),
    async look(viewer, userIds) {
      const visible = await store.visibleUsers(viewer.userId, viewer.service, userIds);
      const known = await lookAt(viewer, [...visible.values()]);
      return new Map(userIds.map((userId) => [userId, known.get(userId) ?? seen(userId, undefined, false, null)]));
    },
    lookAt,
    announce,
  };
}

/** `storedAt`: when they were last active as far as the store knows. */
function seen(userId: string, row: PresenceRow | undefined, own: boolean, storedAt: Date | null): Seen {
  if (row === undefined) return { userId, status: "offline", activeAt: storedAt };
  const activeAt = own ? row.ownActiveAt : row.activeAt;
  return { userId, status: own ? row.own : row.shown, activeAt: activeAt === null ? storedAt : new Date(activeAt) };
}

/**
 * One announcement under way at a time: changes that come meanwhile go together into the next, the newest of each user. It
 * keeps a node's publications in the order of their versions, and makes few questions to the store of many changes.
 */
function oneAtATime(
  announceNow: (changes: readonly PresenceChange[]) => Promise<void>,
): (changes: readonly PresenceChange[]) => Promise<void> {
  let next: { readonly changes: Map<string, PresenceChange>; readonly done: Promise<void> } | undefined;
  let last: Promise<void> = Promise.resolve();

  function begin() {
    const changes = new Map<string, PresenceChange>();
    const done = last.then(() => {
      next = undefined;
      return announceNow([...changes.values()]);
    });
    last = done;
    return { changes, done };
  }

  return async (changes) => {
    if (changes.length === 0) return;
    next ??= begin();
    const waiting = next.changes;
    // A newer change is for others too when an older one that waits was: the registry sees to that.
    for (const change of waiting.size < WAITING ? changes : [])
      if (change.version >= (waiting.get(change.userId)?.version ?? 0)) waiting.set(change.userId, change);
    await next.done;
  };
}

async function announceAll(
  engine: PresenceDeps["engine"],
  store: PresenceDeps["store"],
  changes: readonly PresenceChange[],
): Promise<void> {
  for (const chunk of chunksOf(changes, CHUNK)) {
    const failed = new Set<string>();
    await Promise.all([tellOwn(engine, chunk, failed), tellOthers(engine, store, chunk, failed)]);
    const told = chunk.filter(({ userId }) => !failed.has(userId));
    // Whatever is away would be waited for again with each of the rest: they stay pending.
    if (told.length === 0) return;
    // When this fails they are told once more, under the same versions: nobody notices.
    await engine.presence.announced(told).catch(() => undefined);
  }
}

/** Tells the users' own sessions. Adds to `failed` whose could not be told. */
async function tellOwn(
  engine: PresenceDeps["engine"],
  changes: readonly PresenceChange[],
  failed: Set<string>,
): Promise<void> {
  const telling = changes.map((change) =>
    engine.pubSub
      .publishConfirmed({ kind: "user", id: change.userId }, encodeOwnFrame(change))
      .catch(() => failed.add(change.userId)),
  );
  await Promise.all(telling);
}

/** Tells the rooms of those whose change concerns others, each room once. Adds to `failed` whose rooms could not all be told. */
async function tellOthers(
  engine: PresenceDeps["engine"],
  store: PresenceDeps["store"],
  changes: readonly PresenceChange[],
  failed: Set<string>,
): Promise<void> {
  const people = changes.filter(({ toOthers }) => toOthers);
  if (people.length === 0) return;
  let rooms: ReadonlyMap<string, readonly PresenceChange[]>;
  try {
    // Before anybody is told: whoever asks on being told must find it.
    await noteLeaving(store, people);
    rooms = byRoom(people, await store.roomsOfAll(people.map(({ userId }) => userId)));
  } catch {
    for (const { userId } of people) failed.add(userId);
    return;
  }
  for (const some of chunksOf([...rooms], ROOMS_AT_ONCE)) {
    const telling = some.map(([id, inRoom]) =>
      engine.pubSub.publishConfirmed({ kind: "room", id }, encodePresenceFrame(inRoom)).catch(() => {
        for (const { userId } of inRoom) failed.add(userId);
      }),
    );
    await Promise.all(telling);
  }
}

/** The engine forgets somebody who stays away; the store knows then when they were last active. */
async function noteLeaving(store: PresenceDeps["store"], changes: readonly PresenceChange[]): Promise<void> {
  const active = new Map<string, Date>();
  for (const { userId, shown, activeAt } of changes)
    if (shown === "offline" && activeAt !== null) active.set(userId, new Date(activeAt));
  if (active.size > 0) await store.saveLastActive(active);
}

function byRoom(
  people: readonly PresenceChange[],
  roomsOf: ReadonlyMap<string, readonly string[]>,
): Map<string, PresenceChange[]> {
  const rooms = new Map<string, PresenceChange[]>();
  for (const change of people)
    for (const roomId of roomsOf.get(change.userId) ?? []) {
      const room = rooms.get(roomId);
      if (room === undefined) rooms.set(roomId, [change]);
      else room.push(change);
    }
  return rooms;
}

function chunksOf<T>(items: readonly T[], size: number): T[][] {
  const count = Math.ceil(items.length / size);
  return Array.from({ length: count }, (_, index) => items.slice(index * size, (index + 1) * size));
}
