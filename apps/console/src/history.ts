/** Requests for the parts of a chat that are not in events: its earlier messages, its members. */
import type { Client } from "@signalbox/client";
import { PAGE_SIZE } from "./chat.ts";
import { MAX_ROOMS } from "./rooms.ts";
import type { Change } from "./session.ts";

export interface History {
  /** Loads the newest page, and the state of the room. */
  open(chatId: string): void;
  /** Loads the page before this message. */
  loadOlder(chatId: string, before: string): void;
  /** Loads the state of the room. */
  loadState(chatId: string): void;
  /** The same, once per chat: for the names of its members. */
  loadNames(chatId: string): void;
}

export interface HistoryEvents {
  changed(change: Change): void;
  failed(error: unknown): void;
}

export function createHistory(client: Pick<Client, "getMessages" | "rooms">, events: HistoryEvents): History {
  const { changed, failed } = events;
  const named = new Set<string>();

  const loadPage = async (chatId: string, before?: string) => {
    try {
      const { messages } = await client.getMessages(chatId, PAGE_SIZE, before);
      changed({ type: "loaded", chatId, messages, newest: before === undefined });
    } catch (error) {
      changed({ type: "loadFailed", chatId });
      failed(error);
    }
  };
  const loadState = (chatId: string) => {
    client.rooms.state(chatId).then((state) => changed({ type: "stateLoaded", chatId, state }), failed);
  };

  return {
    open(chatId) {
      void loadPage(chatId);
      loadState(chatId);
    },
    loadOlder(chatId, before) {
      changed({ type: "loading", chatId });
      void loadPage(chatId, before);
    },
    loadState,
    loadNames(chatId) {
      if (named.has(chatId) || named.size >= MAX_ROOMS) return;
      named.add(chatId);
      loadState(chatId);
    },
  };
}
