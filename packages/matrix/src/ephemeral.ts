/** What a homeserver says only once: receipts, typing, presence. Whatever of it fails is lost, and fails nothing else. */

import type { Writer } from "@signalbox/core/commands/writer";
import { ingestReceipt } from "@signalbox/core/matrix/rules";
import type { Engine } from "@signalbox/core/ports/engine";
import type { Store } from "@signalbox/core/ports/store";
import type { Presence } from "@signalbox/core/presence/presence";
import type { Ephemeral, Receipt } from "./events.ts";
import { clampTimestamp } from "./ids.ts";
import type { Known } from "./mapping.ts";
import { hearPresence } from "./presence.ts";
import { hearTyping } from "./typing.ts";

/** Receipts that are handed to the writer at once. */
const AT_ONCE = 1000;

export interface HearingDeps {
  readonly store: Pick<Store, "users">;
  readonly writer: Pick<Writer, "ingest">;
  readonly engine: Pick<Engine, "pubSub" | "typing" | "presence">;
  readonly presence: Pick<Presence, "announce">;
  /** How long somebody types natively without saying so again. */
  readonly typingTtlMs: number;
}

/** Takes the ephemeral part of a transaction. `now` in milliseconds since the epoch. Resolves with why any of it failed; never rejects. */
export async function hear(deps: HearingDeps, ephemeral: Ephemeral, known: Known, now: number): Promise<unknown[]> {
  const ours = inOurWords(ephemeral, known);
  const outcomes = await Promise.allSettled([hearReceipts(deps, ours.receipts, now), hearSignals(deps, ours)]);
  return outcomes.flatMap((outcome) => (outcome.status === "rejected" ? [outcome.reason] : []));
}

/** The same with our ids in place of Matrix's. */
function inOurWords({ typing, receipts, presence }: Ephemeral, { rooms, users }: Known): Ephemeral {
  const roomed = <T extends { readonly roomId: string }>(item: T): T[] => {
    const roomId = rooms.get(item.roomId);
    return roomId === undefined ? [] : [{ ...item, roomId }];
  };
  const peopled = <T extends { readonly userId: string }>(item: T): T[] => {
    const userId = users.get(item.userId);
    return userId === undefined ? [] : [{ ...item, userId }];
  };
  return {
    // Two Matrix users may be one of ours.
    typing: typing
      .flatMap(roomed)
      .map(({ roomId, userIds }) => ({ roomId, userIds: [...new Set(userIds.flatMap((id) => users.get(id) ?? []))] })),
    receipts: receipts.flatMap(roomed).flatMap(peopled),
    presence: presence.flatMap(peopled),
  };
}

async function hearReceipts({ writer }: HearingDeps, receipts: readonly Receipt[], now: number): Promise<void> {
  for (let at = 0; at < receipts.length; at += AT_ONCE)
    await Promise.all(
      receipts
        .slice(at, at + AT_ONCE)
        .map(({ roomId, userId, eventId, at: ts, private: hidden }) =>
          writer.ingest(ingestReceipt(roomId, userId, eventId, clampTimestamp(ts, now), hidden)),
        ),
    );
}

/** Whoever appears offline here types for nobody, whatever Matrix says. */
async function hearSignals(deps: HearingDeps, { typing, presence }: Ephemeral): Promise<void> {
  const { engine, store } = deps;
  const people = new Set([...typing.flatMap(({ userIds }) => userIds), ...presence.map(({ userId }) => userId)]);
  const users = people.size === 0 ? new Map<string, never>() : await store.users([...people]);
  const shows = (userId: string) => users.get(userId)?.choice !== "appear_offline";
  const shown = typing.map(({ roomId, userIds }) => ({ roomId, userIds: userIds.filter(shows) }));
  await Promise.all([
    hearTyping(deps, shown),
    hearPresence({ registry: engine.presence, presence: deps.presence }, presence, users),
  ]);
}
