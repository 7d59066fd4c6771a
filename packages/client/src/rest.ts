import { PROBLEMS } from "@signalbox/protocol/errors";
import { type ErrorCode, SignalboxError } from "./errors.ts";
import type { Tokens } from "./ports.ts";

/** A request without an answer after this long has failed. */
const TIMEOUT_MS = 30_000;

/** HTTP requests. Everything rejects with a `SignalboxError` that names method and path; its code is `network` without a usable answer. */
export interface Rest {
  /** Sends a request to the API with the user's token, and once more with another token if that one is refused. Resolves with the JSON. */
  request<T>(method: string, path: string, body?: unknown): Promise<T>;
  /** Posts credentials to an absolute URL, or to a path at the API. Resolves with the token of the answer. */
  signIn(authUrl: string, credentials: unknown): Promise<string>;
}

export interface RestDeps {
  /** The API's address; paths are appended. */
  readonly url: string;
  readonly fetch: typeof fetch;
  readonly tokens: Pick<Tokens, "get" | "refused">;
}

interface Exchange {
  readonly method: string;
  readonly url: string;
  readonly body: unknown;
  readonly headers: Readonly<Record<string, string>>;
  readonly operation: string;
}

export function createRest({ url: apiUrl, fetch, tokens }: RestDeps): Rest {
  async function exchange({ method, url, body, headers, operation }: Exchange): Promise<unknown> {
    const request =
      body === undefined
        ? { method, headers }
        : { method, headers: { ...headers, "Content-Type": "application/json" }, body: JSON.stringify(body) };
    let response: Response;
    let text: string;
    try {
      response = await fetch(url, { ...request, signal: AbortSignal.timeout(TIMEOUT_MS) });
      text = await response.text();
    } catch (error) {
      throw new SignalboxError("network", `no answer from ${printable(url)}${reasonOf(error)}`, { operation });
    }
    const { status } = response;
    const answer = parse(text);
    if (!response.ok) throw problem(status, answer, operation);
    if (answer === undefined) throw new SignalboxError("network", "the answer is not JSON", { operation, status });
    return answer;
  }

  return {
    async request<T>(method: string, path: string, body?: unknown) {
      const operation = `${method} ${printable(path)}`;
      for (let isFirst = true; ; isFirst = false) {
        const token = await tokens.get().catch((error: unknown) => {
          if (error instanceof SignalboxError) throw error;
          throw new SignalboxError("network", "the function of setAuth failed", { operation });
        });
        const headers = { Authorization: `Bearer ${token}` };
        try {
          return (await exchange({ method, url: apiUrl + path, body, headers, operation })) as T;
        } catch (error) {
          if ((error as SignalboxError).status !== 401) throw error;
          tokens.refused(token);
          if (!isFirst) throw error;
        }
      }
    },

    async signIn(authUrl, credentials) {
      const method = "POST";
      const operation = `${method} ${printable(authUrl)}`;
      const url = /^https?:/i.test(authUrl) ? authUrl : apiUrl + authUrl;
      const answer = await exchange({ method, url, body: credentials, headers: {}, operation });
      const { token } = (answer ?? {}) as { token?: unknown };
      if (typeof token !== "string") throw new SignalboxError("network", "the answer has no token", { operation });
      return token;
    },
  };
}

/** A URL or a path without the parts that may hold secrets: user and password, query, fragment. */
const printable = (url: string): string => url.replace(/\/\/[^/?#]*@/, "//").replace(/[?#].*$/s, "");

/** The code of a failed `fetch`, as `(ECONNREFUSED)`. The rest of such an error may hold the token. */
function reasonOf(error: unknown): string {
  const { name, cause } = error as { name?: unknown; cause?: { code?: unknown } };
  if (name === "TimeoutError") return ` within ${TIMEOUT_MS / 1000} s`;
  return typeof cause?.code === "string" ? ` (${cause.code})` : "";
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The error of an answer without success. An answer that is not Signalbox's (of a proxy, or a sign-in) is known by its status alone. */
function problem(status: number, answer: unknown, operation: string): SignalboxError {
  const { code, detail, errors, retryAfterMs } = (answer ?? {}) as Partial<SignalboxError>;
  const codes = Object.keys(PROBLEMS) as (keyof typeof PROBLEMS)[];
  const known = codes.find((name) => name === code);
  const kind: ErrorCode = known ?? codes.find((name) => PROBLEMS[name].status === status) ?? "network";
  const reason = typeof detail === "string" ? detail : "the server gave no reason";
  return new SignalboxError(kind, reason, { operation, status, errors, retryAfterMs });
}
