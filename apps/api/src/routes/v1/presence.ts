import type { Presence } from "@signalbox/core/presence/presence";
import { PresenceIds, PutPresence } from "@signalbox/protocol/http";
import { parse } from "@signalbox/protocol/parse";
import { type Context, Hono } from "hono";
import type { Authenticated, Guards } from "../../auth.ts";
import { readJson } from "../../body.ts";
import * as docs from "../../docs/v1/presence.ts";
import { ownPresenceBody } from "../../responses/presence.ts";

export interface PresenceDeps extends Pick<Guards, "auth" | "limited"> {
  readonly presence: Pick<Presence, "choose" | "look">;
}

/** `/v1/presence`, by batches. CONTRACT section 6. */
export function presenceRoutes({ auth, limited, presence }: PresenceDeps): Hono<Authenticated> {
  const app = new Hono<Authenticated>();

  const look = async (c: Context<Authenticated>, asked: unknown) => {
    const { ids } = parse(PresenceIds, asked);
    const seen = await presence.look(c.get("actor"), ids);
    return c.json({ data: Object.fromEntries([...seen].map(([userId, { status }]) => [userId, status])) });
  };

  app.get("/v1/presence", docs.look, auth, (c) =>
    look(c, { ids: (c.req.queries("ids") ?? []).flatMap((list) => list.split(",")) }),
  );

  app.post("/v1/presence/query", docs.query, auth, async (c) => look(c, await readJson(c)));

  app.put("/v1/presence", docs.put, limited, async (c) => {
    const { status } = parse(PutPresence, await readJson(c));
    return c.json({ data: ownPresenceBody(await presence.choose(c.get("actor").userId, status)) });
  });

  return app;
}
