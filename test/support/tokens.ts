/** Tokens with any claims: valid ones, and every kind that is refused. */
import { SignJWT, UnsecuredJWT } from "jose";

/** The secret of the servers under test. */
export const SECRET = "a secret of the contract suite, longer than thirty-two bytes and long enough for HS512, too";

const key = (secret: string): Uint8Array => new TextEncoder().encode(secret);
export const inSeconds = (seconds: number): number => Math.floor(Date.now() / 1000) + seconds;

/** Signs these claims. `exp` is in an hour unless given, and left out when it is `undefined`. */
export function sign(
  claims: { readonly [name: string]: unknown },
  { secret = SECRET, alg = "HS256" } = {},
): Promise<string> {
  return new SignJWT({ iat: inSeconds(0), exp: inSeconds(3600), ...claims })
    .setProtectedHeader({ alg })
    .sign(key(secret));
}

/** A token with another user's signature. */
async function forged(userId: string): Promise<string> {
  const [header, , signature] = (await sign({ sub: "another-user" })).split(".");
  const claims = Buffer.from(JSON.stringify({ sub: userId, iat: inSeconds(0), exp: inSeconds(3600) })).toString(
    "base64url",
  );
  return `${header}.${claims}.${signature}`;
}

/** Tokens that are always refused, by what is wrong with them. */
export const BAD_TOKENS: Readonly<Record<string, (userId: string) => string | Promise<string>>> = {
  "is no token at all": () => "nonsense",
  "has three parts of nothing": () => "a.b.c",
  "was signed for another user": forged,
  "has expired": (sub) => sign({ sub, iat: inSeconds(-7200), exp: inSeconds(-1) }),
  "never expires": (sub) => sign({ sub, exp: undefined }),
  "is not signed (none)": (sub) => new UnsecuredJWT({ sub, exp: inSeconds(3600) }).encode(),
  "was signed with a foreign secret": (sub) =>
    sign({ sub }, { secret: "the secret of another installation, just as long" }),
  "was signed by an algorithm outside the list": (sub) => sign({ sub }, { alg: "HS512" }),
  "has no sub": () => sign({}),
  "has an empty sub": () => sign({ sub: "" }),
  "has a sub with a blank": () => sign({ sub: "no user" }),
  "has a sub with a slash": () => sign({ sub: "a/b" }),
  "has a sub of 129 characters": () => sign({ sub: "u".repeat(129) }),
};
