/**
 * The presence of one user: the status, the moment of its next change, and the status that others see. No clock, no I/O. Redis
 * has the same in Lua: packages/redis/lua/presence.lua.
 */
import type { Choice, Shown, Status } from "@signalbox/protocol/presence";
import type { Arrival, ExternalPresence, PresenceRow, PresenceTiming } from "../ports/presence-registry.ts";

/** The key of other systems among the nodes of an entry. No node has this id. */
const EXTERNAL = "elsewhere";

/** "No end", in milliseconds: beyond every moment, and a number that JSON keeps exactly. */
export const NEVER = 1e15;

/** The state of a user. All times are milliseconds since the epoch, by the engine's clock. */
export interface Entry {
  readonly userId: string;
  /** By node, the end of the user's presence there: `NEVER` while they have a session. */
  readonly nodes: Map<string, number>;
  /** The end of a choice that was made without a session; 0 without one. */
  heldUntil: number;
  choice: Choice;
  choiceVersion: number;
  /** With the choice appear_offline, the state that other users see until `until`. */
  mask: { readonly choice: Choice; readonly heldUntil: number; readonly until: number } | null;
  activeAt: number | null;
  ownActiveAt: number | null;
  /** The last change, announced or about to be. */
  own: Status;
  shown: Shown;
  version: number;
  /** Of a user that does not count, the moment at which they are forgotten; null for others. */
  keptUntil: number | null;
}

/** The result of an update of an entry. */
export interface Settled {
  /** `own`: a change for the user's own sessions; `shown`: a change for them and for others. */
  readonly change: "none" | "own" | "shown";
  /** The moment of the next update: `NEVER` when only a call can change anything. */
  readonly dueAt: number;
  /** True after so long offline that the entry is no longer needed. */
  readonly forgotten: boolean;
}

interface View {
  readonly status: Status;
  /** The moment at which it changes by itself. */
  readonly until: number;
}

const OFFLINE: View = { status: "offline", until: NEVER };

/** An unknown user: offline, with a choice older than any. */
export const unknown = (userId: string): Entry => ({
  userId,
  nodes: new Map(),
  heldUntil: 0,
  choice: "online",
  choiceVersion: -1,
  mask: null,
  activeAt: null,
  ownActiveAt: null,
  own: "offline",
  shown: "offline",
  version: 0,
  keptUntil: null,
});

/** The user has a session on `node`. */
export function enter(entry: Entry, node: string, arrival: Arrival, now: number, timing: PresenceTiming): void {
  adopt(entry, arrival.choice, arrival.choiceVersion, now, timing);
  entry.nodes.set(node, NEVER);
  act(entry, now - arrival.idleForMs);
}

/** Another system has the user, or no longer has them. */
export function setExternal(entry: Entry, external: ExternalPresence, now: number, timing: PresenceTiming): void {
  adopt(entry, external.choice, external.choiceVersion, now, timing);
  entry.nodes.set(EXTERNAL, now + external.forMs);
  if (external.forMs > 0) act(entry, now - external.idleForMs);
}

/** The user's last session on `node` is closed. False when there was none. */
export function leave(entry: Entry, node: string, idleForMs: number, now: number, timing: PresenceTiming): boolean {
  if (entry.nodes.get(node) !== NEVER) return false;
  act(entry, now - idleForMs);
  entry.nodes.set(node, now + timing.graceMs);
  return true;
}

/** Keeps the user online by a dead node until `end`. A user that had left it keeps their grace. */
export function endNode(entry: Entry, node: string, end: number): void {
  if (entry.nodes.get(node) === NEVER) entry.nodes.set(node, end);
}

/** The user did something. False for a user that does not count. */
export function touch(entry: Entry, idleForMs: number, now: number): boolean {
  if (countsUntil(entry, entry.heldUntil) <= now) return false;
  act(entry, now - idleForMs);
  return true;
}

/** The user chose, with a session (`here`) or without. False for an older choice than the known one. */
export function choose(
  entry: Entry,
  { choice, choiceVersion }: Omit<Arrival, "idleForMs">,
  here: boolean,
  now: number,
  timing: PresenceTiming,
): boolean {
  // The same version is a repeat, or the user entered with it before it came here.
  if (choiceVersion < entry.choiceVersion) return false;
  adopt(entry, choice, choiceVersion, now, timing);
  // After the mask is set: a choice to appear offline does not prolong the status that others see.
  if (!here) entry.heldUntil = now + timing.holdMs;
  if (choice !== "appear_offline") act(entry, now);
  return true;
}

