import type { UserRow } from "@signalbox/core/model/rows";
import type { Store } from "@signalbox/core/ports/store";
import { Problem } from "@signalbox/protocol/errors";
import { tokenCache } from "./token-cache.ts";
import type { Claims, Tokens } from "./tokens.ts";

/** What a token that lets its bearer in says of them. */
export interface AuthenticatedClaims extends Claims {
  /** They appear offline. */
  readonly hidden: boolean;
}

/** The door to API and gateway alike. CONTRACT sections 1 "Auth" and 4 "Revocation". */
export interface Access {
  /** The claims of a token that holds; whether it is revoked only `confirm` knows. Rejects as `Tokens.verify`. */
  verify(token: string): Promise<Claims>;
  /**
   * Resolves with their user when these claims are not revoked; who did not exist does from then on, and whoever has a name
   * in the token goes by it. Rejects with `unauthenticated` (detail "revoked"), or with `unavailable` when the store is away.
   */
  checkRevoked(claims: Claims): Promise<UserRow>;
  /** Both, for one request of many: whom a token lets in now. Tokens that held are remembered. */
  authenticate(token: string): Promise<AuthenticatedClaims>;
}

export interface AccessDeps {
  readonly tokens: Pick<Tokens, "verify">;
  readonly store: Pick<Store, "users" | "putUser">;
}

export function createAccess({ tokens, store }: AccessDeps): Access {
  const lookUp = inGroups((userIds) => store.users(userIds));
  const confirm = async ({ userId, name, issuedAt }: Claims): Promise<UserRow> => {
    const user = await lookUp(userId);
    if (user?.revokedAt && issuedAt <= user.revokedAt) throw new Problem("unauthenticated", "revoked");
    const renamed = name !== null && name !== user?.name;
    return user === undefined || renamed ? await store.putUser(userId, name) : user;
  };
  const remembered = tokenCache(tokens.verify);
  return {
    verify: tokens.verify,
    checkRevoked: confirm,
    async authenticate(token) {
      const claims = await remembered(token);
      const { choice } = await confirm(claims);
      return { ...claims, hidden: choice === "appear_offline" };
    },
  };
}

/**
 * Looks users up with one question under way at a time: who comes meanwhile is asked for together in the next, which begins
 * after they came. A question per request halved what an API node could take (9.9 to 4.8 thousand sends a second, measured).
 */
function inGroups(ask: (userIds: readonly string[]) => Promise<ReadonlyMap<string, UserRow>>) {
  let next: { readonly userIds: Set<string>; readonly answer: Promise<ReadonlyMap<string, UserRow>> } | undefined;
  let last: Promise<unknown> = Promise.resolve();

  function begin() {
    const userIds = new Set<string>();
    const answer = last.then(() => {
      next = undefined;
      return ask([...userIds]);
    });
    last = answer.catch(() => undefined);
    return { userIds, answer };
  }

  return async (userId: string): Promise<UserRow | undefined> => {
    next ??= begin();
    next.userIds.add(userId);
    return (await next.answer).get(userId);
  };
}
