import type { Writer } from "@signalbox/core/commands/writer";
import type { Store } from "@signalbox/core/ports/store";
import { CreateRoom, PatchRoom, PutMember, RoomsQuery } from "@signalbox/protocol/http";
import { parse } from "@signalbox/protocol/parse";
import { Hono } from "hono";
import { type Authenticated, type Guards, requireService } from "../auth.ts";
import { readFields, readJson } from "../body.ts";
import { decodeCursor, pageOf } from "../cursor.ts";
import * as docs from "../docs/rooms.ts";
import { roomIn, userIn } from "../paths.ts";
import { memberBody, roomBody, summaryBody } from "../responses/rooms.ts";

export interface RoomDeps extends Pick<Guards, "auth" | "acting"> {
  readonly store: Pick<Store, "roomPage">;
  readonly writer: Pick<Writer, "createRoom" | "updateRoom" | "deleteRoom" | "putMember" | "removeMember">;
}

/** Rooms and their members. CONTRACT section 6, "Rooms". */
export function roomRoutes(deps: RoomDeps): Hono<Authenticated> {
  const { auth, acting, store, writer } = deps;
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
    // Whoever says what a room is in Matrix decides who speaks there.
    if (body.matrix_room_id !== undefined) requireService(c.get("actor"));
    const room = await writer.createRoom(c.get("actor"), body);
    return c.json({ data: roomBody(room) }, 201);
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

  return app.route("/", memberRoutes(deps));
}

function memberRoutes({ acting, writer }: RoomDeps): Hono<Authenticated> {
  const app = new Hono<Authenticated>();

  app.put("/v1/rooms/:roomId/members/:userId", docs.putMember, acting, async (c) => {
    const roomId = roomIn(c.req.param("roomId"));
    const userId = userIn(c.req.param("userId"));
    const { role } = parse(PutMember, await readFields(c));
    return c.json({ data: memberBody(await writer.putMember(c.get("actor"), roomId, userId, role)) });
  });

  app.delete("/v1/rooms/:roomId/members/:userId", docs.removeMember, acting, async (c) => {
    await writer.removeMember(c.get("actor"), roomIn(c.req.param("roomId")), userIn(c.req.param("userId")));
    return c.json({ message: "Member removed" });
  });

  return app;
}
