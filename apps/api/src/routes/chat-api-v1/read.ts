import { PostEvent } from "@signalbox/protocol/http";
import { parse } from "@signalbox/protocol/parse";
import { Hono } from "hono";
import type { Act } from "../../act.ts";
import type { Authenticated, Guards } from "../../auth.ts";
import { readJson } from "../../body.ts";
import * as docs from "../../docs/chat-api-v1/read.ts";
import { roomIn } from "../../paths.ts";

export interface ReadDeps extends Pick<Guards, "limited"> {
  readonly act: Act;
}

/** `…/read`: the caller's receipt. CONTRACT section 5. */
export function readRoutes({ limited, act }: ReadDeps): Hono<Authenticated> {
  const path = "/chat/api/v1/conversations/:roomId/read";
  return new Hono<Authenticated>().post(path, docs.post, limited, async (c) => {
    const chatId = roomIn(c.req.param("roomId"));
    const { event_id: messageId } = parse(PostEvent, await readJson(c));
    await act(c.get("actor"), { type: "READ_MSG", chatId, messageId });
    return c.json({ message: "Read receipt sent." });
  });
}
