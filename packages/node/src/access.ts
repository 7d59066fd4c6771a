import type { Store } from "@signalbox/core/ports";
import { Problem } from "@signalbox/protocol/errors";
import type { Claims, Tokens } from "./tokens.ts";

/** The door to API and gateway alike. CONTRACT sections 1 "Auth" and 4 "Revocation". */
export interface Access {
  /** The claims of a token that holds; whether it is revoked only `confirm` knows. Rejects as `Tokens.verify`. */
  verify(token: string): Promise<Claims>;
  /**
   * Resolves when these claims are not revoked; their user exists from then on, under the token's name if it has one. Rejects
   * with `unauthenticated` (detail "revoked"), or with `unavailable` when the store is away.
   */
  confirm(claims: Claims): Promise<void>;
  /** Both: the claims of a token that lets its bearer in now. */
  admit(token: string): Promise<Claims>;
}

export interface AccessDeps {
  readonly tokens: Pick<Tokens, "verify">;
  readonly store: Pick<Store, "user" | "putUser">;
}

export function createAccess({ tokens, store }: AccessDeps): Access {
  const confirm = async ({ userId, name, issuedAt }: Claims): Promise<void> => {
    const user = await store.user(userId);
    if (user?.revokedAt && issuedAt <= user.revokedAt) throw new Problem("unauthenticated", "revoked");
    const renamed = name !== null && name !== user?.name;
    if (user === undefined || renamed) await store.putUser(userId, name);
  };
  return {
    verify: tokens.verify,
    confirm,
    async admit(token) {
      const claims = await tokens.verify(token);
      await confirm(claims);
      return claims;
    },
  };
}
