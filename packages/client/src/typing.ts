import type { TypingStarted, TypingStopped } from "./events.ts";

/** How often it is said at most that the user types in a chat: the server forgets it after 4 s. */
const REPEAT_MS = 2000;
/** Chats in which it is remembered when that was said. */
const REMEMBERED = 100;

/** Who types where: the user towards others, and all of them as far as this connection was told. */
export interface Typing {
  /** The user types. */
  start(chatId: string): void;
  stop(chatId: string): void;
  /** Takes what the server tells, `self` being the user whom the connection belongs to. */
  take(event: TypingStarted | TypingStopped, self: string | undefined): void;
  /** Who types in a chat now, the user included. */
  now(chatId: string): readonly string[];
  /** The chat is not the user's any more, so nobody will say that anyone stopped. */
  leave(chatId: string): void;
  /** The connection is gone: what it told is no longer true. */
  clear(): void;
}

/** `send`: hands a frame to the connection, false when there is none. `stopped`: told of everyone whom `leave` and `clear` end. */
export function createTyping(send: (frame: object) => boolean, stopped: (event: TypingStopped) => void): Typing {
  const typists = new Map<string, Set<string>>();
  const said = new Map<string, number>();

  function leave(chatId: string): void {
    const those = typists.get(chatId) ?? [];
    typists.delete(chatId);
    for (const senderId of those) stopped({ type: "STOP_TYPING", chatId, senderId });
  }

  return {
    start(chatId) {
      const now = performance.now();
      if (now - (said.get(chatId) ?? Number.NEGATIVE_INFINITY) < REPEAT_MS) return;
      if (!send({ type: "TYPING", chatId })) return;
      if (said.size >= REMEMBERED) said.clear();
      said.set(chatId, now);
    },

    stop(chatId) {
      said.delete(chatId);
      send({ type: "STOP_TYPING", chatId });
    },

    take({ type, chatId, senderId }, self) {
      const those = typists.get(chatId) ?? new Set();
      if (type === "TYPING") typists.set(chatId, those.add(senderId));
      else if (those.delete(senderId) && those.size === 0) typists.delete(chatId);
      // Sending a message ends it, too: the next key stroke is news again.
      if (type === "STOP_TYPING" && senderId === self) said.delete(chatId);
    },

    now: (chatId) => [...(typists.get(chatId) ?? [])],
    leave,

    clear() {
      said.clear();
      for (const chatId of [...typists.keys()]) leave(chatId);
    },
  };
}
