import type { Writer } from "@signalbox/core/commands/writer";
import type { Store } from "@signalbox/core/ports/store";
import { PutUser } from "@signalbox/protocol/http";
import { parse } from "@signalbox/protocol/parse";
import { Hono } from "hono";
import { type Authenticated, type Guards, requireService } from "../../auth.ts";
import { readJson } from "../../body.ts";
import * as docs from "../../docs/v1/users.ts";
import { userIn } from "../../paths.ts";
import { userBody } from "../../responses/users.ts";

export interface UserDeps extends Pick<Guards, "auth"> {
  readonly store: Pick<Store, "putUser">;
  readonly writer: Pick<Writer, "revoke">;
}

/** `/v1/users`, for trusted back ends. CONTRACT sections 4 "Revocation", 6 and 8. */
export function userRoutes({ auth, store, writer }: UserDeps): Hono<Authenticated> {
  const app = new Hono<Authenticated>();

  app.put("/v1/users/:userId", docs.put, auth, async (c) => {
    requireService(c.get("actor"));
    const userId = userIn(c.req.param("userId"));
    const { name = null, matrix_user_id = null } = parse(PutUser, await readJson(c));
    return c.json({ data: userBody(await store.putUser(userId, name, matrix_user_id)) });
  });

  app.post("/v1/users/:userId/revoke", docs.revoke, auth, async (c) => {
    requireService(c.get("actor"));
    await writer.revoke(userIn(c.req.param("userId")));
    return c.json({ message: "Tokens revoked" });
  });

  return app;
}
