import type { Writer } from "@signalbox/core/commands/writer";
import type { Store } from "@signalbox/core/ports/store";
import { Call, Engagement, Plan, Sidekick } from "@signalbox/protocol/http";
import { parse } from "@signalbox/protocol/parse";
import { Hono } from "hono";
import type { Authenticated, Guards } from "../../auth.ts";
import { readJson } from "../../body.ts";
import * as docs from "../../docs/v1/sections.ts";
import { roomIn, sidekickIn } from "../../paths.ts";
import { engagementBody, sectionBody, sidekickSection, sidekicksBody } from "../../responses/state.ts";
import { readState } from "../../snapshot.ts";

export interface SectionDeps extends Pick<Guards, "auth" | "acting"> {
  readonly store: Pick<Store, "roomState">;
  readonly writer: Pick<Writer, "putSection">;
}

const ROOM = "/v1/rooms/:roomId";

/** `/v1/rooms/{id}/engagement`, `/plan` and `/call`: sections of a room's state. CONTRACT section 6. */
export function sectionRoutes({ auth, acting, store, writer }: SectionDeps): Hono<Authenticated> {
  const app = new Hono<Authenticated>();

  app.get(`${ROOM}/engagement`, docs.engagement.get, auth, async (c) => {
    const state = await readState(store, c.get("actor"), roomIn(c.req.param("roomId")));
    return c.json({ data: engagementBody(state) });
  });

  app.put(`${ROOM}/engagement`, docs.engagement.put, acting, async (c) => {
    const roomId = roomIn(c.req.param("roomId"));
    const body = parse(Engagement, await readJson(c));
    await writer.putSection(c.get("actor"), roomId, "engagement", body);
    return c.json({ data: body });
  });

  for (const { section, schema, described, removed } of [
    { section: "plan", schema: Plan, described: docs.plan, removed: "Plan removed" },
    { section: "call", schema: Call, described: docs.call, removed: "Call removed" },
  ] as const) {
    app.get(`${ROOM}/${section}`, described.get, auth, async (c) => {
      const state = await readState(store, c.get("actor"), roomIn(c.req.param("roomId")));
      return c.json({ data: sectionBody(state, section) });
    });

    app.put(`${ROOM}/${section}`, described.put, acting, async (c) => {
      const roomId = roomIn(c.req.param("roomId"));
      const body = parse(schema, await readJson(c));
      await writer.putSection(c.get("actor"), roomId, section, body);
      return c.json({ data: body });
    });

    app.delete(`${ROOM}/${section}`, described.remove, acting, async (c) => {
      await writer.putSection(c.get("actor"), roomIn(c.req.param("roomId")), section, null);
      return c.json({ message: removed });
    });
  }

  return app;
}

/** `/v1/rooms/{id}/sidekicks`: a section for each. CONTRACT section 6. */
export function sidekickRoutes({ auth, acting, store, writer }: SectionDeps): Hono<Authenticated> {
  const app = new Hono<Authenticated>();

  app.get(`${ROOM}/sidekicks`, docs.sidekicks, auth, async (c) => {
    const state = await readState(store, c.get("actor"), roomIn(c.req.param("roomId")));
    return c.json({ data: sidekicksBody(state) });
  });

  app.put(`${ROOM}/sidekicks/:sidekickId`, docs.putSidekick, acting, async (c) => {
    const roomId = roomIn(c.req.param("roomId"));
    const id = sidekickIn(c.req.param("sidekickId"));
    const body = parse(Sidekick, await readJson(c));
    await writer.putSection(c.get("actor"), roomId, sidekickSection(id), body);
    return c.json({ data: body });
  });

  app.delete(`${ROOM}/sidekicks/:sidekickId`, docs.removeSidekick, acting, async (c) => {
    const id = sidekickIn(c.req.param("sidekickId"));
    await writer.putSection(c.get("actor"), roomIn(c.req.param("roomId")), sidekickSection(id), null);
    return c.json({ message: "Sidekick removed" });
  });

  return app;
}
