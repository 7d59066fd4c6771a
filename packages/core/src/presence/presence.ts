import type { Choice, Status } from "@signalbox/protocol/presence";
import type { Actor } from "../model/actor.ts";
import type { UserRow } from "../model/rows.ts";
import type { Clock } from "../ports/clock.ts";
import type { Engine } from "../ports/engine.ts";
import { type Faults, reportFault } from "../ports/faults.ts";
import type { PresenceChange, PresenceRow } from "../ports/presence-registry.ts";
import type { PubSub } from "../ports/pub-sub.ts";
import type { Store } from "../ports/store.ts";
import { ActivityReporter } from "./activity.ts";
import { Announcer } from "./announcer.ts";

/** A user's presence as one viewer sees it. */
export interface SeenPresence {
  readonly userId: string;
  readonly status: Status;
  readonly activeAt: Date | null;
}

/** Presence as every node reads and changes it. CONTRACT section 6, DESIGN 4. */
export interface Presence {
  /**
   * Commits the choice, then sends it to the registry and announces what it changes. Resolves with the user's own view, and
   * with the row as committed; rejects with `unavailable` when it may not be committed. An engine that is away changes nothing
   * of the answer: gateways with a session of the user send the choice to the registry (`LocalPresence.chosen`).
   */
  choose(userId: string, choice: Choice): Promise<SeenPresence & { readonly user: UserRow }>;
  /** Reports that the user did something. Best effort, at most once in 10 seconds. */
  touch(userId: string): void;
  /**
   * The viewer's view of these users, all of them: a user that does not exist or shares no room with the viewer is offline and
   * was never active. A service sees all users. Rejects with `unavailable`.
   */
  look(viewer: Actor, userIds: readonly string[]): Promise<ReadonlyMap<string, SeenPresence>>;
  /** As `look`, for users that the viewer may see by a read of the store a moment ago, each with its `activeAt`. */
  lookAt(
    viewer: Actor,
    users: readonly { readonly userId: string; readonly activeAt: Date | null }[],
  ): Promise<ReadonlyMap<string, SeenPresence>>;
  /** Publishes changes. Resolves when that was done or given up; never rejects: what fails stays pending in the registry. */
  announce(changes: readonly PresenceChange[]): Promise<void>;
}

export interface PresenceDeps {
  readonly engine: Pick<Engine, "presence"> & { readonly pubSub: Pick<PubSub, "publishConfirmed"> };
  readonly store: Pick<Store, "choosePresence" | "visibleUsers" | "roomsOfAll" | "saveLastActive">;
  readonly clock: Clock;
  readonly faults: Faults;
}

export function createPresence({ engine, store, clock, faults }: PresenceDeps): Presence {
  const { presence: registry, pubSub } = engine;
  const announcer = new Announcer({ registry, pubSub, store, faults });
  const announce = (changes: readonly PresenceChange[]) => announcer.announce(changes);
  const activity = new ActivityReporter({ registry, clock, faults, announce });

  const lookAt: Presence["lookAt"] = async (viewer, users) => {
    const rows = users.length === 0 ? new Map() : await registry.read(users.map(({ userId }) => userId));
    const all = new Map<string, SeenPresence>();
    for (const { userId, activeAt } of users)
      all.set(userId, viewOf(userId, rows.get(userId), userId === viewer.userId, activeAt));
    return all;
  };

  return {
    async choose(userId, choice) {
      const user = await store.choosePresence(userId, choice);
      const { choiceVersion } = user;
      try {
        const { row, changes } = await registry.choose({ userId, choice: user.choice, choiceVersion });
        // Not awaited: it may wait for the rooms of many other users.
        void announce(changes);
        return { ...viewOf(userId, row, true, user.activeAt), user };
      } catch (error) {
        reportFault(faults, "choice", error);
        return { userId, status: user.choice, activeAt: user.activeAt, user };
      }
    },
    touch: (userId) => activity.add(userId),
    async look(viewer, userIds) {
      const visible = await store.visibleUsers(viewer.userId, viewer.service, userIds);
      const known = await lookAt(viewer, [...visible.values()]);
      return new Map(userIds.map((userId) => [userId, known.get(userId) ?? viewOf(userId, undefined, false, null)]));
    },
    lookAt,
    announce,
  };
}

/** `storedAt`: the last activity in the store. */
function viewOf(userId: string, row: PresenceRow | undefined, own: boolean, storedAt: Date | null): SeenPresence {
  if (row === undefined) return { userId, status: "offline", activeAt: storedAt };
  const activeAt = own ? row.ownActiveAt : row.activeAt;
  return { userId, status: own ? row.own : row.shown, activeAt: activeAt === null ? storedAt : new Date(activeAt) };
}
