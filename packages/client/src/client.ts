import type { Client, ClientOptions, Rooms, SocketConstructor } from "./api.ts";
import { createConnection } from "./connection.ts";
import { SignalboxError } from "./errors.ts";
import type { Status } from "./events.ts";
import { createRealtime } from "./realtime.ts";
import { createRest, type Rest } from "./rest.ts";
import { createTokens } from "./tokens.ts";

/**
 * A client of one Signalbox. Nothing is sent before `setAuth` or `signIn` and a first call. Throws a `SignalboxError` (`invalid`) when an
 * address is missing, and when there is no WebSocket: Node 20 has none, so pass the class of the package `ws`.
 */
export function createClient(options: ClientOptions): Client {
  const { authUrl = "/dev/sign-in", fetch = globalThis.fetch } = options;
  const { apiUrl, gatewayUrl } = addressesOf(options);
  const WebSocket = options.WebSocket ?? (globalThis as { WebSocket?: SocketConstructor }).WebSocket;
  if (WebSocket === undefined)
    throw misuse("no WebSocket here, as in Node 20: pass the class WebSocket of the package ws");
  const tokens = createTokens();
  const rest = createRest({ url: apiUrl, fetch, tokens });

  return {
    realtime: createRealtime((events) => createConnection({ url: gatewayUrl, WebSocket, tokens, events })),
    rooms: createRooms(rest),
    setAuth: (auth) => tokens.set(auth),
    async signIn(credentials) {
      tokens.set(await rest.signIn(authUrl, credentials));
    },
    getMessages: (chatId, limit, before) =>
      rest.request("GET", path`/api/chat/${chatId}/messages` + query({ limit, before })),
    async getPresence(ids) {
      // A POST, since 1,000 ids do not fit into a URL.
      const { data } = await rest.request<{ data: Record<string, Status> }>("POST", "/v1/presence/query", { ids });
      return data;
    },
    async setPresence(status) {
      await rest.request("PUT", "/v1/presence", { status });
    },
    async setMarker(chatId, messageId) {
      await rest.request("POST", path`/chat/api/v1/conversations/${chatId}/marker`, { event_id: messageId });
    },
  };
}

/** `apiUrl` and `gatewayUrl` win over `url`, each for itself. */
function addressesOf({ url, apiUrl = url, gatewayUrl = url }: ClientOptions) {
  if (apiUrl === undefined || gatewayUrl === undefined)
    throw misuse(`no ${apiUrl === undefined ? "apiUrl" : "gatewayUrl"}: pass url, or both apiUrl and gatewayUrl`);
  return { apiUrl: withoutSlash(apiUrl), gatewayUrl: withoutSlash(gatewayUrl) };
}

const misuse = (detail: string) => new SignalboxError("invalid", detail, { operation: "createClient" });

function createRooms(rest: Rest): Rooms {
  const data = async <T>(...request: Parameters<Rest["request"]>) => (await rest.request<{ data: T }>(...request)).data;

  return {
    list: (page = {}) => rest.request("GET", `/v1/rooms${query(page)}`),
    create: (room) => data("POST", "/v1/rooms", room),
    update: (chatId, change) => data("PATCH", path`/v1/rooms/${chatId}`, change),
    async delete(chatId) {
      await rest.request("DELETE", path`/v1/rooms/${chatId}`);
    },
    putMember: (chatId, userId, role) => data("PUT", path`/v1/rooms/${chatId}/members/${userId}`, { role }),
    async removeMember(chatId, userId) {
      await rest.request("DELETE", path`/v1/rooms/${chatId}/members/${userId}`);
    },
    state: (chatId) => data("GET", path`/v1/rooms/${chatId}/state`),
  };
}

const withoutSlash = (url: string): string => url.replace(/\/+$/, "");

/** A path with ids in it, of any characters. */
const path = (parts: TemplateStringsArray, ...ids: string[]): string =>
  String.raw({ raw: parts }, ...ids.map(encodeURIComponent));

/** A query string of the fields that have a value. */
function query(fields: Readonly<Record<string, string | number | undefined>>): string {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(fields)) if (value !== undefined) params.set(name, String(value));
  return `?${params}`;
}
