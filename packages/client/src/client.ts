import type { Client, ClientOptions, Rooms, SocketConstructor } from "./api.ts";
import { createConnection } from "./connection.ts";
import { SignalboxError } from "./errors.ts";
import type { Status } from "./events.ts";
import { createRealtime } from "./realtime.ts";
import { createRest, type Rest } from "./rest.ts";
import { createTokens } from "./tokens.ts";

/**
 * A client of one Signalbox. It does nothing by itself: hand in a token with `setAuth` or `signIn`, then ask, or `realtime.connect()`.
 * Throws where there is no WebSocket and none was handed in (Node 20 has none: take the class of the package `ws`).
 */
export function createClient(options: ClientOptions): Client {
  const { authUrl = "/dev/sign-in", fetch = globalThis.fetch } = options;
  const apiUrl = withoutSlash("url" in options ? options.url : options.apiUrl);
  const gatewayUrl = withoutSlash("url" in options ? options.url : options.gatewayUrl);
  const WebSocket = options.WebSocket ?? (globalThis as { WebSocket?: SocketConstructor }).WebSocket;
  if (WebSocket === undefined)
    throw new SignalboxError("invalid", "there is no WebSocket here: hand in the class of the package ws");
  const tokens = createTokens();
  const rest = createRest({ url: apiUrl, fetch, tokens });

  return {
    realtime: createRealtime((events) => createConnection({ url: gatewayUrl, WebSocket, tokens, events })),
    rooms: createRooms(rest),
    setAuth: (auth) => tokens.set(auth),
    async signIn(credentials) {
      const url = /^https?:/i.test(authUrl) ? authUrl : apiUrl + authUrl;
      tokens.set(await rest.signIn(url, credentials));
    },
    getMessages: (chatId, limit, before) =>
      rest.ask("GET", path`/api/chat/${chatId}/messages` + query({ limit, before })),
    async getPresence(ids) {
      // Posted, because a URL holds fewer ids than may be asked for at once.
      const { data } = await rest.ask<{ data: Record<string, Status> }>("POST", "/v1/presence/query", { ids });
      return data;
    },
    async setPresence(status) {
      await rest.ask("PUT", "/v1/presence", { status });
    },
    async setMarker(chatId, messageId) {
      await rest.ask("POST", path`/chat/api/v1/conversations/${chatId}/marker`, { event_id: messageId });
    },
  };
}

function createRooms(rest: Rest): Rooms {
  const data = async <T>(...asked: Parameters<Rest["ask"]>) => (await rest.ask<{ data: T }>(...asked)).data;

  return {
    list: (page = {}) => rest.ask("GET", `/v1/rooms${query(page)}`),
    create: (room) => data("POST", "/v1/rooms", room),
    update: (chatId, change) => data("PATCH", path`/v1/rooms/${chatId}`, change),
    async delete(chatId) {
      await rest.ask("DELETE", path`/v1/rooms/${chatId}`);
    },
    putMember: (chatId, userId, role) => data("PUT", path`/v1/rooms/${chatId}/members/${userId}`, { role }),
    async removeMember(chatId, userId) {
      await rest.ask("DELETE", path`/v1/rooms/${chatId}/members/${userId}`);
    },
    state: (chatId) => data("GET", path`/v1/rooms/${chatId}/state`),
  };
}

const withoutSlash = (url: string): string => url.replace(/\/+$/, "");

/** A path with ids in it, whatever they hold. */
const path = (parts: TemplateStringsArray, ...ids: string[]): string =>
  String.raw({ raw: parts }, ...ids.map(encodeURIComponent));

/** Those of these that are given, as the end of a URL. */
function query(fields: Readonly<Record<string, string | number | undefined>>): string {
  const given = new URLSearchParams();
  for (const [name, value] of Object.entries(fields)) if (value !== undefined) given.set(name, String(value));
  return `?${given}`;
}
