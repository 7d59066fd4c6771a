import type { Store } from "@signalbox/core/ports/store";
import { PutMute } from "@signalbox/protocol/http";
import { parse } from "@signalbox/protocol/parse";
import { Hono } from "hono";
import type { Authenticated, Guards } from "../../auth.ts";
import { readJson } from "../../body.ts";
import * as docs from "../../docs/v1/mute.ts";
import { noSuchRoom, roomIn } from "../../paths.ts";

export interface MuteDeps extends Pick<Guards, "acting"> {
  readonly store: Pick<Store, "mute">;
}

/** `/v1/rooms/{id}/mute`, of one user in one room. CONTRACT section 6. */
export function muteRoutes({ acting, store }: MuteDeps): Hono<Authenticated> {
  return new Hono<Authenticated>().put("/v1/rooms/:roomId/mute", docs.put, acting, async (c) => {
    const roomId = roomIn(c.req.param("roomId"));
    const { until } = parse(PutMute, await readJson(c));
    if (!(await store.mute(roomId, c.get("actor").userId, until))) throw noSuchRoom();
    return c.json({ data: { muted_until: until?.toISOString() ?? null } });
  });
}
