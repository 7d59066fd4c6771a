/**
 * Announces typing to all nodes: the entry that requests read, and the publication that sessions receive. Best effort:
 * no call throws or waits.
 */
import { encodeStopFrame, encodeTypingFrame } from "./engine-frames.ts";
import type { PubSub } from "./pub-sub.ts";
import type { TypingStore } from "./typing-store.ts";

export interface TypingPorts {
  readonly typing: Pick<TypingStore, "start" | "stop">;
  readonly pubSub: Pick<PubSub, "publish">;
}

/** Announces that `userId` types in the room for `ttlMs` milliseconds more. */
export function announceTyping({ typing, pubSub }: TypingPorts, roomId: string, userId: string, ttlMs: number): void {
  typing.start(roomId, userId, ttlMs);
  pubSub.publish({ kind: "room", id: roomId }, encodeTypingFrame(userId, ttlMs));
}

/** Announces that `userId` no longer types in the room. */
export function announceStop({ typing, pubSub }: TypingPorts, roomId: string, userId: string): void {
  typing.stop(roomId, userId);
  pubSub.publish({ kind: "room", id: roomId }, encodeStopFrame(userId));
}
