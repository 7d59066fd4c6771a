import type { RateLimit } from "@signalbox/core/commands/rate-limit";
import type { Actor } from "@signalbox/core/model/actor";
import type { Presence } from "@signalbox/core/presence/presence";
import type { Access, AuthenticatedClaims } from "@signalbox/node/access";
import { bearerIn } from "@signalbox/node/http/bearer";
import { Problem } from "@signalbox/protocol/errors";
import type { Context, MiddlewareHandler } from "hono";

/** What a route behind a door finds in its context. */
export interface Authenticated {
  Variables: { actor: AuthenticatedClaims };
}

export type Door = MiddlewareHandler<Authenticated>;

/** What stands in front of a route. */
export interface Guards {
  /** Lets a request in whose header brings a token that holds. A token anywhere else (a URL, a cookie) is not looked for. */
  readonly auth: Door;
  /** As `auth`, for what counts towards the rate limit. */
  readonly limited: Door;
  /** As `limited`, for what shows that the person is there. */
  readonly acting: Door;
}

export interface GuardDeps {
  readonly access: Pick<Access, "authenticate">;
  readonly rateLimit: RateLimit;
  readonly presence: Pick<Presence, "touch">;
}

export function createGuards({ access, rateLimit, presence }: GuardDeps): Guards {
  async function admit(c: Context<Authenticated>): Promise<AuthenticatedClaims> {
    const token = bearerIn(c.req.header("authorization"));
    if (token === undefined)
      throw new Problem("unauthenticated", "the Authorization header has to bring a Bearer token");
    const actor = await access.authenticate(token);
    c.set("actor", actor);
    return actor;
  }

  return {
    async auth(c, next) {
      await admit(c);
      await next();
    },
    async limited(c, next) {
      await rateLimit.take(await admit(c));
      await next();
    },
    async acting(c, next) {
      const actor = await admit(c);
      await rateLimit.take(actor);
      presence.touch(actor.userId);
      await next();
    },
  };
}

/** Throws `forbidden` for everybody but a trusted back end. */
export function requireService(actor: Actor): void {
  if (!actor.service) throw new Problem("forbidden", "only a service may do this");
}
