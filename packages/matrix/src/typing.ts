import type { Engine } from "@signalbox/core/ports/engine";
import { encodeStopFrame, encodeTypingFrame } from "@signalbox/core/ports/engine-frames";
import type { Typing } from "./events.ts";

/** Matrix clients say for how long somebody types, 30 seconds at most, and the homeserver says when they stop. */
const TYPING_MS = 30_000;

export interface TypingDeps {
  readonly engine: Pick<Engine, "pubSub" | "typing">;
  /** How long somebody types natively without saying so again. */
  readonly typingTtlMs: number;
}

/**
 * Each item replaces what Matrix said before of who types in its room; ids are ours. Whoever has longer to go than anybody who
 * types here, types by Matrix's word: they stop when Matrix no longer says so. Those who type here hear of it from the
 * homeserver too, and are left alone. Rejects with `unavailable` when the engine is away.
 */
export async function hearTyping({ engine, typingTtlMs }: TypingDeps, items: readonly Typing[]): Promise<void> {
  if (items.length === 0) return;
  const before = await engine.typing.list(items.map(({ roomId }) => roomId));
  for (const { roomId, userIds } of items) {
    const channel = { kind: "room", id: roomId } as const;
    const typists = before.get(roomId) ?? [];
    const native = new Set(typists.filter(({ remainingMs }) => remainingMs <= typingTtlMs).map(({ userId }) => userId));
    for (const userId of userIds) {
      if (native.has(userId)) continue;
      engine.typing.start(roomId, userId, TYPING_MS);
      engine.pubSub.publish(channel, encodeTypingFrame(userId, TYPING_MS));
    }
    for (const { userId } of typists) {
      if (native.has(userId) || userIds.includes(userId)) continue;
      engine.typing.stop(roomId, userId);
      engine.pubSub.publish(channel, encodeStopFrame(userId));
    }
  }
}
