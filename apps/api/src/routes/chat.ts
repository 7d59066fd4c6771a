import type { Actor } from "@signalbox/core/draft";
import type { Bytes, Store } from "@signalbox/core/ports";
import type { RateLimit } from "@signalbox/core/ratelimit";
import type { Writer } from "@signalbox/core/writer";
import type { Metrics } from "@signalbox/node/metrics";
import { Problem } from "@signalbox/protocol/errors";
import { HistoryQuery } from "@signalbox/protocol/http";
import { parse } from "@signalbox/protocol/parse";
import { Action } from "@signalbox/protocol/up";
import { Hono } from "hono";
import type { Authenticate, Authenticated } from "../auth.ts";
import { historyBody } from "../bodies.ts";
import { readJson } from "../body.ts";
import { noSuchRoom, roomIn } from "../paths.ts";

export interface ChatDeps {
  readonly auth: Authenticate;
  readonly store: Pick<Store, "isVisible" | "history">;
  readonly writer: Pick<Writer, "act">;
  readonly rateLimit: RateLimit;
  readonly metrics: Pick<Metrics, "actions">;
}

/** Actions and history. CONTRACT section 3. */
export function chatRoutes({ auth, store, writer, rateLimit, metrics }: ChatDeps): Hono<Authenticated> {
  const app = new Hono<Authenticated>();

  app.post("/api/chat", auth, async (c) => {
    const actor = c.get("actor");
    await rateLimit.take(actor);
    const event = await counted(metrics, actor, parse(Action, await readJson(c)), writer);
    // The event is UTF-8 already: it goes out as it came, never through JSON again.
    return c.body(Buffer.from(`{"data":${event}}`, "latin1"), 200, {
      "Content-Type": "application/json; charset=utf-8",
    });
  });

  app.get("/api/chat/:chatId/messages", auth, async (c) => {
    const roomId = roomIn(c.req.param("chatId"));
    const { limit, before = null } = parse(HistoryQuery, c.req.query());
    const { userId, service } = c.get("actor");
    if (!(await store.isVisible(roomId, userId, service))) throw noSuchRoom();
    const messages = await store.history(roomId, limit, before);
    return c.json({ messages: messages.map(historyBody) });
  });

  return app;
}

async function counted(
  { actions }: ChatDeps["metrics"],
  actor: Actor,
  action: Action,
  writer: ChatDeps["writer"],
): Promise<Bytes> {
  const { type } = action;
  try {
    const event = await writer.act(actor, action);
    actions.inc({ type, outcome: "ok" });
    return event;
  } catch (error) {
    actions.inc({ type, outcome: error instanceof Problem ? error.code : "internal" });
    throw error;
  }
}
