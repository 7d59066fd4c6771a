/** Receipts, typing and presence, which a homeserver pushes only once. A failed item is lost, and fails no other. */

import type { Writer } from "@signalbox/core/commands/writer";
import { ingestReceipt } from "@signalbox/core/matrix/rules";
import { chunksOf } from "@signalbox/core/model/groups";
import type { Engine } from "@signalbox/core/ports/engine";
import type { Store } from "@signalbox/core/ports/store";
import type { Presence } from "@signalbox/core/presence/presence";
import type { Ephemeral, Receipt } from "./events.ts";
import { clampTimestamp } from "./ids.ts";
import type { LocalIds } from "./mapping.ts";
import { ingestPresence } from "./presence.ts";
import { ingestTyping } from "./typing.ts";

/** Receipts that the writer gets at a time. */
const AT_ONCE = 1000;

export interface EphemeralDeps {
  readonly store: Pick<Store, "users">;
  readonly writer: Pick<Writer, "ingest">;
  readonly engine: Pick<Engine, "pubSub" | "typing" | "presence">;
  readonly presence: Pick<Presence, "announce">;
  /** The duration of a native typing entry, in milliseconds. */
  readonly typingTtlMs: number;
}

/**
 * Ingests the ephemeral part of a transaction. `now` is in milliseconds since the epoch. Resolves to the errors; never
 * rejects.
 */
export async function ingestEphemeral(
  deps: EphemeralDeps,
  ephemeral: Ephemeral,
  ids: LocalIds,
  now: number,
): Promise<unknown[]> {
  const items = withLocalIds(ephemeral, ids);
  const outcomes = await Promise.allSettled([ingestReceipts(deps, items.receipts, now), ingestSignals(deps, items)]);
  return outcomes.flatMap((outcome) => (outcome.status === "rejected" ? [outcome.reason] : []));
}

/** Replaces Matrix ids by local ones. */
function withLocalIds({ typing, receipts, presence }: Ephemeral, { rooms, users }: LocalIds): Ephemeral {
  const withRoomId = <T extends { readonly roomId: string }>(item: T): T[] => {
    const roomId = rooms.get(item.roomId);
    return roomId === undefined ? [] : [{ ...item, roomId }];
  };
  const withUserId = <T extends { readonly userId: string }>(item: T): T[] => {
    const userId = users.get(item.userId);
    return userId === undefined ? [] : [{ ...item, userId }];
  };
  return {
    // Two Matrix users may be mapped to one user.
    typing: typing
      .flatMap(withRoomId)
      .map(({ roomId, userIds }) => ({ roomId, userIds: [...new Set(userIds.flatMap((id) => users.get(id) ?? []))] })),
    receipts: receipts.flatMap(withRoomId).flatMap(withUserId),
    presence: presence.flatMap(withUserId),
  };
}

async function ingestReceipts({ writer }: EphemeralDeps, receipts: readonly Receipt[], now: number): Promise<void> {
  for (const chunk of chunksOf(receipts, AT_ONCE))
    await Promise.all(
      chunk.map(({ roomId, userId, eventId, at, private: hidden }) =>
        writer.ingest(ingestReceipt(roomId, userId, eventId, clampTimestamp(at, now), hidden)),
      ),
    );
}

/** Ingests typing and presence. The typing of a user that appears offline here is dropped. */
async function ingestSignals(deps: EphemeralDeps, { typing, presence }: Ephemeral): Promise<void> {
  const { engine, store } = deps;
  const userIds = new Set([...typing.flatMap(({ userIds }) => userIds), ...presence.map(({ userId }) => userId)]);
  const users = userIds.size === 0 ? new Map<string, never>() : await store.users([...userIds]);
  const isVisible = (userId: string) => users.get(userId)?.choice !== "appear_offline";
  const visibleTyping = typing.map(({ roomId, userIds }) => ({ roomId, userIds: userIds.filter(isVisible) }));
  await Promise.all([
    ingestTyping(deps, visibleTyping),
    ingestPresence({ registry: engine.presence, presence: deps.presence }, presence, users),
  ]);
}
