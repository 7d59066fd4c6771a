/** Tokens, where they come from and how long they hold. What a JWT says is read, not verified: that is the server's part. */
import type { Auth } from "./api.ts";
import { SignalboxError } from "./errors.ts";
import type { Tokens } from "./ports.ts";

/** A fresh token is fetched at this part of the last one's life, or so long before its end, whichever is later. */
const PART = 0.8;
const BEFORE_END_MS = 60_000;
const SOONEST_MS = 1000;
/** How long a function may take: one that hangs would keep everything from going on. */
const PATIENCE_MS = 30_000;
/** The longest that a timer can be set to. */
const LATEST_MS = 2 ** 31 - 1;

/** A token that was fetched. Times in milliseconds since the epoch, by this device's clock. */
interface Held {
  readonly token: string;
  readonly refreshAt: number;
  readonly endsAt: number;
}

export function createTokens(): Tokens {
  let auth: Auth | undefined;
  let held: Held | undefined;
  let refused: string | undefined;
  let fetching: Promise<Held> | undefined;

  async function fetched(ask: () => Promise<string>): Promise<string> {
    fetching ??= hold(ask);
    const mine = fetching;
    try {
      const fresh = await mine;
      if (auth === ask) held = fresh;
      return fresh.token;
    } catch (error) {
      // The last one may hold for a while yet: in a quarter of that it is tried again, by all who ask together.
      const left = held === undefined ? 0 : held.endsAt - Date.now();
      if (auth !== ask || held === undefined || left <= 0) throw error;
      held = { ...held, refreshAt: Date.now() + Math.max(left / 4, SOONEST_MS) };
      return held.token;
    } finally {
      if (fetching === mine) fetching = undefined;
    }
  }

  async function get(): Promise<string> {
    const source = auth;
    if (source === undefined) throw new SignalboxError("no_token", "there is no token: call setAuth or signIn");
    if (typeof source === "string") {
      if (source === refused) throw new SignalboxError("unauthenticated", "the token was refused");
      return source;
    }
    if (held !== undefined && held.refreshAt > Date.now()) return held.token;
    try {
      const token = await fetched(source);
      if (source === auth) return token;
    } catch (error) {
      if (source === auth) throw error;
    }
    // Another one was set meanwhile.
    return get();
  }

  return {
    set(next) {
      auth = next;
      held = refused = fetching = undefined;
    },
    get,
    refused(token) {
      refused = token;
      if (held?.token === token) held = undefined;
    },
    refreshIn(token) {
      if (typeof auth !== "function") return undefined;
      // There is a newer one already, or the function has been changed.
      if (held?.token !== token) return SOONEST_MS;
      if (held.refreshAt === Number.POSITIVE_INFINITY) return undefined;
      return Math.min(Math.max(held.refreshAt - Date.now(), SOONEST_MS), LATEST_MS);
    },
  };
}

async function hold(ask: () => Promise<unknown>): Promise<Held> {
  const token = await inTime(ask());
  if (typeof token !== "string" || token === "")
    throw new SignalboxError("no_token", "the function of setAuth gave no token");
  const { exp, iat } = claimsOf(token);
  const now = Date.now();
  const issuedAt = typeof iat === "number" ? iat * 1000 : now;
  const life = typeof exp === "number" ? exp * 1000 - issuedAt : 0;
  // One that says nothing of use about its end is replaced when the server refuses it.
  if (life <= 0) return { token, refreshAt: Number.POSITIVE_INFINITY, endsAt: Number.POSITIVE_INFINITY };
  // A token that comes from the future, or that had ended when it came, says that this device's clock is wrong: fetching again and
  // again would not help, so its life is counted from now.
  const from = issuedAt <= now && now < issuedAt + life ? issuedAt : now;
  return { token, refreshAt: from + Math.max(life * PART, life - BEFORE_END_MS), endsAt: from + life };
}

async function inTime<T>(answer: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new SignalboxError("network", "the function of setAuth took too long")),
      PATIENCE_MS,
    );
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** What a JWT claims; nothing when it is none. */
function claimsOf(token: string): { readonly exp?: unknown; readonly iat?: unknown } {
  try {
    const payload = token.split(".")[1]?.replaceAll("-", "+").replaceAll("_", "/") ?? "";
    return (JSON.parse(atob(payload)) as object | null) ?? {};
  } catch {
    return {};
  }
}
