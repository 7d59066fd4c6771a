import { PROBLEMS } from "@signalbox/protocol/errors";
import { type ErrorCode, SignalboxError } from "./errors.ts";
import type { Tokens } from "./ports.ts";

/** A request that has no answer after this long has none. */
const TIMEOUT_MS = 30_000;

/** Requests and their answers. Everything rejects with a `SignalboxError`, `network` when nothing of use was answered. */
export interface Rest {
  /** Asks the API in the user's name, with another token once when one is refused. Resolves with the answer's JSON. */
  ask<T>(method: string, path: string, body?: unknown): Promise<T>;
  /** Posts credentials to `url` and resolves with the token that it answers with. */
  signIn(url: string, credentials: unknown): Promise<string>;
}

export interface RestDeps {
  /** What paths are put behind. */
  readonly url: string;
  readonly fetch: typeof fetch;
  readonly tokens: Pick<Tokens, "get" | "refused">;
}

export function createRest({ url, fetch, tokens }: RestDeps): Rest {
  async function exchange(method: string, to: string, body: unknown, headers: Record<string, string>) {
    const request =
      body === undefined
        ? { method, headers }
        : { method, headers: { ...headers, "Content-Type": "application/json" }, body: JSON.stringify(body) };
    let response: Response;
    let text: string;
    try {
      response = await fetch(to, { ...request, signal: AbortSignal.timeout(TIMEOUT_MS) });
      text = await response.text();
    } catch {
      throw new SignalboxError("network", "the request got no answer");
    }
    const answer = parsed(text);
    if (!response.ok) throw problem(response.status, answer);
    if (answer === undefined)
      throw new SignalboxError("network", "the answer is not JSON", { status: response.status });
    return answer;
  }

  return {
    async ask<T>(method: string, path: string, body?: unknown) {
      for (let again = true; ; again = false) {
        const token = await tokens.get().catch(named);
        try {
          return (await exchange(method, url + path, body, { Authorization: `Bearer ${token}` })) as T;
        } catch (error) {
          if ((error as SignalboxError).status !== 401) throw error;
          tokens.refused(token);
          if (!again) throw error;
        }
      }
    },

    async signIn(to, credentials) {
      const answer = (await exchange("POST", to, credentials, {})) as { token?: unknown } | null;
      if (typeof answer?.token !== "string") throw new SignalboxError("network", "the answer has no token");
      return answer.token;
    },
  };
}

/** Whatever a function of `setAuth` rejects with is told as what it means. */
function named(error: unknown): never {
  throw error instanceof SignalboxError ? error : new SignalboxError("network", "no token could be fetched");
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** What an answer that is no success says; one that is not Signalbox's, of a proxy or a sign-in, is told by its status. */
function problem(status: number, answer: unknown): SignalboxError {
  const { code, detail, errors, retryAfterMs } = (answer ?? {}) as Partial<SignalboxError & { detail: string }>;
  const codes = Object.keys(PROBLEMS) as (keyof typeof PROBLEMS)[];
  const kind: ErrorCode =
    codes.find((name) => name === code) ?? codes.find((name) => PROBLEMS[name].status === status) ?? "network";
  return new SignalboxError(kind, detail ?? `the answer was ${status}`, { status, errors, retryAfterMs });
}
