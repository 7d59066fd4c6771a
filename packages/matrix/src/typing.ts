import type { Engine } from "@signalbox/core/ports/engine";
import { announceStop, announceTyping } from "@signalbox/core/ports/typing-announcement";
import type { Typing } from "./events.ts";

/**
 * The duration of an entry, in milliseconds: Matrix clients give at most 30 seconds, and the homeserver pushes an
 * earlier end.
 */
const TYPING_MS = 30_000;

export interface TypingDeps {
  readonly engine: Pick<Engine, "pubSub" | "typing">;
  /** The duration of a native typing entry, in milliseconds. */
  readonly typingTtlMs: number;
}

/**
 * Ingests typing; ids are local. Each item replaces the typists from Matrix in its room. An entry that lasts longer
 * than a native one is from Matrix, and ends when Matrix no longer lists its user. Native entries stay: the homeserver
 * lists their users too. Rejects with `unavailable` while the engine is away.
 */
export async function ingestTyping({ engine, typingTtlMs }: TypingDeps, items: readonly Typing[]): Promise<void> {
  if (items.length === 0) return;
  const before = await engine.typing.list(items.map(({ roomId }) => roomId));
  for (const { roomId, userIds } of items) {
    const typists = before.get(roomId) ?? [];
    const native = new Set(typists.filter(({ remainingMs }) => remainingMs <= typingTtlMs).map(({ userId }) => userId));
    for (const userId of userIds) if (!native.has(userId)) announceTyping(engine, roomId, userId, TYPING_MS);
    for (const { userId } of typists)
      if (!native.has(userId) && !userIds.includes(userId)) announceStop(engine, roomId, userId);
  }
}
