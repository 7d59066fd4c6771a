import { isIP } from "node:net";
import type { Tokens } from "@signalbox/node/tokens";
import { Problem } from "@signalbox/protocol/errors";
import { SignIn } from "@signalbox/protocol/http";
import { parse } from "@signalbox/protocol/parse";
import { Hono } from "hono";
import { readJson } from "../body.ts";
import * as docs from "../docs/sign-in.ts";

/** How long such a token holds, in seconds. */
const HOLDS_SECONDS = 3600;

export interface SignInDeps {
  readonly signer: Pick<Tokens, "sign">;
  readonly allowedOrigins: readonly string[];
}

/** A token for whoever one says to be: for trying, on a node whose secret protects nothing but itself. CONTRACT section 9, "SDK". */
export function signInRoutes({ signer, allowedOrigins }: SignInDeps): Hono {
  return new Hono().post("/dev/sign-in", docs.signIn, async (c) => {
    const origin = c.req.header("origin")?.toLowerCase();
    if (origin !== undefined && !allowedOrigins.includes(origin) && !isOwn(origin, c.req.url))
      throw new Problem("forbidden", "a page of this origin gets no tokens here");
    const { userId, name } = parse(SignIn, await readJson(c));
    const token = await signer.sign(userId, { ...(name === undefined ? {} : { name }), ttl: HOLDS_SECONDS });
    c.header("Cache-Control", "no-store");
    return c.json({ token });
  });
}

/**
 * Whether a page comes from the host that was asked. A name other than localhost proves nothing: who owns it can let it
 * lead to this machine once their page is loaded. An address cannot be led elsewhere.
 */
function isOwn(origin: string, asked: string): boolean {
  if (!URL.canParse(origin)) return false;
  const { host, hostname } = new URL(origin);
  const fixed = hostname === "localhost" || isIP(hostname.replace(/^\[(.*)\]$/, "$1")) !== 0;
  return fixed && host === new URL(asked).host;
}
