import type { Access } from "@signalbox/node/access";
import type { Claims } from "@signalbox/node/tokens";
import { Problem } from "@signalbox/protocol/errors";
import type { MiddlewareHandler } from "hono";

/** What a route behind `authenticate` finds in its context. */
export interface Authenticated {
  Variables: { actor: Claims };
}

export type Authenticate = MiddlewareHandler<Authenticated>;

/** Lets a request in whose header brings a token that holds. A token anywhere else (a URL, a cookie) is not looked for. */
export function authenticate(access: Pick<Access, "admit">): Authenticate {
  return async (c, next) => {
    const token = /^Bearer +([^\s]+)$/i.exec(c.req.header("authorization") ?? "")?.[1];
    if (token === undefined)
      throw new Problem("unauthenticated", "the Authorization header has to bring a Bearer token");
    c.set("actor", await access.admit(token));
    await next();
  };
}

/** Throws `forbidden` for everybody but a trusted back end. */
export function requireService(actor: Claims): void {
  if (!actor.service) throw new Problem("forbidden", "only a service may do this");
}
