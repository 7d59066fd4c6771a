import { isIP } from "node:net";
import type { Origins } from "@signalbox/node/http/cors";
import type { Tokens } from "@signalbox/node/tokens";
import { SignIn } from "@signalbox/protocol/http";
import { parse } from "@signalbox/protocol/parse";
import { Hono } from "hono";
import { readJson } from "../body.ts";
import * as docs from "../docs/dev-sign-in.ts";

/** Life of such a token, in seconds. */
const HOLDS_SECONDS = 3600;

export interface SignInDeps {
  readonly signer: Pick<Tokens, "sign">;
  readonly origins: Pick<Origins, "lists" | "refusalOf" | "refuse">;
}

/** A token for any user that the caller names: for trying, on a node that made its own secret. CONTRACT section 9, "SDK". */
export function signInRoutes({ signer, origins }: SignInDeps): Hono {
  return new Hono().post("/dev/sign-in", docs.signIn, async (c) => {
    const origin = c.req.header("origin");
    const { host } = new URL(c.req.url);
    const refusal = origins.refusalOf({ origin, host });
    if (refusal !== undefined) throw refusal;
    if (origin !== undefined && !origins.lists(origin) && !isFixed(origin))
      throw origins.refuse({ origin, host }, UNFIXED);
    const { userId, name } = parse(SignIn, await readJson(c));
    const token = await signer.sign(userId, { ...(name === undefined ? {} : { name }), ttl: HOLDS_SECONDS });
    c.header("Cache-Control", "no-store");
    return c.json({ token });
  });
}

const UNFIXED =
  "a page under a host name gets no tokens: open it under localhost or an address, or name its origin in ALLOWED_ORIGINS";

/**
 * True for localhost and for addresses. Another name proves nothing: its owner can lead it to this machine once their page is
 * loaded. An address cannot be led elsewhere.
 */
function isFixed(origin: string): boolean {
  const { hostname } = new URL(origin);
  return hostname === "localhost" || isIP(hostname.replace(/^\[(.*)\]$/, "$1")) !== 0;
}
