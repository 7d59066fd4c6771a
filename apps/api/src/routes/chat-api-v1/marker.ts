import type { Writer } from "@signalbox/core/commands/writer";
import { PostEvent } from "@signalbox/protocol/http";
import { parse } from "@signalbox/protocol/parse";
import { Hono } from "hono";
import type { Authenticated, Guards } from "../../auth.ts";
import { readJson } from "../../body.ts";
import * as docs from "../../docs/chat-api-v1/marker.ts";
import { roomIn } from "../../paths.ts";

export interface MarkerDeps extends Pick<Guards, "acting"> {
  readonly writer: Pick<Writer, "setMarker">;
}

/** `…/marker`: the caller's own. CONTRACT section 5. */
export function markerRoutes({ acting, writer }: MarkerDeps): Hono<Authenticated> {
  const path = "/chat/api/v1/conversations/:roomId/marker";
  return new Hono<Authenticated>().post(path, docs.post, acting, async (c) => {
    const roomId = roomIn(c.req.param("roomId"));
    const { event_id: messageId } = parse(PostEvent, await readJson(c));
    await writer.setMarker(c.get("actor"), roomId, messageId);
    return c.json({ message: "Read marker set." });
  });
}
