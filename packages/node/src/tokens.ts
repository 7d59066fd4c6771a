import { createSecretKey, type KeyObject } from "node:crypto";
import { Problem } from "@signalbox/protocol/errors";
import { isUserId } from "@signalbox/protocol/ids";
import { label } from "@signalbox/protocol/text";
import {
  type CompactJWSHeaderParameters,
  type CryptoKey,
  createRemoteJWKSet,
  errors,
  type FlattenedJWSInput,
  type JWTPayload,
  jwtVerify,
  SignJWT,
} from "jose";
import * as v from "valibot";
import type { Config } from "./config.ts";

/** The claims of a valid token. */
export interface Claims {
  readonly userId: string;
  readonly name: string | null;
  /** A trusted back end: see CONTRACT section 1, "Auth". */
  readonly service: boolean;
  /** The epoch when the token has no `iat`. */
  readonly issuedAt: Date;
  readonly expiresAt: Date;
}

export interface Tokens {
  /**
   * The claims of a token that is valid now. Rejects with `unauthenticated` for any other, with `unavailable` when the key
   * set cannot be fetched; neither quotes the token.
   */
  verify(token: string): Promise<Claims>;
  /** A token signed with JWT_SECRET, valid for `ttl` seconds. Rejects without a secret. */
  sign(
    userId: string,
    options: { readonly name?: string; readonly service?: boolean; readonly ttl: number },
  ): Promise<string>;
}

/** The longest token, in bytes, as Node's default limit of headers has it; longer ones are refused unread. */
const TOKEN_BYTES = 16_384;
/** The last moment that a Date can hold, in milliseconds. */
const END_OF_TIME = 8.64e15;
const SIGNED_BY_SECRET = ["HS256"];
const SIGNED_BY_KEY_SET = ["RS256", "RS384", "RS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"];
/** Codes of jose's errors for a fault of the key set, not of the token. */
const KEY_SET_AT_FAULT: ReadonlySet<string> = new Set(["ERR_JOSE_GENERIC", "ERR_JWKS_TIMEOUT", "ERR_JWKS_INVALID"]);

const Name = label(200);

/** Signs and verifies tokens. CONTRACT section 1, "Auth". */
export function createTokens(config: Pick<Config, "jwtSecret" | "jwksUrl" | "jwtIssuer" | "jwtAudience">): Tokens {
  const secret = config.jwtSecret === undefined ? undefined : createSecretKey(config.jwtSecret, "utf8");
  const keySet = config.jwksUrl === undefined ? undefined : remoteKeys(config.jwksUrl);
  const accepted = {
    algorithms: [...(secret ? SIGNED_BY_SECRET : []), ...(keySet ? SIGNED_BY_KEY_SET : [])],
    requiredClaims: ["exp"],
    ...(config.jwtIssuer === undefined ? {} : { issuer: config.jwtIssuer }),
    ...(config.jwtAudience === undefined ? {} : { audience: config.jwtAudience }),
  };
  // The algorithm chooses the key, so that a public key of the set never serves as a secret.
  const keyFor = async (
    header: CompactJWSHeaderParameters,
    input: FlattenedJWSInput,
  ): Promise<KeyObject | CryptoKey> => {
    const key = SIGNED_BY_SECRET.includes(header.alg) ? secret : await keySet?.(header, input);
    if (key === undefined) throw new Error("an algorithm was accepted without a key");
    return key;
  };

  return {
    async verify(token) {
      if (token.length > TOKEN_BYTES) throw new Problem("unauthenticated", "the token is too long");
      try {
        return claimsOf((await jwtVerify(token, keyFor, accepted)).payload);
      } catch (error) {
        throw error instanceof Problem ? error : refusal(error);
      }
    },

    async sign(userId, { name, service = false, ttl }) {
      if (secret === undefined) throw new Error("without JWT_SECRET no token can be signed");
      const now = Math.floor(Date.now() / 1000);
      const token = new SignJWT({ ...(name === undefined ? {} : { name }), ...(service ? { roles: ["service"] } : {}) })
        .setProtectedHeader({ alg: "HS256" })
        .setSubject(userId)
        .setIssuedAt(now)
        .setExpirationTime(now + ttl);
      if (config.jwtIssuer !== undefined) token.setIssuer(config.jwtIssuer);
      if (config.jwtAudience !== undefined) token.setAudience(config.jwtAudience);
      return await token.sign(secret);
    },
  };
}

/** The keys behind a URL, in jose's cache; unreachable ones are `unavailable`. */
function remoteKeys(url: string) {
  const keys = createRemoteJWKSet(new URL(url));
  return async (header: CompactJWSHeaderParameters, input: FlattenedJWSInput): Promise<CryptoKey> => {
    try {
      return await keys(header, input);
    } catch (error) {
      if (error instanceof errors.JOSEError && !KEY_SET_AT_FAULT.has(error.code)) throw error;
      throw new Problem("unavailable", "the keys that tokens are signed with cannot be fetched");
    }
  };
}

/** jose's messages quote the claims of a refused token: only the expiry is passed on. */
const refusal = (error: unknown): Problem =>
  new Problem(
    "unauthenticated",
    error instanceof errors.JWTExpired ? "the token has expired" : "the token is not valid",
  );

function claimsOf(payload: JWTPayload): Claims {
  const { sub, roles } = payload;
  if (typeof sub !== "string" || !isUserId(sub))
    throw new Problem("unauthenticated", "the token's sub is not a user id");
  return {
    userId: sub,
    name: [payload.name, payload.preferred_username].find((name) => v.is(Name, name)) ?? null,
    service: Array.isArray(roles) && roles.includes("service"),
    issuedAt: dateOf(payload.iat ?? 0),
    expiresAt: dateOf(payload.exp ?? 0),
  };
}

/** A claim may be any number, 1e999 included: an invalid Date would compare as neither before nor after a revocation. */
const dateOf = (seconds: number): Date => new Date(Math.min(Math.max(0, seconds * 1000), END_OF_TIME));
