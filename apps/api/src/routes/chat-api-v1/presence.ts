import type { Presence } from "@signalbox/core/presence/presence";
import { PutSignalPresence } from "@signalbox/protocol/http";
import { parse } from "@signalbox/protocol/parse";
import { Hono } from "hono";
import type { Authenticated, Guards } from "../../auth.ts";
import { readJson } from "../../body.ts";
import * as docs from "../../docs/chat-api-v1/presence.ts";
import { userIn } from "../../paths.ts";
import { presenceBody } from "../../responses/signals.ts";

export interface SignalPresenceDeps extends Pick<Guards, "auth" | "limited"> {
  readonly presence: Pick<Presence, "choose" | "look">;
}

/** `/chat/api/v1/presence`, in the three words of this surface. CONTRACT section 5. */
export function signalPresenceRoutes({ auth, limited, presence }: SignalPresenceDeps): Hono<Authenticated> {
  const app = new Hono<Authenticated>();

  app.put("/chat/api/v1/presence", docs.put, limited, async (c) => {
    const { status } = parse(PutSignalPresence, await readJson(c));
    return c.json({ data: presenceBody(await presence.choose(c.get("actor").userId, status)) });
  });

  app.get("/chat/api/v1/presence/:userId", docs.look, auth, async (c) => {
    const seen = await presence.look(c.get("actor"), [userIn(c.req.param("userId"))]);
    return c.json({ data: [...seen.values()].map(presenceBody)[0] });
  });

  return app;
}
