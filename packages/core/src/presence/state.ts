/** The presence of one user: what they are, when that changes by itself, what others may know of it. No clock, no I/O. Redis' scripts say the same in Lua. */
import type { Choice, Shown, Status } from "@signalbox/protocol/presence";
import type { Arrival, ExternalPresence, PresenceRow, PresenceTiming } from "../ports/presence-registry.ts";

/** Stands for other systems among the nodes that have somebody. No node is called so. */
const EXTERNAL = "elsewhere";

/** "Has no end", in milliseconds: beyond every moment, and a number that JSON keeps exactly. */
export const NEVER = 1e15;

/** What is known of a user. All times are milliseconds since the epoch, by the engine's clock. */
export interface Entry {
  readonly userId: string;
  /** Until when they count by each node: `NEVER` while they have a session there. */
  readonly nodes: Map<string, number>;
  /** Until when they count by a choice made without a session; 0: not. */
  heldUntil: number;
  choice: Choice;
  choiceVersion: number;
  /** While they chose appear_offline: what others would see without it, and until when they go on seeing that. */
  mask: { readonly choice: Choice; readonly heldUntil: number; readonly until: number } | null;
  activeAt: number | null;
  ownActiveAt: number | null;
  /** As told last, or about to be. */
  own: Status;
  shown: Shown;
  version: number;
  /** Until when they are remembered; null while they count. */
  keptUntil: number | null;
}

/** What came of looking at an entry. */
export interface Settled {
  /** Which of `own` and `shown` changed: both count as the user's, `shown` also as everybody's. */
  readonly change: "none" | "own" | "shown";
  /** When to look again: `NEVER` when only a call can change anything. */
  readonly dueAt: number;
  /** They have been offline for so long that nothing needs to be known of them. */
  readonly forgotten: boolean;
}

interface View {
  readonly status: Status;
  /** When it changes by itself. */
  readonly until: number;
}

const OFFLINE: View = { status: "offline", until: NEVER };

/** Somebody of whom nothing is known: older than any choice. */
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

/** They have a session on `node`. */
export function enter(entry: Entry, node: string, arrival: Arrival, now: number, timing: PresenceTiming): void {
  adopt(entry, arrival.choice, arrival.choiceVersion, now, timing);
  entry.nodes.set(node, NEVER);
  act(entry, now - arrival.idleForMs);
}

/** Another system says that they are there, or no longer. */
export function setExternal(entry: Entry, word: ExternalPresence, now: number, timing: PresenceTiming): void {
  adopt(entry, word.choice, word.choiceVersion, now, timing);
  entry.nodes.set(EXTERNAL, now + word.forMs);
  if (word.forMs > 0) act(entry, now - word.idleForMs);
}

/** Their last session on `node` is closed. False when there was none. */
export function leave(entry: Entry, node: string, idleForMs: number, now: number, timing: PresenceTiming): boolean {
  if (entry.nodes.get(node) !== NEVER) return false;
  act(entry, now - idleForMs);
  entry.nodes.set(node, now + timing.graceMs);
  return true;
}

/** `node` died: they count by it until `end`. Whoever had left it keeps their grace. */
export function strand(entry: Entry, node: string, end: number): void {
  if (entry.nodes.get(node) === NEVER) entry.nodes.set(node, end);
}

/** They did something. False when they do not count. */
export function touch(entry: Entry, idleForMs: number, now: number): boolean {
  if (countsUntil(entry, entry.heldUntil) <= now) return false;
  act(entry, now - idleForMs);
  return true;
}

/** They chose, with a session (`here`) or without. False when the choice is an older one than the known one. */
export function choose(
  entry: Entry,
  { choice, choiceVersion }: Omit<Arrival, "idleForMs">,
  here: boolean,
  now: number,
  timing: PresenceTiming,
): boolean {
  // The same version again is a repeat, or somebody entered with it before it came here.
  if (choiceVersion < entry.choiceVersion) return false;
  adopt(entry, choice, choiceVersion, now, timing);
  // After the mask was taken: what others see is not prolonged by choosing to be hidden.
  if (!here) entry.heldUntil = now + timing.holdMs;
  if (choice !== "appear_offline") act(entry, now);
  return true;
}

/**
 * Brings an entry up to date. While somebody appears offline, only time changes what others see, and only a `sweep` says
 * so: otherwise what a hidden user does would show in the moment at which they seem to go.
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

/** Whether some node, of which `lives` holds, has a session of theirs. */
export const hasSession = (entry: Entry, lives: (node: string) => boolean = () => true): boolean =>
  [...entry.nodes].some(([node, end]) => end === NEVER && lives(node));

/** Whether all that speaks for them is nodes of which `isDead` holds. */
export const isStranded = (entry: Entry, now: number, isDead: (node: string) => boolean): boolean =>
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
  // Choosing it again does not begin it again.
  else entry.mask ??= { choice: entry.choice, heldUntil: entry.heldUntil, until: now + timing.graceMs };
  entry.choice = choice;
  entry.choiceVersion = choiceVersion;
}

function act(entry: Entry, moment: number): void {
  const at = Math.floor(moment);
  entry.ownActiveAt = Math.max(entry.ownActiveAt ?? 0, at);
  if (entry.choice !== "appear_offline") entry.activeAt = Math.max(entry.activeAt ?? 0, at);
}

/** Until when they count unless something happens. */
const countsUntil = (entry: Entry, heldUntil: number): number => Math.max(heldUntil, ...entry.nodes.values());

/** What somebody with this choice is. */
function view(choice: Choice, countsUntil: number, activeAt: number | null, now: number, timing: PresenceTiming): View {
  if (countsUntil <= now) return OFFLINE;
  const idleAt = choice === "online" && activeAt !== null ? activeAt + timing.idleMs : NEVER;
  if (idleAt <= now) return { status: "idle", until: countsUntil };
  return { status: choice, until: Math.min(idleAt, countsUntil) };
}

/** What others see of somebody who appears offline. Once that is offline it stays so, whoever comes. */
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
