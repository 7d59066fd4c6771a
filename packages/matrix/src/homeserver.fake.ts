import type { Json } from "./events.ts";
import type { Ingest } from "./ingest.ts";

interface Request {
  readonly method: string;
  /** Below `/_matrix/client/`, decoded. */
  readonly path: string;
  readonly as: string;
  readonly body: Json;
}

type Answer = { readonly status?: number; readonly body: Json; readonly headers?: Record<string, string> };

export const BOT = "@bridge:matrix.example";

/** A homeserver for tests, with one timeline per room. It keeps the events that it gets, and pushes them to an application service. */
export class FakeHomeserver {
  readonly timelines = new Map<string, Json[]>();
  readonly requests: Request[] = [];
  /** Users that may not read rooms. */
  readonly strangers = new Set<string>();
  /** Gets each event before its answer leaves. */
  pushes: Ingest | null = null;
  /** An answer in place of the usual one. */
  refuse: (request: Request) => Answer | undefined = () => undefined;
  /** True to process requests without an answer. */
  losesAnswers = false;
  /** Called after an event was added, before its answer. */
  afterSend: () => Promise<void> = async () => undefined;
  readonly #answered = new Map<string, Answer>();
  #events = 0;

  /** A `fetch` that reaches this server alone. */
  readonly fetch = async (address: string | URL | globalThis.Request, init: RequestInit = {}): Promise<Response> => {
    const url = new URL(String(address));
    const path = url.pathname.replace("/_matrix/client/", "").split("/").map(decodeURIComponent).join("/");
    const body = typeof init.body === "string" ? (JSON.parse(init.body) as Json) : {};
    const request = { method: init.method ?? "GET", path, as: url.searchParams.get("user_id") ?? BOT, body };
    this.requests.push(request);
    const { status = 200, body: answer, headers = {} } = this.refuse(request) ?? (await this.#answer(request, url));
    if (this.losesAnswers) throw new TypeError("fetch failed");
    return new Response(JSON.stringify(answer), { status, headers });
  };

  /** Adds an event to a room, a second after the event before. */
  say(room: string, type: string, sender: string, content: Json, more: Json = {}): Json {
    this.#events += 1;
    const origin_server_ts = Date.UTC(2025, 0, 1) + this.#events * 1000;
    const event = { event_id: `$${this.#events}`, room_id: room, type, sender, content, origin_server_ts, ...more };
    this.timelines.set(room, [...(this.timelines.get(room) ?? []), event]);
    return event;
  }

  /** The requests that write. */
  written(): Request[] {
    return this.requests.filter(({ method }) => method !== "GET");
  }

  async #answer(request: Request, url: URL): Promise<Answer> {
    const { method, path, as, body } = request;
    const [, resource = "", room = "", verb = "", third = "", fourth = ""] = path.split("/");
    if (path === "v3/account/whoami") return { body: { user_id: BOT } };
    if (path === "v3/joined_rooms") return { body: { joined_rooms: [...this.timelines.keys()] } };
    if (resource !== "rooms") return { body: {} };
    if (verb === "send") return this.#once(path, () => this.say(room, third, as, body));
    if (verb === "redact")
      return this.#once(path, () =>
        this.say(room, "m.room.redaction", as, { redacts: third }, { redacts: third, fourth }),
      );
    if (method !== "GET") return { body: {} };
    if (this.strangers.has(as)) return { status: 403, body: { errcode: "M_FORBIDDEN" } };
    return verb === "event" ? this.#event(room, third) : this.#page(room, url.searchParams);
  }

  /** The same transaction id again gets the same answer. */
  async #once(path: string, make: () => Json): Promise<Answer> {
    const known = this.#answered.get(path);
    if (known !== undefined) return known;
    const event = make();
    const answer = { body: { event_id: event.event_id } };
    this.#answered.set(path, answer);
    await this.pushes?.take({ events: [event] });
    await this.afterSend();
    return answer;
  }

  /** A room's events in their present form: redacted ones are stripped. */
  seen(room: string): Json[] {
    const events = this.timelines.get(room) ?? [];
    const redactions = new Map(events.map((event) => [event.redacts, event]));
    redactions.delete(undefined);
    return events.map((event) => {
      const redaction = redactions.get(event.event_id);
      return redaction === undefined ? event : { ...event, content: {}, unsigned: { redacted_because: redaction } };
    });
  }

  #event(room: string, eventId: string): Answer {
    const event = this.seen(room).find(({ event_id }) => event_id === eventId);
    return event === undefined ? { status: 404, body: { errcode: "M_NOT_FOUND" } } : { body: event };
  }

  #page(room: string, params: URLSearchParams): Answer {
    const from = Number(params.get("from") ?? "0");
    const events = this.seen(room);
    const next = from + Number(params.get("limit"));
    const more = next < events.length ? { end: String(next) } : {};
    return { body: { start: String(from), chunk: events.slice(from, next), ...more } };
  }
}
