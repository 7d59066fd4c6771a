import type { Store } from "@signalbox/core/ports/store";
import { Hono } from "hono";
import type { Authenticated, Guards } from "../../auth.ts";
import * as docs from "../../docs/chat-api-v1/receipts.ts";
import { roomIn } from "../../paths.ts";
import { receiptsBody } from "../../responses/signals.ts";
import { readState } from "../../snapshot.ts";

export interface ReceiptDeps extends Pick<Guards, "auth"> {
  readonly store: Pick<Store, "roomState">;
  /** `SERVER_NAME`: the domain in the event ids of messages that did not come from Matrix. */
  readonly serverName: string;
}

/** `…/receipts`: those of all members. CONTRACT section 5. */
export function receiptRoutes({ auth, store, serverName }: ReceiptDeps): Hono<Authenticated> {
  const path = "/chat/api/v1/conversations/:roomId/receipts";
  return new Hono<Authenticated>().get(path, docs.list, auth, async (c) => {
    const { members } = await readState(store, c.get("actor"), roomIn(c.req.param("roomId")));
    return c.json({ data: receiptsBody(members, serverName) });
  });
}
