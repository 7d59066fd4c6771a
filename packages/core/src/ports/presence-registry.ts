/** What core needs to know of who is connected where: a part of `Engine`, and held to its promises with it. DESIGN 4. */
import type { Choice, Shown, Status } from "@signalbox/protocol/presence";

/** How long what lasts, in milliseconds. */
export interface PresenceTiming {
  /** A closed session counts for this long still: `PRESENCE_GRACE_MS`. */
  readonly graceMs: number;
  /** Whoever chose online and did nothing for this long is idle. */
  readonly idleMs: number;
  /** A choice without a session counts as one for this long. */
  readonly holdMs: number;
  /** Somebody offline is remembered for this long. */
  readonly keepMs: number;
}

/** What every engine goes by that is not told otherwise. CONTRACT section 6. */
export const DEFAULT_TIMING: PresenceTiming = { graceMs: 5_000, idleMs: 300_000, holdMs: 60_000, keepMs: 600_000 };

/** Somebody's presence. Times: milliseconds since the epoch by the engine's clock. */
export interface PresenceRow {
  readonly userId: string;
  /** As their own sessions see it. */
  readonly own: Status;
  /** As others see it. */
  readonly shown: Shown;
  /** When they last did something, as others may know: it stands still while `shown` is offline. Null when the engine does not know; the store does. */
  readonly activeAt: number | null;
  /** The same, as their own sessions may know. */
  readonly ownActiveAt: number | null;
  /** Grows with every change of `own` or `shown`, also over a loss of all that the engine knew. */
  readonly version: number;
}

/** A change that the user's own sessions are to be told of; and, when `toOthers`, everybody who shares a room with them. */
export interface PresenceChange extends PresenceRow {
  readonly toOthers: boolean;
}

export interface Arrival {
  readonly userId: string;
  readonly choice: Choice;
  /** Of two choices, the one with the higher version is the newer. */
  readonly choiceVersion: number;
  /** How long ago they last did something. */
  readonly idleForMs: number;
}

export interface Activity {
  readonly userId: string;
  readonly idleForMs: number;
}

/** What another system says of somebody: they are there for `forMs` more, or, with 0, no longer. */
export interface ExternalPresence extends Arrival {
  readonly forMs: number;
}

/** A node whose lease has run out. */
export interface ExpiredNode {
  readonly node: string;
  /** How long ago it ran out, also when somebody else's claim on it has run out since. */
  readonly forMs: number;
}

/**
 * Which users have sessions on which nodes, and what was last told of them. A node holds a lease that it renews; users of
 * a node whose lease is gone do not count. A node is named by an incarnation id, new at each start and after each loss.
 *
 * Somebody *counts* while a node with a live lease has them (or had them less than the grace ago), or for `holdMs` after a
 * choice without that, or for as long as another system vouches for them. `own`: offline unless they count; else their choice, and idle for online without activity for
 * `idleMs`. `shown`: the same, with appear_offline as offline, from a grace after the choice on: until then as it would be
 * without it. A change of either raises the version and stays pending until `told`: whoever caused it tells it, and when
 * that node dies, `settle` hands it to another. Every method rejects with `unavailable` when the engine is away.
 */
export interface PresenceRegistry {
  /** Starts a node's lease. */
  open(node: string, ttlMs: number): Promise<void>;
  /**
   * Renews it, also when it has run out but nobody claimed it. `held` is false when it is gone: the node is then nobody's,
   * and its users do not count. `expired`: the leases of other nodes that have run out, and claims on such that have.
   */
  renew(node: string, ttlMs: number): Promise<{ readonly held: boolean; readonly expired: readonly ExpiredNode[] }>;
  /** Takes over a expired node for `ttlMs`: false when it renewed after all, or somebody else is at it. */
  claim(node: string, ttlMs: number): Promise<boolean>;
  /** Has the users of a claimed node count there for `forMs` more, and forgets the node. May be repeated after a failure. */
  endNode(node: string, forMs: number): Promise<void>;

  /** These users have a first session on this node. The node's lease must be open. */
  enter(node: string, arrivals: readonly Arrival[]): Promise<readonly PresenceChange[]>;
  /** Their last session on this node is closed. `gone`: those who have none elsewhere either. */
  leave(
    node: string,
    departures: readonly Activity[],
  ): Promise<{ readonly changes: readonly PresenceChange[]; readonly gone: readonly string[] }>;
  /** Another system has these users, or no longer has them: its last word counts. */
  setExternal(words: readonly ExternalPresence[]): Promise<readonly PresenceChange[]>;
  /** These users did something. Nothing, for those who do not count. */
  touch(activities: readonly Activity[]): Promise<readonly PresenceChange[]>;
  /** They chose; an older choice than the known one changes nothing, the same again only prolongs. Any but appear_offline is something that they did. */
  choose(
    choice: Omit<Arrival, "idleForMs">,
  ): Promise<{ readonly row: PresenceRow; readonly changes: readonly PresenceChange[] }>;
  /** Brings those up to date whose time has come, and returns what is to be told: that, and what has been pending for 2 seconds. */
  settle(): Promise<readonly PresenceChange[]>;
  /** These were told. What changed again meanwhile stays pending. */
  announced(changes: readonly PresenceChange[]): Promise<void>;
  /**
   * What is known of these users, as last told; those of whom nothing is known are absent. Somebody whom only nodes have
   * whose lease ran out more than `graceMs` ago reads as offline, told or not. One round trip per server.
   */
  read(userIds: readonly string[]): Promise<ReadonlyMap<string, PresenceRow>>;
  /** Ends a node's lease at its orderly end: its users, who have all left, count for the rest of their grace. */
  close(node: string): Promise<void>;
}
