import type { TypingStarted, TypingStopped } from "./events.ts";

/** The shortest time between two TYPING frames in a chat. The server forgets one after 4 s. */
const REPEAT_MS = 2000;
/** The chats for which the time of the last TYPING frame is remembered. */
const MAX_CHATS = 100;

/** Typing in all chats: the user's own, which is sent, and that of all members, as far as this connection was told. */
export interface Typing {
  /** The user types. */
  start(chatId: string): void;
  stop(chatId: string): void;
  /** Takes an event of the server. `self` is the connection's user. */
  take(event: TypingStarted | TypingStopped, self: string | undefined): void;
  /** The users that type in a chat now, the connection's own user included. */
  typists(chatId: string): readonly string[];
  /** Ends all typing of a chat that is no longer the user's: the server sends no more events of it. */
  leave(chatId: string): void;
  /** Ends all typing: the connection is gone. */
  clear(): void;
}

/** `send` hands a frame to the connection, and returns false when there is none. `stopped` is called for each user that `leave` and `clear` end. */
export function createTyping(send: (frame: object) => boolean, stopped: (event: TypingStopped) => void): Typing {
  const typists = new Map<string, Set<string>>();
  /** By chat, on the clock of `performance.now()`. */
  const sentAt = new Map<string, number>();

  function leave(chatId: string): void {
    const users = typists.get(chatId) ?? [];
    typists.delete(chatId);
    for (const senderId of users) stopped({ type: "STOP_TYPING", chatId, senderId });
  }

  return {
    start(chatId) {
      const now = performance.now();
      if (now - (sentAt.get(chatId) ?? Number.NEGATIVE_INFINITY) < REPEAT_MS) return;
      if (!send({ type: "TYPING", chatId })) return;
      if (sentAt.size >= MAX_CHATS) sentAt.clear();
      sentAt.set(chatId, now);
    },

    stop(chatId) {
      sentAt.delete(chatId);
      send({ type: "STOP_TYPING", chatId });
    },

    take({ type, chatId, senderId }, self) {
      const users = typists.get(chatId) ?? new Set();
      if (type === "TYPING") typists.set(chatId, users.add(senderId));
      else if (users.delete(senderId) && users.size === 0) typists.delete(chatId);
      // Sending a message ends it, too: the next key stroke is sent at once.
      if (type === "STOP_TYPING" && senderId === self) sentAt.delete(chatId);
    },

    typists: (chatId) => [...(typists.get(chatId) ?? [])],
    leave,

    clear() {
      sentAt.clear();
      for (const chatId of [...typists.keys()]) leave(chatId);
    },
  };
}
