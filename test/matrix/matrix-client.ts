/** A plain Matrix client of one user: its actions in a room, and its view of it. */
import { createHmac, randomBytes, randomUUID } from "node:crypto";
import { until } from "../support/until.ts";

const REQUEST_MS = 60_000;
const POLL_MS = 200;

export type Content = Readonly<Record<string, unknown>>;

/** An event of the client API, with the fields that tests read. */
export interface MatrixEvent {
  readonly event_id: string;
  readonly type: string;
  readonly sender: string;
  readonly origin_server_ts: number;
  readonly content: Content;
  readonly state_key?: string;
  readonly unsigned?: Content;
}

/** A user's present view of a room. */
export interface RoomView {
  /** Oldest first. */
  readonly events: readonly MatrixEvent[];
  /** Items of typing and receipts. */
  readonly ephemeral: readonly { readonly type: string; readonly content: Content }[];
}

interface Sync {
  readonly rooms?: {
    readonly join?: Readonly<
      Record<string, { readonly ephemeral?: { readonly events: RoomView["ephemeral"] } } | undefined>
    >;
  };
}

interface Page {
  readonly chunk: readonly MatrixEvent[];
  /** The start of the next page; absent at the end. */
  readonly end?: string;
}

/** A refusal by the homeserver. */
export class MatrixError extends Error {
  override readonly name = "MatrixError";
  readonly status: number;

  constructor(status: number, text: string) {
    super(`Matrix answered ${status}: ${text}`);
    this.status = status;
  }
}

export class MatrixClient {
  readonly userId: string;
  readonly #url: string;
  readonly #token: string;

  private constructor(url: string, userId: string, token: string) {
    this.#url = url;
    this.userId = userId;
    this.#token = token;
  }

  /** Registers by the server's shared secret. */
  static async register(url: string, username: string, sharedSecret: string): Promise<MatrixClient> {
    const path = "/_synapse/admin/v1/register";
    const { nonce } = (await call(url, "GET", path)) as { nonce: string };
    const password = randomBytes(16).toString("hex");
    const mac = createHmac("sha1", sharedSecret).update([nonce, username, password, "notadmin"].join("\0"));
    const body = { nonce, username, password, admin: false, mac: mac.digest("hex") };
    const { user_id: userId, access_token: token } = (await call(url, "POST", path, { body })) as {
      user_id: string;
      access_token: string;
    };
    return new MatrixClient(url, userId, token);
  }

  /** The own user of an application service. */
  static async ofService(url: string, token: string): Promise<MatrixClient> {
    const body = { type: "m.login.application_service", username: "_signalbox", inhibit_login: true };
    await call(url, "POST", "/_matrix/client/v3/register", { token, body });
    const answer = await call(url, "GET", "/_matrix/client/v3/account/whoami", { token });
    return new MatrixClient(url, (answer as { user_id: string }).user_id, token);
  }

