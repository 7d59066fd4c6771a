/** The presence of users over all nodes: one of the ports of `Engine`. DESIGN 4. */
import type { Choice, Shown, Status } from "@signalbox/protocol/presence";

/** The durations of presence, in milliseconds. */
export interface PresenceTiming {
  /** The time for which a closed session still counts: `PRESENCE_GRACE_MS`. */
  readonly graceMs: number;
  /** The time without activity after which a user that chose online is idle. */
  readonly idleMs: number;
  /** The time for which a choice without a session counts as a session. */
  readonly holdMs: number;
  /** The time for which an offline user is remembered. */
  readonly keepMs: number;
}

/** The durations of CONTRACT section 6. */
export const DEFAULT_TIMING: PresenceTiming = { graceMs: 5_000, idleMs: 300_000, holdMs: 60_000, keepMs: 600_000 };

/** The presence of a user. Times are milliseconds since the epoch, by the engine's clock. */
export interface PresenceRow {
  readonly userId: string;
  /** The status for the user's own sessions. */
  readonly own: Status;
  /** The status for other users. */
  readonly shown: Shown;
  /** The last activity, as other users may know it: unchanged while `shown` is offline. Null when only the store knows it. */
  readonly activeAt: number | null;
  /** The last activity, for the user's own sessions. */
  readonly ownActiveAt: number | null;
  /** Grows with every change of `own` or `shown`, also over a loss of all of the engine's data. */
  readonly version: number;
}

/** A change to announce to the user's own sessions and, with `toOthers`, to all users that share a room with them. */
export interface PresenceChange extends PresenceRow {
  readonly toOthers: boolean;
}

/** The first session of a user on a node. */
export interface Arrival {
  readonly userId: string;
  readonly choice: Choice;
  /** Of two choices, the one with the higher version is the newer. */
  readonly choiceVersion: number;
  /** Milliseconds since the user's last activity. */
  readonly idleForMs: number;
}

/** The last activity of a user. */
export interface Activity {
  readonly userId: string;
  /** Milliseconds since then. */
  readonly idleForMs: number;
}

/** The presence of a user in another system. */
export interface ExternalPresence extends Arrival {
  /** Milliseconds for which it counts from now; 0 ends it. */
  readonly forMs: number;
}

/** A node with an expired lease. */
export interface ExpiredNode {
  readonly node: string;
  /** Milliseconds since the lease expired, also when a claim on it has expired since. */
  readonly forMs: number;
}

/**
 * The users with sessions on each node, and the presence last announced of each user. A node holds a lease that it renews; users
 * of a node that lost its lease do not count. A node is named by its incarnation, a new id at each start and after each loss.
 *
 * A user *counts* while a node with a live lease has a session of theirs, for the grace after that, for `holdMs` after
 * a choice without a session, and for as long as another system has them. `own` is offline for a user that does not
 * count, else the choice; with the choice online it is idle after `idleMs` without activity. `shown` is the same, but
 * appear_offline shows as offline from a grace after the choice on; until then it is what it would be without the
 * choice.
 *
 * A change of either raises the version and waits until `announced`. The caller that receives it announces it; when that node
 * dies, `settle` returns it to another one. Every method rejects with `unavailable` while the engine is away.
 */
export interface PresenceRegistry {
  /** Starts a node's lease. */
  open(node: string, ttlMs: number): Promise<void>;
  /**
   * Renews a node's lease, also an expired one that no other node claimed. `held` is false when the lease is gone: the node's
   * users do not count then. `expired` lists other nodes with an expired lease and without a claim that still lasts.
   */
  renew(node: string, ttlMs: number): Promise<{ readonly held: boolean; readonly expired: readonly ExpiredNode[] }>;
  /** Claims an expired node for `ttlMs`; false when it has renewed its lease, or another claim still lasts. */
  claim(node: string, ttlMs: number): Promise<boolean>;
  /** Keeps users of a claimed node online for `forMs` more, and forgets the node. May be repeated after a failure. */
  endNode(node: string, forMs: number): Promise<void>;

  /** Records the first sessions of users on this node, which must have a lease. */
  enter(node: string, arrivals: readonly Arrival[]): Promise<readonly PresenceChange[]>;
  /** Records that the last sessions of users on this node are closed. `gone` lists users without a session on any other node. */
  leave(
    node: string,
    departures: readonly Activity[],
  ): Promise<{ readonly changes: readonly PresenceChange[]; readonly gone: readonly string[] }>;
  /** Records the presence of users in another system; the last call for a user counts. */
  setExternal(presences: readonly ExternalPresence[]): Promise<readonly PresenceChange[]>;
  /** Records activity; ignores users that do not count. */
  touch(activities: readonly Activity[]): Promise<readonly PresenceChange[]>;
  /**
   * Records a user's choice. An older choice than the known one changes nothing; the same one again only prolongs. Any choice but
   * appear_offline counts as activity.
   */
  choose(
    choice: Omit<Arrival, "idleForMs">,
  ): Promise<{ readonly row: PresenceRow; readonly changes: readonly PresenceChange[] }>;
  /** Updates the users that are due, and returns the changes to announce: those, and changes unannounced for 2 seconds. */
  settle(): Promise<readonly PresenceChange[]>;
  /** Ends the wait of these changes. A newer change of the same user stays unannounced. */
  announced(changes: readonly PresenceChange[]): Promise<void>;
  /**
   * The presence of these users, as last announced; unknown users are absent. A user with sessions only on nodes that lost their
   * lease more than `graceMs` ago reads as offline, announced or not. One round trip per server.
   */
  read(userIds: readonly string[]): Promise<ReadonlyMap<string, PresenceRow>>;
  /** Ends the lease of a node that stops in order. Its users have all left, and count for the rest of their grace. */
  close(node: string): Promise<void>;
}
