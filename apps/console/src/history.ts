/** What events alone do not tell of a chat: its earlier messages, and who is there. */
import type { Client } from "@signalbox/client";
import { PAGE } from "./chat.ts";
import { ROOMS_MAX } from "./rooms.ts";
import type { Change } from "./session.ts";

export interface History {
  /** Loads the newest page, and who is there. */
  open(chatId: string): void;
  /** Loads the page before this message. */
  older(chatId: string, before: string): void;
  /** Loads who is there. */
  describe(chatId: string): void;
  /** The same, once per chat. */
  meet(chatId: string): void;
}

export interface HistoryEvents {
  changed(change: Change): void;
  failed(error: unknown): void;
}

export function createHistory(client: Pick<Client, "getMessages" | "rooms">, events: HistoryEvents): History {
  const { changed, failed } = events;
  const met = new Set<string>();

  const load = async (chatId: string, before?: string) => {
    try {
      const { messages } = await client.getMessages(chatId, PAGE, before);
      changed({ type: "loaded", chatId, messages, newest: before === undefined });
    } catch (error) {
      changed({ type: "notLoaded", chatId });
      failed(error);
    }
  };
  const describe = (chatId: string) => {
    client.rooms.state(chatId).then((state) => changed({ type: "described", chatId, state }), failed);
  };

  return {
    open(chatId) {
      void load(chatId);
      describe(chatId);
    },
    older(chatId, before) {
      changed({ type: "loading", chatId });
      void load(chatId, before);
    },
    describe,
    meet(chatId) {
      if (met.has(chatId) || met.size >= ROOMS_MAX) return;
      met.add(chatId);
      describe(chatId);
    },
  };
}
