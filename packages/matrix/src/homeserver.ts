import { type Meter, NO_METER } from "@signalbox/core/ports/meter";
import { Problem, type ProblemCode } from "@signalbox/protocol/errors";
import { isObject } from "@signalbox/protocol/text";
import type { Json } from "./events.ts";

/** The limit for an answer. */
const TIMEOUT_MS = 10_000;
/** The delay after a rate limit without one. */
const RETRY_MS = 1000;

/**
 * The homeserver's client-server API for an application service, with a token that may act as any user of its
 * namespace. `as` is the Matrix user to act as, null the bridge's own. Every call rejects with `forbidden`,
 * `not_found`, `too_large` or `rate_limited` (with `retryAfterMs`) when the homeserver refuses it so. For any other or
 * invalid answer, and for none within 10 seconds, it rejects with `unavailable`: the call may have taken effect then.
 */
export interface Homeserver {
  /** Sends an event, once per transaction id. Resolves to its event id. */
  send(as: string | null, roomId: string, type: string, transactionId: string, content: Json): Promise<string>;
  /** Redacts an event, once per transaction id. Resolves to the event id of the redaction. */
  redact(as: string | null, roomId: string, eventId: string, transactionId: string): Promise<string>;
  /** Starts the user's typing for `forMs` milliseconds; 0 ends it. */
  typing(as: string, roomId: string, forMs: number): Promise<void>;
  /** Sends the user's receipt for an event; no other user sees a private one. */
  receipt(as: string | null, roomId: string, eventId: string, inPrivate: boolean): Promise<void>;
  /** One event in its present form. */
  event(as: string | null, roomId: string, eventId: string): Promise<unknown>;
  /** A page of a room's history, oldest first. `end` is the token of the next page, null after the last. */
  messages(
    as: string | null,
    roomId: string,
    from: string | null,
    limit: number,
  ): Promise<{ readonly events: readonly unknown[]; readonly end: string | null }>;
  /** The rooms that the user is in. */
  joinedRooms(as: string | null): Promise<readonly string[]>;
  /** Registers the user `@localpart:server`, unless they exist. */
  register(localpart: string): Promise<void>;
  /**
   * Asks the homeserver to call the application service of that id. Once it has an answer, it retries failed
   * transactions at once.
   */
  ping(serviceId: string): Promise<void>;
  /** The Matrix user of the bridge. */
  whoami(): Promise<string>;
}

export interface HomeserverDeps {
  /** `MATRIX_HS_URL`. */
  readonly url: string;
  /** `MATRIX_AS_TOKEN`. */
  readonly asToken: string;
  readonly meter?: Meter;
  readonly fetch?: typeof fetch;
}

interface Call {
  readonly method: "GET" | "PUT" | "POST";
  /** Below `/_matrix/client/`; ids in it are encoded already. */
  readonly path: string;
  readonly as: string | null;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: Json;
}

