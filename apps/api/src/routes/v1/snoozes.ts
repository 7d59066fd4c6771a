import type { Store } from "@signalbox/core/ports/store";
import { PutSnooze } from "@signalbox/protocol/http";
import { parse } from "@signalbox/protocol/parse";
import { Hono } from "hono";
import type { Authenticated, Guards } from "../../auth.ts";
import { readJson } from "../../body.ts";
import * as docs from "../../docs/v1/snoozes.ts";
import { messageIn, noSuchMessage, ownIdOf, roomIn } from "../../paths.ts";
import { evtIdOf } from "../../responses/state.ts";

export interface SnoozeDeps extends Pick<Guards, "acting"> {
  readonly store: Pick<Store, "snooze" | "messageIds">;
}

const PATH = "/v1/rooms/:roomId/snoozes/:eventId";

/** `/v1/rooms/{id}/snoozes`, of one user in one room. CONTRACT section 6. */
export function snoozeRoutes({ acting, store }: SnoozeDeps): Hono<Authenticated> {
  const app = new Hono<Authenticated>();

  app.put(PATH, docs.put, acting, async (c) => {
    const roomId = roomIn(c.req.param("roomId"));
    const asked = messageIn(c.req.param("eventId"));
    const { until } = parse(PutSnooze, await readJson(c));
    const messageId = await ownIdOf(store, roomId, asked);
    if (!(await store.snooze(roomId, c.get("actor").userId, messageId, until))) throw noSuchMessage();
    return c.json({ data: { event_id: evtIdOf(messageId), until: until.toISOString() } });
  });

  app.delete(PATH, docs.remove, acting, async (c) => {
    const roomId = roomIn(c.req.param("roomId"));
    const messageId = await ownIdOf(store, roomId, messageIn(c.req.param("eventId")));
    if (!(await store.snooze(roomId, c.get("actor").userId, messageId, null))) throw noSuchMessage();
    return c.json({ message: "Snooze ended" });
  });

  return app;
}
