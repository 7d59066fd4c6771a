import type { Presence } from "@signalbox/core/presence/presence";
import { PresenceIds, PutPresence, PutTyping } from "@signalbox/protocol/http";
import { parse } from "@signalbox/protocol/parse";
import { type Context, Hono } from "hono";
import type { Act } from "../act.ts";
import type { Authenticated, Guards } from "../auth.ts";
import { readJson } from "../body.ts";
import * as docs from "../docs/presence.ts";

export interface PresenceDeps extends Pick<Guards, "auth" | "limited"> {
  readonly act: Act;
  readonly presence: Pick<Presence, "choose" | "look">;
  /** `TYPING_TTL_MS`. */
  readonly typingTtlMs: number;
}

/** Presence, and typing in one's own name. CONTRACT section 6. */
export function presenceRoutes({ auth, limited, act, presence, typingTtlMs }: PresenceDeps): Hono<Authenticated> {
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
    const { status: choice } = parse(PutPresence, await readJson(c));
    const { userId, status, activeAt } = await presence.choose(c.get("actor").userId, choice);
    return c.json({ data: { user_id: userId, status, last_active_at: activeAt?.toISOString() ?? null } });
  });

  app.put("/v1/typing", docs.typing, limited, async (c) => {
    const { room_id, typing } = parse(PutTyping, await readJson(c));
    await act(c.get("actor"), { type: typing ? "TYPING" : "STOP_TYPING", chatId: room_id });
    const expires_at = typing ? new Date(Date.now() + typingTtlMs).toISOString() : null;
    return c.json({ data: { room_id, typing, expires_at } });
  });

  return app;
}
