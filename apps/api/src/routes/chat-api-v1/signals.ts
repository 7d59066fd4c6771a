import { Hono } from "hono";
import type { Authenticated, Guards } from "../../auth.ts";
import * as docs from "../../docs/chat-api-v1/signals.ts";
import { roomIn } from "../../paths.ts";
import { snapshotBody } from "../../responses/signals.ts";
import { type SnapshotDeps, takeSnapshot } from "../../snapshot.ts";

export interface SignalDeps extends Pick<Guards, "auth">, SnapshotDeps {
  /** `SERVER_NAME`: the domain in the event ids of messages that did not come from Matrix. */
  readonly serverName: string;
}

const SNAPSHOT = "/chat/api/v1/conversations/:roomId/signals/snapshot";

/** `…/signals/snapshot`; the stream at `…/signals` is a gateway's. CONTRACT section 5. */
export function signalRoutes({ auth, serverName, ...deps }: SignalDeps): Hono<Authenticated> {
  return new Hono<Authenticated>().get(SNAPSHOT, docs.snapshot, auth, async (c) => {
    const snapshot = await takeSnapshot(deps, c.get("actor"), roomIn(c.req.param("roomId")));
    return c.json({ data: snapshotBody(snapshot, serverName, Date.now()) });
  });
}
