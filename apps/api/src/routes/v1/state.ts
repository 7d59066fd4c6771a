import { Hono } from "hono";
import type { Authenticated, Guards } from "../../auth.ts";
import * as docs from "../../docs/v1/state.ts";
import { roomIn } from "../../paths.ts";
import { stateBody } from "../../responses/state.ts";
import { type SnapshotDeps, takeSnapshot } from "../../snapshot.ts";

export interface StateDeps extends Pick<Guards, "auth">, SnapshotDeps {}

/** `/v1/rooms/{id}/state`: everything about a room at one moment. CONTRACT section 6. */
export function stateRoutes({ auth, ...deps }: StateDeps): Hono<Authenticated> {
  return new Hono<Authenticated>().get("/v1/rooms/:roomId/state", docs.state, auth, async (c) => {
    const snapshot = await takeSnapshot(deps, c.get("actor"), roomIn(c.req.param("roomId")));
    return c.json({ data: stateBody(snapshot) });
  });
}
