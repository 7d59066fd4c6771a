import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Problem } from "@signalbox/protocol/errors";
import { type CryptoKey, exportJWK, generateKeyPair, SignJWT, UnsecuredJWT } from "jose";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createTokens, type Tokens } from "./tokens.ts";

const SECRET = "a secret of thirty-two bytes or so";
const tokens = createTokens({ jwtSecret: SECRET });

/** A token with these claims on top of a good one's; undefined takes a claim away. */
function signed(claims: Record<string, unknown>, { secret = SECRET, alg = "HS256" } = {}): Promise<string> {
  const all = { sub: "ada", iat: 1_700_000_000, exp: 4_000_000_000, ...claims };
  return new SignJWT(all).setProtectedHeader({ alg }).sign(Buffer.from(secret));
}

/** "accepted", or the code that a token is refused with. */
const outcome = (token: string, by: Tokens = tokens): Promise<string> =>
  by.verify(token).then(
    () => "accepted",
    (problem: Problem) => problem.code,
  );

describe("verify", () => {
  it("gives the claims of a token that holds", async () => {
    expect(await tokens.verify(await signed({ name: "Ada", roles: ["reader", "service"] }))).toEqual({
      userId: "ada",
      name: "Ada",
      service: true,
      issuedAt: new Date(1_700_000_000_000),
      expiresAt: new Date(4_000_000_000_000),
    });
  });

  it("accepts what sign made", async () => {
    const claims = await tokens.verify(await tokens.sign("ada", { name: "Ada", service: true, ttl: 60 }));
    expect(claims).toMatchObject({ userId: "ada", name: "Ada", service: true });
    expect(claims.expiresAt.getTime() - claims.issuedAt.getTime()).toBe(60_000);
  });

  it("takes preferred_username for a name, and passes over names that cannot be kept", async () => {
    const nameIn = async (claims: Record<string, unknown>) => (await tokens.verify(await signed(claims))).name;
    expect(await nameIn({ preferred_username: "ada" })).toBe("ada");
    expect(await nameIn({ name: " ", preferred_username: "ada" })).toBe("ada");
    expect(await nameIn({ name: "a".repeat(201) })).toBeNull();
    expect(await nameIn({ name: "a\0" })).toBeNull();
    expect(await nameIn({ name: { first: "Ada" } })).toBeNull();
  });

  it("takes the epoch where a token does not say when it was issued, and a real moment for any number", async () => {
    const issuedIn = async (iat: unknown) => (await tokens.verify(await signed({ iat }))).issuedAt.getTime();
    expect(await issuedIn(undefined)).toBe(0);
    expect(await issuedIn(-5)).toBe(0);
    expect(await issuedIn(1e300)).toBe(8.64e15);
  });

  it("does not take a role for the list of roles", async () => {
    expect((await tokens.verify(await signed({ roles: "service" }))).service).toBe(false);
  });

  it.each([
    ["has expired", { exp: 1_700_000_001 }],
    ["never expires", { exp: undefined }],
    ["holds only from later on", { nbf: 4_000_000_000 }],
    ["names nobody", { sub: undefined }],
    ["names no user id", { sub: "a b" }],
    ["names a number", { sub: 5 }],
  ])("refuses a token that %s", async (_, claims) => {
    expect(await outcome(await signed(claims))).toBe("unauthenticated");
  });

  it("refuses other secrets, other algorithms, none at all, and what is no token", async () => {
    expect(await outcome(await signed({}, { secret: `${SECRET}!` }))).toBe("unauthenticated");
    expect(await outcome(await signed({}, { secret: SECRET.repeat(2), alg: "HS512" }))).toBe("unauthenticated");
    expect(await outcome(new UnsecuredJWT({ sub: "ada", exp: 4_000_000_000 }).encode())).toBe("unauthenticated");
    for (const token of ["", "a.b.c", "é", "a".repeat(16_385)]) expect(await outcome(token)).toBe("unauthenticated");
  });

  it("says nothing of what a refused token holds", async () => {
    const token = await signed({ sub: "the secret sub", aud: "the secret aud" });
    const detail = await tokens.verify(token).catch((error: Error) => error.message);
    expect(detail).not.toContain("secret");
  });

  it("checks issuer and audience when they are configured", async () => {
    const strict = createTokens({ jwtSecret: SECRET, jwtIssuer: "id", jwtAudience: "chat" });
    expect(await outcome(await signed({ iss: "id" }), strict)).toBe("unauthenticated");
    expect(await outcome(await signed({ iss: "other", aud: "chat" }), strict)).toBe("unauthenticated");
    expect(await strict.verify(await signed({ iss: "id", aud: ["mail", "chat"] }))).toMatchObject({ userId: "ada" });
    expect(await strict.verify(await strict.sign("ada", { ttl: 60 }))).toMatchObject({ userId: "ada" });
  });
});

describe("with a key set", () => {
  const algorithms = ["RS256", "ES256", "EdDSA"];
  const keys = new Map<string, CryptoKey>();
  const jwks: unknown[] = [];
  const server = createServer((_, response) => response.end(JSON.stringify({ keys: jwks })));
  let url: string;

  beforeAll(async () => {
    for (const alg of algorithms) {
      const { privateKey, publicKey } = await generateKeyPair(alg);
      keys.set(alg, privateKey);
      jwks.push({ ...(await exportJWK(publicKey)), alg, kid: alg });
    }
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/keys`;
  });
  afterAll(() => new Promise((resolve) => server.close(resolve)));

  const signedBy = (alg: string, kid = alg) =>
    new SignJWT({ sub: "ada", exp: 4_000_000_000 }).setProtectedHeader({ alg, kid }).sign(keys.get(alg)!);

  it.each(algorithms)("accepts %s", async (alg) => {
    expect(await createTokens({ jwksUrl: url }).verify(await signedBy(alg))).toMatchObject({ userId: "ada" });
  });

  it("refuses keys that the set does not hold, and secrets", async () => {
    const bySet = createTokens({ jwksUrl: url });
    expect(await outcome(await signedBy("RS256", "another"), bySet)).toBe("unauthenticated");
    expect(await outcome(await signed({}), bySet)).toBe("unauthenticated");
    await expect(bySet.sign("ada", { ttl: 60 })).rejects.toThrow("without JWT_SECRET");
  });

  it("takes either where both are configured", async () => {
    const both = createTokens({ jwtSecret: SECRET, jwksUrl: url });
    expect(await both.verify(await signedBy("ES256"))).toMatchObject({ userId: "ada" });
    expect(await both.verify(await signed({}))).toMatchObject({ userId: "ada" });
  });

  it("is unavailable, not unauthenticated, while the set cannot be fetched", async () => {
    const away = createTokens({ jwksUrl: "http://127.0.0.1:1/keys" });
    expect(await outcome(await signedBy("RS256"), away)).toBe("unavailable");
  });
});
