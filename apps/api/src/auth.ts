import type { RateLimit } from "@signalbox/core/commands/rate-limit";
import type { Actor } from "@signalbox/core/model/actor";
import type { Presence } from "@signalbox/core/presence/presence";
import type { Access, AuthenticatedClaims } from "@signalbox/node/access";
import { bearerIn } from "@signalbox/node/http/bearer";
import { Problem } from "@signalbox/protocol/errors";
import type { Context, MiddlewareHandler } from "hono";

/** Variables in the context of a route behind a guard. */
export interface Authenticated {
  Variables: { actor: AuthenticatedClaims };
}

export type Guard = MiddlewareHandler<Authenticated>;

/** Middleware in front of a route. */
export interface Guards {
  /** Lets a request in by a valid token in its header. A token anywhere else (a URL, a cookie) is not looked for. */
  readonly auth: Guard;
  /** As `auth`, for requests that count towards the rate limit. */
  readonly limited: Guard;
  /** As `limited`, for requests that count as activity of the user. */
  readonly acting: Guard;
}

export interface GuardDeps {
  readonly access: Pick<Access, "authenticate">;
  readonly rateLimit: RateLimit;
  readonly presence: Pick<Presence, "touch">;
}

export function createGuards({ access, rateLimit, presence }: GuardDeps): Guards {
  async function authenticate(c: Context<Authenticated>): Promise<AuthenticatedClaims> {
    const token = bearerIn(c.req.header("authorization"));
    if (token === undefined)
      throw new Problem("unauthenticated", "a Bearer token is needed in the Authorization header");
    const actor = await access.authenticate(token);
    c.set("actor", actor);
    return actor;
  }

  return {
    async auth(c, next) {
      await authenticate(c);
      await next();
    },
    async limited(c, next) {
      await rateLimit.take(await authenticate(c));
      await next();
    },
    async acting(c, next) {
      const actor = await authenticate(c);
      await rateLimit.take(actor);
      presence.touch(actor.userId);
      await next();
    },
  };
}

/** Throws `forbidden` unless the actor is a trusted back end. */
export function requireService(actor: Actor): void {
  if (!actor.service) throw new Problem("forbidden", "only a service may do this");
}
