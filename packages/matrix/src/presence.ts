import type { UserRow } from "@signalbox/core/model/rows";
import { DEFAULT_TIMING, type ExternalPresence, type PresenceRegistry } from "@signalbox/core/ports/presence-registry";
import type { Presence } from "@signalbox/core/presence/presence";
import type { MatrixPresence } from "./events.ts";

/** The time for which presence in Matrix counts, in milliseconds: a homeserver does not repeat it while a user stays active. */
const EXTERNAL_MS = 30 * 60_000;

export interface PresenceDeps {
  readonly registry: Pick<PresenceRegistry, "setExternal">;
  readonly presence: Pick<Presence, "announce">;
}

/**
 * Ingests presence; ids are local. A user that is online in Matrix is online here too, with their choice here, until Matrix says
 * offline, or for 30 minutes. A user that appears offline here stays so. Rejects with `unavailable` while the engine is away.
 */
export async function ingestPresence(
  { registry, presence }: PresenceDeps,
  items: readonly MatrixPresence[],
  users: ReadonlyMap<string, UserRow>,
): Promise<void> {
  const presences = items.flatMap((item) => {
    const user = users.get(item.userId);
    return user === undefined ? [] : (externalPresenceOf(item, user) ?? []);
  });
  if (presences.length === 0) return;
  // Not awaited: the announcement may take long, because of many rooms. It never rejects.
  void presence.announce(await registry.setExternal(presences));
}

function externalPresenceOf(
  { userId, presence, idleForMs }: MatrixPresence,
  { choice, choiceVersion }: UserRow,
): ExternalPresence | undefined {
  const user = { userId, choice, choiceVersion };
  if (presence === "offline") return { ...user, idleForMs: 0, forMs: 0 };
  if (choice === "appear_offline") return undefined;
  // An unavailable user is idle here, unless this node knows of later activity.
  const idle = presence === "online" ? idleForMs : Math.max(idleForMs, DEFAULT_TIMING.idleMs);
  return { ...user, idleForMs: idle, forMs: EXTERNAL_MS };
}