  /** Creates a public room, which any user may join. */
  async createsRoom(name: string, ...invited: readonly MatrixClient[]): Promise<string> {
    const invite = invited.map(({ userId }) => userId);
    const body = { name, preset: "public_chat", invite };
    return ((await this.#asks("POST", "/createRoom", body)) as { room_id: string }).room_id;
  }

  async joins(room: string): Promise<void> {
    await this.#asks("POST", `/join/${encodeURIComponent(room)}`, {});
  }

  async leaves(room: string): Promise<void> {
    await this.#asks("POST", `${at(room)}/leave`, {});
  }

  /** Kicks or bans another user. */
  async removes(room: string, { userId }: MatrixClient, how: "kick" | "ban"): Promise<void> {
    await this.#asks("POST", `${at(room)}/${how}`, { user_id: userId });
  }

  /** Sets the display name; Synapse sends it to every room of the user. */
  async isNamed(displayname: string): Promise<void> {
    await this.#asks("PUT", `/profile/${encodeURIComponent(this.userId)}/displayname`, { displayname });
  }

  async renames(room: string, name: string): Promise<string> {
    return eventId(await this.#asks("PUT", `${at(room)}/state/m.room.name/`, { name }));
  }

  /** Sends any event; resolves with its id. */
  async sends(room: string, type: string, content: Content): Promise<string> {
    return eventId(await this.#asks("PUT", `${at(room)}/send/${type}/${randomUUID()}`, content));
  }

  says(room: string, body: string, more: Content = {}): Promise<string> {
    return this.sends(room, "m.room.message", { msgtype: "m.text", body, ...more });
  }

  /** Uploads a file; resolves with its `mxc://` address. */
  async uploads(filename: string, type: string, bytes: Uint8Array<ArrayBuffer>): Promise<string> {
    const path = `/_matrix/media/v3/upload?filename=${encodeURIComponent(filename)}`;
    const answer = await call(this.#url, "POST", path, { token: this.#token, bytes, type });
    return (answer as { content_uri: string }).content_uri;
  }

  edits(room: string, event: string, body: string): Promise<string> {
    return this.says(room, `* ${body}`, {
      "m.new_content": { msgtype: "m.text", body },
      "m.relates_to": { rel_type: "m.replace", event_id: event },
    });
  }

  replies(room: string, event: string, body: string): Promise<string> {
    return this.says(room, body, { "m.relates_to": { "m.in_reply_to": { event_id: event } } });
  }

  /** A message in the thread of `root`, as clients send one that is no reply. */
  threads(room: string, root: string, body: string): Promise<string> {
    const fallback = { is_falling_back: true, "m.in_reply_to": { event_id: root } };
    return this.says(room, body, { "m.relates_to": { rel_type: "m.thread", event_id: root, ...fallback } });
  }

  reacts(room: string, event: string, key: string): Promise<string> {
    return this.sends(room, "m.reaction", { "m.relates_to": { rel_type: "m.annotation", event_id: event, key } });
  }

  async redacts(room: string, event: string): Promise<string> {
    const path = `${at(room)}/redact/${encodeURIComponent(event)}/${randomUUID()}`;
    return eventId(await this.#asks("PUT", path, {}));
  }

  async reads(room: string, event: string, type: "m.read" | "m.read.private" = "m.read"): Promise<void> {
    await this.#asks("POST", `${at(room)}/receipt/${type}/${encodeURIComponent(event)}`, {});
  }

  async types(room: string, typing: boolean): Promise<void> {
    const body = typing ? { typing, timeout: 30_000 } : { typing };
    await this.#asks("PUT", `${at(room)}/typing/${encodeURIComponent(this.userId)}`, body);
  }

  async isPresent(presence: "online" | "unavailable" | "offline"): Promise<void> {
    await this.#asks("PUT", `/presence/${encodeURIComponent(this.userId)}/status`, { presence });
  }

  /** An event in its present form. */
  async event(room: string, event: string): Promise<MatrixEvent> {
    return (await this.#asks("GET", `${at(room)}/event/${encodeURIComponent(event)}`)) as MatrixEvent;
  }

  /** The room's last hundred events, and its typing and receipts. */
  async looks(room: string): Promise<RoomView> {
    const [messages, sync] = await Promise.all([
      this.#asks("GET", `${at(room)}/messages?dir=b&limit=100`),
      this.#asks("GET", "/sync?timeout=0&set_presence=offline"),
    ]);
    const { chunk } = messages as Page;
    return { events: chunk.toReversed(), ephemeral: (sync as Sync).rooms?.join?.[room]?.ephemeral?.events ?? [] };
  }

  /** All events of the room, oldest first. */
  async allEvents(room: string): Promise<readonly MatrixEvent[]> {
    const all: MatrixEvent[] = [];
    for (let from: string | undefined = ""; from !== undefined; ) {
      const behind: string = from === "" ? "" : `&from=${encodeURIComponent(from)}`;
      const page = (await this.#asks("GET", `${at(room)}/messages?dir=f&limit=100${behind}`)) as Page;
      all.push(...page.chunk);
      from = page.end;
    }
    return all;
  }

  /** Resolves with the first event that matches, as soon as it is in the room. */
  async sees(room: string, match: (event: MatrixEvent) => boolean, ms = 20_000): Promise<MatrixEvent> {
    return this.awaits(room, ({ events }) => events.find(match), ms);
  }

  /** Resolves with the result of `find` as soon as it finds something in the view. */
  async awaits<T>(room: string, find: (view: RoomView) => T | undefined, ms = 20_000): Promise<T> {
    const seen: { view?: RoomView; found?: T | undefined } = {};
    const isThere = async () => {
      seen.view = await this.looks(room);
      seen.found = find(seen.view);
      return seen.found !== undefined;
    };
    await until(isThere, ms, () => `not seen in Matrix; the last were ${summaryOf(seen.view)}`, POLL_MS);
    return seen.found as T;
  }

  #asks(method: string, path: string, body?: object): Promise<unknown> {
    return call(this.#url, method, `/_matrix/client/v3${path}`, { token: this.#token, body });
  }
}

const at = (room: string): string => `/rooms/${encodeURIComponent(room)}`;
const eventId = (answer: unknown): string => (answer as { event_id: string }).event_id;
const summaryOf = ({ events, ephemeral }: RoomView = { events: [], ephemeral: [] }): string =>
  [...events.slice(-10), ...ephemeral].map(({ type, content }) => `${type} ${JSON.stringify(content)}`).join("\n");

interface Call {
  readonly token?: string;
  readonly body?: object | undefined;
  readonly bytes?: Uint8Array<ArrayBuffer>;
  readonly type?: string;
}

/** Rejects with `MatrixError` on any answer but a 2xx. */
async function call(url: string, method: string, path: string, { token, body, bytes, type }: Call = {}) {
  const content = bytes ?? (body === undefined ? undefined : JSON.stringify(body));
  const response = await fetch(`${url}${path}`, {
    method,
    headers: {
      "content-type": type ?? "application/json",
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    },
    ...(content === undefined ? {} : { body: content }),
    signal: AbortSignal.timeout(REQUEST_MS),
  });
  const text = await response.text();
  if (!response.ok) throw new MatrixError(response.status, text);
  return JSON.parse(text) as unknown;
}