/**
 * Updates an entry. While a user appears offline, only time changes what other users see, and only in a `sweep`: otherwise the
 * moment at which they seem to go would reveal what a hidden user does.
 */
export function settle(entry: Entry, now: number, timing: PresenceTiming, sweep: boolean): Settled {
  for (const [node, end] of entry.nodes) if (end <= now) entry.nodes.delete(node);
  const mine = view(entry.choice, countsUntil(entry, entry.heldUntil), entry.ownActiveAt, now, timing);
  const others = entry.mask === null ? mine : masked(entry, entry.mask, now, timing, sweep);
  const own = mine.status;
  const shown = others.status === "appear_offline" ? "offline" : others.status;
  const change = shown !== entry.shown ? "shown" : own !== entry.own ? "own" : "none";
  if (change !== "none") entry.version = Math.max(entry.version + 1, now);
  entry.own = own;
  entry.shown = shown;
  entry.keptUntil = own === "offline" ? (entry.keptUntil ?? now + timing.keepMs) : null;
  const dueAt = Math.min(mine.until, others.until, entry.keptUntil ?? NEVER);
  return { change, dueAt, forgotten: entry.keptUntil !== null && entry.keptUntil <= now };
}

/** True when a node for which `lives` is true has a session of the user. */
export const hasSession = (entry: Entry, lives: (node: string) => boolean = () => true): boolean =>
  [...entry.nodes].some(([node, end]) => end === NEVER && lives(node));

/** True when the user counts only by nodes for which `isDead` is true. */
export const hasOnlyDeadNodes = (entry: Entry, now: number, isDead: (node: string) => boolean): boolean =>
  entry.heldUntil <= now &&
  hasSession(entry) &&
  [...entry.nodes].every(([node, end]) => (end === NEVER ? isDead(node) : end <= now));

export const rowOf = ({ userId, own, shown, activeAt, ownActiveAt, version }: Entry): PresenceRow => ({
  userId,
  own,
  shown,
  activeAt,
  ownActiveAt,
  version,
});

function adopt(entry: Entry, choice: Choice, choiceVersion: number, now: number, timing: PresenceTiming): void {
  if (choiceVersion <= entry.choiceVersion) return;
  if (choice !== "appear_offline") entry.mask = null;
  // A repeated choice keeps the mask of the first.
  else entry.mask ??= { choice: entry.choice, heldUntil: entry.heldUntil, until: now + timing.graceMs };
  entry.choice = choice;
  entry.choiceVersion = choiceVersion;
}

function act(entry: Entry, moment: number): void {
  const at = Math.floor(moment);
  entry.ownActiveAt = Math.max(entry.ownActiveAt ?? 0, at);
  if (entry.choice !== "appear_offline") entry.activeAt = Math.max(entry.activeAt ?? 0, at);
}

/** The end of the user's presence, unless a call prolongs it. */
const countsUntil = (entry: Entry, heldUntil: number): number => Math.max(heldUntil, ...entry.nodes.values());

/** The status of a choice, and the moment at which it changes by itself. */
function view(choice: Choice, countsUntil: number, activeAt: number | null, now: number, timing: PresenceTiming): View {
  if (countsUntil <= now) return OFFLINE;
  const idleAt = choice === "online" && activeAt !== null ? activeAt + timing.idleMs : NEVER;
  if (idleAt <= now) return { status: "idle", until: countsUntil };
  return { status: choice, until: Math.min(idleAt, countsUntil) };
}

/** The status that other users see of a user that appears offline. Once offline it stays so, also when the user comes back. */
function masked(
  entry: Entry,
  mask: NonNullable<Entry["mask"]>,
  now: number,
  timing: PresenceTiming,
  sweep: boolean,
): View {
  if (entry.shown === "offline" || (sweep && mask.until <= now)) return OFFLINE;
  const seen = view(mask.choice, countsUntil(entry, mask.heldUntil), entry.activeAt, now, timing);
  if (!sweep && seen.status !== entry.shown) return { status: entry.shown, until: now };
  return { status: seen.status, until: Math.min(mask.until, seen.until) };
}
