import type { Writer } from "@signalbox/core/commands/writer";
import { PutMember } from "@signalbox/protocol/http";
import { parse } from "@signalbox/protocol/parse";
import { Hono } from "hono";
import type { Authenticated, Guards } from "../../auth.ts";
import { readFields } from "../../body.ts";
import * as docs from "../../docs/v1/members.ts";
import { roomIn, userIn } from "../../paths.ts";
import { memberBody } from "../../responses/rooms.ts";
import { membersBody } from "../../responses/state.ts";
import { type SnapshotDeps, takeSnapshot } from "../../snapshot.ts";

export interface MemberDeps extends Pick<Guards, "auth" | "acting">, SnapshotDeps {
  readonly writer: Pick<Writer, "putMember" | "removeMember">;
}

/** `/v1/rooms/{id}/members`. CONTRACT section 6, "Rooms". */
export function memberRoutes({ auth, acting, writer, ...deps }: MemberDeps): Hono<Authenticated> {
  const app = new Hono<Authenticated>();

  app.get("/v1/rooms/:roomId/members", docs.list, auth, async (c) => {
    const snapshot = await takeSnapshot(deps, c.get("actor"), roomIn(c.req.param("roomId")));
    return c.json({ data: membersBody(snapshot) });
  });

  app.put("/v1/rooms/:roomId/members/:userId", docs.put, acting, async (c) => {
    const roomId = roomIn(c.req.param("roomId"));
    const userId = userIn(c.req.param("userId"));
    const { role } = parse(PutMember, await readFields(c));
    return c.json({ data: memberBody(await writer.putMember(c.get("actor"), roomId, userId, role)) });
  });

  app.delete("/v1/rooms/:roomId/members/:userId", docs.remove, acting, async (c) => {
    await writer.removeMember(c.get("actor"), roomIn(c.req.param("roomId")), userIn(c.req.param("userId")));
    return c.json({ message: "Member removed" });
  });

  return app;
}
