import type { Actor } from "@signalbox/core/model/actor";
import type { RoomState, Store } from "@signalbox/core/ports/store";
import type { TypingStore, Typist } from "@signalbox/core/ports/typing-store";
import type { Presence, SeenPresence } from "@signalbox/core/presence/presence";
import { noSuchRoom } from "./paths.ts";

export interface SnapshotDeps {
  readonly store: Pick<Store, "roomState">;
  readonly presence: Pick<Presence, "lookAt">;
  readonly engine: { readonly typing: Pick<TypingStore, "list"> };
}

/** A room as one user sees it now: its state, and the presence and typing of those in it. */
export interface Snapshot {
  readonly state: RoomState;
  /** Every member is in it. */
  readonly seen: ReadonlyMap<string, SeenPresence>;
  readonly typists: readonly Typist[];
}

/** Everything of a room but presence and typing. Throws `not_found` to strangers, as for a room that does not exist. */
export async function readState(store: Pick<Store, "roomState">, actor: Actor, roomId: string): Promise<RoomState> {
  const state = await store.roomState(roomId, actor.userId, actor.service);
  if (state === null) throw noSuchRoom();
  return state;
}

/** As `readState`, with presence and typing. Rejects with `unavailable` while the engine is away: all would look offline. */
export async function takeSnapshot(deps: SnapshotDeps, actor: Actor, roomId: string): Promise<Snapshot> {
  const state = await readState(deps.store, actor, roomId);
  // Asked for in one tick: one round trip for both.
  const [seen, typing] = await Promise.all([
    deps.presence.lookAt(actor, state.members),
    deps.engine.typing.list([roomId]),
  ]);
  return { state, seen, typists: typing.get(roomId) ?? [] };
}
