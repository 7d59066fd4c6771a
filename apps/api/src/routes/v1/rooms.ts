import type { Writer } from "@signalbox/core/commands/writer";
import type { Store } from "@signalbox/core/ports/store";
import { CreateRoom, PatchRoom, RoomsQuery } from "@signalbox/protocol/http";
import { parse } from "@signalbox/protocol/parse";
import { Hono } from "hono";
import { type Authenticated, type Guards, requireService } from "../../auth.ts";
import { readJson } from "../../body.ts";
import { decodeCursor, pageOf } from "../../cursor.ts";
import * as docs from "../../docs/v1/rooms.ts";
import { roomIn } from "../../paths.ts";
import { roomBody, summaryBody } from "../../responses/rooms.ts";
import { readState } from "../../snapshot.ts";

export interface RoomDeps extends Pick<Guards, "auth" | "acting"> {
  readonly store: Pick<Store, "roomPage" | "roomState">;
  readonly writer: Pick<Writer, "createRoom" | "updateRoom" | "deleteRoom">;
}

/** `/v1/rooms` and `/v1/rooms/{id}`. CONTRACT section 6, "Rooms". */
export function roomRoutes({ auth, acting, store, writer }: RoomDeps): Hono<Authenticated> {
  const app = new Hono<Authenticated>();

  app.get("/v1/rooms", docs.list, auth, async (c) => {
    const { limit, cursor } = parse(RoomsQuery, c.req.query());
    const before = cursor === undefined ? null : decodeCursor(cursor);
    const rooms = await store.roomPage(c.get("actor").userId, limit + 1, before);
    const { page, next_cursor } = pageOf(rooms, limit, ({ roomId }) => roomId);
    return c.json({ data: page.map(summaryBody), next_cursor });
  });

  app.post("/v1/rooms", docs.create, acting, async (c) => {
    const body = parse(CreateRoom, await readJson(c));
    // A bridge to a room of Matrix lets members write there.
    if (body.matrix_room_id !== undefined) requireService(c.get("actor"));
    const room = await writer.createRoom(c.get("actor"), body);
    return c.json({ data: roomBody(room) }, 201);
  });

  app.get("/v1/rooms/:roomId", docs.one, auth, async (c) => {
    const { room } = await readState(store, c.get("actor"), roomIn(c.req.param("roomId")));
    return c.json({ data: roomBody(room) });
  });

  app.patch("/v1/rooms/:roomId", docs.patch, acting, async (c) => {
    const roomId = roomIn(c.req.param("roomId"));
    const room = await writer.updateRoom(c.get("actor"), roomId, parse(PatchRoom, await readJson(c)));
    return c.json({ data: roomBody(room) });
  });

  app.delete("/v1/rooms/:roomId", docs.remove, acting, async (c) => {
    await writer.deleteRoom(c.get("actor"), roomIn(c.req.param("roomId")));
    return c.json({ message: "Room deleted" });
  });

  return app;
}
