/** Origins of pages: which may use this node, and the headers that let a browser show them its answers. */
import { Problem } from "@signalbox/protocol/errors";
import type { Log } from "../log.ts";

/** The origin of the page that asks, and the host that it asked, as the headers have them. */
export interface Asking {
  readonly origin: string | undefined;
  readonly host: string | undefined;
}

/** The methods and request headers that a surface takes, as a preflight is answered with them. */
export interface CorsSurface {
  readonly methods: string;
  readonly headers: string;
}

export interface Origins {
  /** False without `ALLOWED_ORIGINS`: then no answer depends on the page that asks. */
  readonly listed: boolean;
  /** True for an origin that `ALLOWED_ORIGINS` names. */
  lists(origin: string): boolean;
  /**
   * The reason why pages of this origin may not use this node; undefined for those of `ALLOWED_ORIGINS`, for those of the host
   * that was asked, and for clients that name no origin, which are no browsers.
   */
  refusalOf(asking: Asking): Problem | undefined;
  /** Makes a refusal for this reason. The first one of each origin is logged. */
  refuse(asking: Asking, reason: string): Problem;
  /** Headers that let a page of `origin` read the answer; `preflight`: to a question about this surface. */
  headersFor(origin: string | undefined, preflight?: CorsSurface): Record<string, string>;
}

/** The port that an origin leaves out and a `Host` header may name. */
const DEFAULT_PORT: Readonly<Record<string, string>> = { "http:": ":80", "https:": ":443" };
/** Origins of which a refusal is logged at most, and the longest part of one that is printed. */
const LOGGED = 100;
const PRINTED = 200;

/** A preflight is remembered for so long, in seconds. */
const MAX_AGE = "600";

/** True for a page of the host that was asked. */
export function isOwnOrigin({ origin = "", host = "" }: Asking): boolean {
  if (!URL.canParse(origin)) return false;
  const { protocol, host: own } = new URL(origin);
  const asked = host.toLowerCase();
  return protocol in DEFAULT_PORT && (asked === own || asked === own + DEFAULT_PORT[protocol]);
}

/** True for a browser's question about the request that it means to send. */
export const isPreflight = (method: string | undefined, requestedMethod: string | undefined): boolean =>
  method === "OPTIONS" && requestedMethod !== undefined;

/**
 * Judges origins by `allowed`, in lower case (`ALLOWED_ORIGINS`). No cookie plays a part, so no credentials are allowed: a page
 * that a browser keeps from reading answers has no token to send either.
 */
export function createOrigins(allowed: readonly string[], log: Pick<Log, "warn">): Origins {
  const listed = new Set(allowed);
  const logged = new Set<string>();
  const lists = (origin: string): boolean => listed.has(origin.toLowerCase());

  function refuse({ origin = "", host = "" }: Asking, reason: string): Problem {
    const page = origin.slice(0, PRINTED);
    if (logged.size < LOGGED && !logged.has(page)) {
      logged.add(page);
      log.warn({ origin: page, host: host.slice(0, PRINTED) }, reason);
    }
    return new Problem("forbidden", reason);
  }

  return {
    listed: listed.size > 0,
    lists,
    refuse,
    refusalOf(asking) {
      const { origin, host = "" } = asking;
      if (origin === undefined || lists(origin) || isOwnOrigin(asking)) return undefined;
      const [page, asked] = [origin, host].map((text) => JSON.stringify(text.slice(0, PRINTED)));
      return refuse(
        asking,
        `pages of ${page} may not use this node: ALLOWED_ORIGINS does not name this origin, and the host asked was ${asked}`,
      );
    },
    headersFor(origin, preflight) {
      if (origin === undefined || !lists(origin)) return { Vary: "Origin" };
      return {
        Vary: "Origin",
        "Access-Control-Allow-Origin": origin,
        "Access-Control-Expose-Headers": "Retry-After",
        ...(preflight === undefined
          ? {}
          : {
              "Access-Control-Allow-Methods": preflight.methods,
              "Access-Control-Allow-Headers": preflight.headers,
              "Access-Control-Max-Age": MAX_AGE,
            }),
      };
    },
  };
}
