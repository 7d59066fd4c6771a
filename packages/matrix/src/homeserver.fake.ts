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

export interface FakeEvent extends Json {
  readonly event_id: string;
  readonly origin_server_ts: number;
}

/** The id and the time of the next event. */
type NextEvent = () => Pick<FakeEvent, "event_id" | "origin_server_ts">;

/** A room of Matrix: its methods make the events that a homeserver pushes, and keep them. `Sender`: what `userIdOf` takes. */
export class FakeRoom<Sender = string> {
  readonly id: string;
  readonly timeline: FakeEvent[] = [];
  readonly #next: NextEvent;
  readonly #userIdOf: (sender: Sender) => string;

  constructor(id: string, next: NextEvent, userIdOf: (sender: Sender) => string) {
    this.id = id;
    this.#next = next;
    this.#userIdOf = userIdOf;
  }

  event(sender: Sender, type: string, content: Json, more: Json = {}): FakeEvent {
    const unsigned = { age: 42 };
    const event = {
      room_id: this.id,
      type,
      sender: this.#userIdOf(sender),
      content,
      unsigned,
      ...this.#next(),
      ...more,
    };
    this.timeline.push(event);
    return event;
  }

  says(sender: Sender, body: string, content: Json = {}, more: Json = {}): FakeEvent {
    return this.event(sender, "m.room.message", { msgtype: "m.text", body, ...content }, more);
  }

  edits(sender: Sender, target: FakeEvent, body: string, content: Json = {}): FakeEvent {
    return this.says(sender, `* ${body}`, {
      "m.new_content": { msgtype: "m.text", body, ...content },
      "m.relates_to": { rel_type: "m.replace", event_id: target.event_id },
    });
  }

  reacts(sender: Sender, target: FakeEvent, key: string): FakeEvent {
    return this.event(sender, "m.reaction", {
      "m.relates_to": { rel_type: "m.annotation", event_id: target.event_id, key },
    });
  }

  redacts(sender: Sender, { event_id: redacts }: Pick<FakeEvent, "event_id">): FakeEvent {
    return this.event(sender, "m.room.redaction", { redacts, reason: "spam" }, { redacts });
  }

  state(sender: Sender, type: string, content: Json, state_key = ""): FakeEvent {
    return this.event(sender, type, content, { state_key });
  }

  member(user: Sender, membership: string, sender: Sender = user): FakeEvent {
    return this.state(sender, "m.room.member", { membership }, this.#userIdOf(user));
  }

  /** The events as they are now: redacted ones have no content. */
  current(): FakeEvent[] {
    const redactions = new Map(this.timeline.map((event) => [event.redacts, event]));
    redactions.delete(undefined);
    return this.timeline.map((event) => {
      const redaction = redactions.get(event.event_id);
      return redaction === undefined ? event : { ...event, content: {}, unsigned: { redacted_because: redaction } };
    });
  }
}

/** A homeserver for tests: it keeps the events that clients send, answers their reads, and pushes to an application service. */
export class FakeHomeserver {
  readonly rooms = new Map<string, FakeRoom>();
  readonly requests: Request[] = [];
  /** Users that may not read rooms. */
  readonly strangers = new Set<string>();
  /** The application service that gets each event before its sender gets the answer. */
  pushes: Ingest | null = null;
  /** An answer in place of its own, if any. */
  refuse: (request: Request) => Answer | undefined = () => undefined;
  /** True: it does as it is asked, and then gives no answer. */
  losesAnswers = false;
  /** Called for each event that is sent, before its answer. */
  afterSend: () => Promise<void> = async () => undefined;
  readonly #answered = new Map<string, Answer>();
  #events = 0;

  /** A `fetch` that reaches only this server. */
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

  /** The room with this id, a new one at its first use. */
  room(id: string): FakeRoom {
    const room = this.rooms.get(id) ?? new FakeRoom(id, () => this.#next(), String);
    this.rooms.set(id, room);
    return room;
  }

  /** Adds an event of any type to a room, one second after the event before it, from the beginning of 2025. */
  say(room: string, type: string, sender: string, content: Json, more: Json = {}): FakeEvent {
    return this.room(room).event(sender, type, content, more);
  }

  /** All requests but reads. */
  written(): Request[] {
    return this.requests.filter(({ method }) => method !== "GET");
  }

  async #answer(request: Request, url: URL): Promise<Answer> {
    const { method, path, as, body } = request;
    const [, resource = "", room = "", verb = "", third = ""] = path.split("/");
    if (path === "v3/account/whoami") return { body: { user_id: BOT } };
    if (path === "v3/joined_rooms") return { body: { joined_rooms: [...this.rooms.keys()] } };
    if (resource !== "rooms") return { body: {} };
    if (verb === "send") return this.#once(path, () => this.say(room, third, as, body));
    if (verb === "redact") return this.#once(path, () => this.room(room).redacts(as, { event_id: third }));
    if (method !== "GET") return { body: {} };
    if (this.strangers.has(as)) return { status: 403, body: { errcode: "M_FORBIDDEN" } };
    return verb === "event" ? this.#event(room, third) : this.#page(room, url.searchParams);
  }

  /** The same transaction id again gets the same answer. */
  async #once(path: string, make: () => FakeEvent): Promise<Answer> {
    const known = this.#answered.get(path);
    if (known !== undefined) return known;
    const event = make();
    const answer = { body: { event_id: event.event_id } };
    this.#answered.set(path, answer);
    await this.pushes?.take({ events: [event] });
    await this.afterSend();
    return answer;
  }

  #next(): ReturnType<NextEvent> {
    this.#events += 1;
    return { event_id: `$${this.#events}`, origin_server_ts: Date.UTC(2025, 0, 1) + this.#events * 1000 };
  }

  #event(room: string, eventId: string): Answer {
    const event = this.#current(room).find(({ event_id }) => event_id === eventId);
    return event === undefined ? { status: 404, body: { errcode: "M_NOT_FOUND" } } : { body: event };
  }

  #page(room: string, params: URLSearchParams): Answer {
    const from = Number(params.get("from") ?? "0");
    const events = this.#current(room);
    const next = from + Number(params.get("limit"));
    const more = next < events.length ? { end: String(next) } : {};
    return { body: { start: String(from), chunk: events.slice(from, next), ...more } };
  }

  #current(room: string): FakeEvent[] {
    return this.rooms.get(room)?.current() ?? [];
  }
}
