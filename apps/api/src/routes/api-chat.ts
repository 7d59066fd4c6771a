import type { Store } from "@signalbox/core/ports/store";
import { HistoryQuery } from "@signalbox/protocol/http";
import { parse } from "@signalbox/protocol/parse";
import { Action } from "@signalbox/protocol/up";
import { Hono } from "hono";
import type { Act } from "../act.ts";
import type { Authenticated, Guards } from "../auth.ts";
import { readJson } from "../body.ts";
import * as docs from "../docs/api-chat.ts";
import { noSuchRoom, ownIdOf, roomIn } from "../paths.ts";
import { historyBody } from "../responses/messages.ts";

export interface ChatDeps extends Pick<Guards, "auth" | "limited"> {
  readonly act: Act;
  readonly store: Pick<Store, "headOf" | "history" | "messageIds">;
}

/** `/api/chat`: actions, and the history of a room. CONTRACT section 3. */
export function chatRoutes({ auth, limited, act, store }: ChatDeps): Hono<Authenticated> {
  const app = new Hono<Authenticated>();

  app.post("/api/chat", docs.act, limited, async (c) => {
    const event = await act(c.get("actor"), parse(Action, await readJson(c)));
    // The event is encoded already: it goes out as it is, never through JSON again.
    return c.body(Buffer.from(`{"data":${event}}`, "latin1"), 200, {
      "Content-Type": "application/json; charset=utf-8",
    });
  });

  app.get("/api/chat/:chatId/messages", docs.history, auth, async (c) => {
    const roomId = roomIn(c.req.param("chatId"));
    const { limit, before } = parse(HistoryQuery, c.req.query());
    const { userId, service } = c.get("actor");
    if ((await store.headOf(roomId, userId, service)) === null) throw noSuchRoom();
    const messages = await store.history(
      roomId,
      limit,
      before === undefined ? null : await ownIdOf(store, roomId, before),
    );
    return c.json({ messages: messages.map(historyBody) });
  });

  return app;
}