export function createHomeserver({
  url,
  asToken,
  meter = NO_METER,
  fetch: fetchFrom = fetch,
}: HomeserverDeps): Homeserver {
  const root = url.replace(/\/+$/, "");

  const requests = meter.counter("homeserver_requests_total", "Requests to the homeserver by outcome", ["outcome"]);

  async function call(request: Call): Promise<Json> {
    try {
      const answer = await send(request);
      requests({ outcome: "ok" });
      return answer;
    } catch (error) {
      requests({ outcome: error instanceof Problem ? error.code : "internal" });
      throw error;
    }
  }

  async function send({ method, path, as, query = {}, body }: Call): Promise<Json> {
    const params = new URLSearchParams(as === null ? query : { ...query, user_id: as });
    const address = `${root}/_matrix/client/${path}${params.size === 0 ? "" : `?${params}`}`;
    const headers = { authorization: `Bearer ${asToken}`, "content-type": "application/json" };
    const request = { method, headers, signal: AbortSignal.timeout(TIMEOUT_MS), redirect: "error" as const };
    let response: Response;
    let answer: unknown;
    try {
      response = await fetchFrom(address, body === undefined ? request : { ...request, body: JSON.stringify(body) });
      answer = await response.json().catch(() => undefined);
    } catch {
      throw away();
    }
    if (!response.ok) throw refusal(response, isObject(answer) ? answer : {});
    if (!isObject(answer)) throw away();
    return answer;
  }

  return {
    async send(as, roomId, type, transactionId, content) {
      const path = at`v3/rooms/${roomId}/send/${type}/${transactionId}`;
      return textOf(await call({ method: "PUT", path, as, body: content }), "event_id");
    },
    async redact(as, roomId, eventId, transactionId) {
      const path = at`v3/rooms/${roomId}/redact/${eventId}/${transactionId}`;
      return textOf(await call({ method: "PUT", path, as, body: {} }), "event_id");
    },
    async typing(as, roomId, forMs) {
      const body = forMs > 0 ? { typing: true, timeout: forMs } : { typing: false };
      await call({ method: "PUT", path: at`v3/rooms/${roomId}/typing/${as}`, as, body });
    },
    async receipt(as, roomId, eventId, inPrivate) {
      const kind = inPrivate ? "m.read.private" : "m.read";
      await call({ method: "POST", path: at`v3/rooms/${roomId}/receipt/${kind}/${eventId}`, as, body: {} });
    },
    event: (as, roomId, eventId) => call({ method: "GET", path: at`v3/rooms/${roomId}/event/${eventId}`, as }),
    async messages(as, roomId, from, limit) {
      const query = { dir: "f", limit: String(limit), ...(from === null ? {} : { from }) };
      const page = await call({ method: "GET", path: at`v3/rooms/${roomId}/messages`, as, query });
      if (!Array.isArray(page.chunk)) throw away();
      return { events: page.chunk, end: typeof page.end === "string" ? page.end : null };
    },
    async joinedRooms(as) {
      const { joined_rooms: rooms } = await call({ method: "GET", path: "v3/joined_rooms", as });
      if (!Array.isArray(rooms)) throw away();
      return rooms.filter((room) => typeof room === "string");
    },
    async register(localpart) {
      const body = { type: "m.login.application_service", username: localpart, inhibit_login: true };
      await call({ method: "POST", path: "v3/register", as: null, body }).catch((problem: unknown) => {
        if (!(problem instanceof Taken)) throw problem;
      });
    },
    async ping(serviceId) {
      await call({ method: "POST", path: at`v1/appservice/${serviceId}/ping`, as: null, body: {} });
    },
    whoami: async () => textOf(await call({ method: "GET", path: "v3/account/whoami", as: null }), "user_id"),
  };
}

/** A path with its ids encoded: they hold "!", "/" and other signs. */
const at = (texts: TemplateStringsArray, ...ids: string[]): string =>
  String.raw({ raw: texts }, ...ids.map(encodeURIComponent));

function textOf(answer: Json, key: string): string {
  const text = answer[key];
  if (typeof text !== "string") throw away();
  return text;
}

const away = () => new Problem("unavailable", "the homeserver gave no valid answer");

/** The name belongs to a user already. */
class Taken extends Problem {}

const REFUSALS: Readonly<Record<number, readonly [ProblemCode, string]>> = {
  403: ["forbidden", "the homeserver does not allow this"],
  404: ["not_found", "the homeserver found nothing"],
  413: ["too_large", "the homeserver found this too large"],
};

/** The problem for a refusal, without the homeserver's text, which may repeat what was sent. */
function refusal(response: Response, answer: Json): Problem {
  const { status, headers } = response;
  if (status === 429) {
    const retryAfterMs = delayOf(answer.retry_after_ms, headers.get("retry-after"));
    return new Problem("rate_limited", "the homeserver limits the rate at the moment", { retryAfterMs });
  }
  if (answer.errcode === "M_USER_IN_USE") return new Taken("conflict", "this user exists already");
  const known = REFUSALS[status];
  return known === undefined ? away() : new Problem(...known);
}

/** The delay of a rate limit, in milliseconds. `header` is in seconds, or a date. */
function delayOf(inBody: unknown, header: string | null): number {
  if (typeof inBody === "number" && inBody >= 0) return Math.ceil(inBody);
  if (header === null) return RETRY_MS;
  const ms = /^\d+$/.test(header) ? Number(header) * 1000 : Date.parse(header) - Date.now();
  return Number.isFinite(ms) && ms > 0 ? ms : RETRY_MS;
}
