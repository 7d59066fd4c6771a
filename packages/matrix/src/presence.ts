import type { UserRow } from "@signalbox/core/model/rows";
import { DEFAULT_TIMING, type ExternalPresence, type PresenceRegistry } from "@signalbox/core/ports/presence-registry";
import type { Presence } from "@signalbox/core/presence/presence";
import type { MatrixPresence } from "./events.ts";

/** How long Matrix's word on somebody lasts: while they are active there, it says nothing more. */
const VOUCHED_MS = 30 * 60_000;

export interface PresenceDeps {
  readonly registry: Pick<PresenceRegistry, "setExternal">;
  readonly presence: Pick<Presence, "announce">;
}

/**
 * What Matrix says of who is here, ids being ours: somebody who is there counts here too, with what they chose here, until Matrix
 * says that they are gone, or for 30 minutes. Whoever appears offline here is never said to be here. Rejects with `unavailable` when
 * the engine is away.
 */
export async function hearPresence(
  { registry, presence }: PresenceDeps,
  items: readonly MatrixPresence[],
  users: ReadonlyMap<string, UserRow>,
): Promise<void> {
  const words = items.flatMap((item) => {
    const user = users.get(item.userId);
    return user === undefined ? [] : (wordOn(item, user) ?? []);
  });
  if (words.length === 0) return;
  // Not awaited: it may wait for the rooms of many others. It never rejects.
  void presence.announce(await registry.setExternal(words));
}

function wordOn(
  { userId, presence, idleForMs }: MatrixPresence,
  { choice, choiceVersion }: UserRow,
): ExternalPresence | undefined {
  const word = { userId, choice, choiceVersion };
  if (presence === "offline") return { ...word, idleForMs: 0, forMs: 0 };
  if (choice === "appear_offline") return undefined;
  // Somebody unavailable is idle here, unless they are known to have done something since.
  const idle = presence === "online" ? idleForMs : Math.max(idleForMs, DEFAULT_TIMING.idleMs);
  return { ...word, idleForMs: idle, forMs: VOUCHED_MS };
}
