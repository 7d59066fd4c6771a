import type { Store } from "@signalbox/core/ports/store";
import type { TypingStore } from "@signalbox/core/ports/typing-store";
import { PostTyping } from "@signalbox/protocol/http";
import { parse } from "@signalbox/protocol/parse";
import { Hono } from "hono";
import type { Act } from "../../act.ts";
import type { Authenticated, Guards } from "../../auth.ts";
import { readJson } from "../../body.ts";
import * as docs from "../../docs/chat-api-v1/typing.ts";
import { noSuchRoom, roomIn } from "../../paths.ts";
import { typistBody } from "../../responses/signals.ts";

export interface SignalTypingDeps extends Pick<Guards, "auth" | "limited"> {
  readonly act: Act;
  readonly store: Pick<Store, "headOf">;
  readonly engine: { readonly typing: Pick<TypingStore, "list"> };
}

const PATH = "/chat/api/v1/conversations/:roomId/typing";

/** `…/typing`. CONTRACT section 5. */
export function signalTypingRoutes({ auth, limited, act, store, engine }: SignalTypingDeps): Hono<Authenticated> {
  const app = new Hono<Authenticated>();

  app.post(PATH, docs.post, limited, async (c) => {
    const chatId = roomIn(c.req.param("roomId"));
    const { typing } = parse(PostTyping, await readJson(c));
    await act(c.get("actor"), { type: typing ? "TYPING" : "STOP_TYPING", chatId });
    return c.json({ message: "Typing indicator sent." });
  });

  app.get(PATH, docs.list, auth, async (c) => {
    const roomId = roomIn(c.req.param("roomId"));
    const { userId, service } = c.get("actor");
    if ((await store.headOf(roomId, userId, service)) === null) throw noSuchRoom();
    const typists = (await engine.typing.list([roomId])).get(roomId) ?? [];
    return c.json({ data: typists.map(typistBody) });
  });

  return app;
}
