/** Tokens and their lifetimes. The claims of a JWT are read, not verified: that is the server's part. */
import type { Auth } from "./api.ts";
import { SignalboxError } from "./errors.ts";
import type { Tokens } from "./ports.ts";

/** A token is replaced at this part of its life, or this long before its end: at the later of the two. */
const REFRESH_PART = 0.8;
const BEFORE_END_MS = 60_000;
const SOONEST_MS = 1000;
/** The limit for the function of `setAuth`: one that hangs would stop everything. */
const FETCH_TIMEOUT_MS = 30_000;
/** The longest time that a timer can be set to. */
const LATEST_MS = 2 ** 31 - 1;

/** A token that was fetched. Times in milliseconds since the epoch, by this device's clock. */
interface CachedToken {
  readonly token: string;
  readonly refreshAt: number;
  readonly endsAt: number;
}

export function createTokens(): Tokens {
  let auth: Auth | undefined;
  let cached: CachedToken | undefined;
  let refused: string | undefined;
  let fetching: Promise<CachedToken> | undefined;

  async function fetchOnce(source: () => Promise<string>): Promise<string> {
    fetching ??= fetchToken(source);
    const mine = fetching;
    try {
      const fresh = await mine;
      if (auth === source) cached = fresh;
      return fresh.token;
    } catch (error) {
      // The last token may be valid for a while: the next fetch is after a quarter of that time.
      const left = cached === undefined ? 0 : cached.endsAt - Date.now();
      if (auth !== source || cached === undefined || left <= 0) throw error;
      cached = { ...cached, refreshAt: Date.now() + Math.max(left / 4, SOONEST_MS) };
      return cached.token;
    } finally {
      if (fetching === mine) fetching = undefined;
    }
  }

  async function get(): Promise<string> {
    const source = auth;
    if (source === undefined) throw new SignalboxError("no_token", "call setAuth or signIn first");
    if (typeof source === "string") {
      if (source === refused) throw new SignalboxError("unauthenticated", "the server refused the token of setAuth");
      return source;
    }
    if (cached !== undefined && cached.refreshAt > Date.now()) return cached.token;
    try {
      const token = await fetchOnce(source);
      if (source === auth) return token;
    } catch (error) {
      if (source === auth) throw error;
    }
    // Another source was set meanwhile.
    return get();
  }

  return {
    set(next) {
      auth = next;
      cached = refused = fetching = undefined;
    },
    get,
    refused(token) {
      refused = token;
      if (cached?.token === token) cached = undefined;
    },
    refreshIn(token) {
      if (typeof auth !== "function") return undefined;
      // There is a newer one already, or another function was set.
      if (cached?.token !== token) return SOONEST_MS;
      if (cached.refreshAt === Number.POSITIVE_INFINITY) return undefined;
      return Math.min(Math.max(cached.refreshAt - Date.now(), SOONEST_MS), LATEST_MS);
    },
  };
}

async function fetchToken(source: () => Promise<unknown>): Promise<CachedToken> {
  const token = await withTimeout(source());
  if (typeof token !== "string" || token === "")
    throw new SignalboxError("no_token", "the function of setAuth gave no token");
  const { exp, iat } = claimsOf(token);
  const now = Date.now();
  const issuedAt = typeof iat === "number" ? iat * 1000 : now;
  const life = typeof exp === "number" ? exp * 1000 - issuedAt : 0;
  // A token without a usable expiry is replaced when the server refuses it.
  if (life <= 0) return { token, refreshAt: Number.POSITIVE_INFINITY, endsAt: Number.POSITIVE_INFINITY };
  // A token from the future, or one that had expired when it came, shows that this device's clock is wrong: fetching again and
  // again would not help, so its life is counted from now.
  const from = issuedAt <= now && now < issuedAt + life ? issuedAt : now;
  return { token, refreshAt: from + Math.max(life * REFRESH_PART, life - BEFORE_END_MS), endsAt: from + life };
}

async function withTimeout<T>(answer: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new SignalboxError("network", "the function of setAuth took over 30 s")),
      FETCH_TIMEOUT_MS,
    );
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** The claims of a JWT; none when the token is not a JWT. */
function claimsOf(token: string): { readonly exp?: unknown; readonly iat?: unknown } {
  try {
    const payload = token.split(".")[1]?.replaceAll("-", "+").replaceAll("_", "/") ?? "";
    return (JSON.parse(atob(payload)) as object | null) ?? {};
  } catch {
    return {};
  }
}
