import type { Writer } from "@signalbox/core/commands/writer";
import type { Store } from "@signalbox/core/ports/store";
import { Call, Engagement, Plan, PutMute, PutSnooze, Sidekick } from "@signalbox/protocol/http";
import { parse } from "@signalbox/protocol/parse";
import { Hono } from "hono";
import type { Authenticated, Guards } from "../auth.ts";
import { readJson } from "../body.ts";
import * as docs from "../docs/state.ts";
import { messageIn, noSuchMessage, noSuchRoom, ownIdOf, roomIn, sidekickIn } from "../paths.ts";
import { roomBody } from "../responses/rooms.ts";
import { engagementBody, eventId, membersBody, partBody, sidekicksBody, stateBody } from "../responses/state.ts";
import { readState, type SnapshotDeps, takeSnapshot } from "../snapshot.ts";

export interface StateDeps extends Pick<Guards, "auth" | "acting">, SnapshotDeps {
  readonly store: Pick<Store, "roomState" | "mute" | "snooze" | "messageIds">;
  readonly writer: Pick<Writer, "putSection">;
}

/** What a room is at the moment, whole and in parts, and what one user set for themselves there. CONTRACT section 6. */
export function stateRoutes(deps: StateDeps): Hono<Authenticated> {
  const app = new Hono<Authenticated>();
  app.route("/", readingRoutes(deps));
  app.route("/", partRoutes(deps));
  app.route("/", sidekickRoutes(deps));
  app.route("/", personalRoutes(deps));
  return app;
}

const PATH = "/v1/rooms/:roomId";

function readingRoutes(deps: StateDeps): Hono<Authenticated> {
  const { auth, store } = deps;
  const app = new Hono<Authenticated>();

  app.get(`${PATH}/state`, docs.state, auth, async (c) => {
    const snapshot = await takeSnapshot(deps, c.get("actor"), roomIn(c.req.param("roomId")));
    return c.json({ data: stateBody(snapshot) });
  });

  app.get(`${PATH}/members`, docs.members, auth, async (c) => {
    const snapshot = await takeSnapshot(deps, c.get("actor"), roomIn(c.req.param("roomId")));
    return c.json({ data: membersBody(snapshot) });
  });

  app.get(PATH, docs.one, auth, async (c) => {
    const { room } = await readState(store, c.get("actor"), roomIn(c.req.param("roomId")));
    return c.json({ data: roomBody(room) });
  });

  return app;
}

function partRoutes({ auth, acting, store, writer }: StateDeps): Hono<Authenticated> {
  const app = new Hono<Authenticated>();

  app.get(`${PATH}/engagement`, docs.engagement.get, auth, async (c) => {
    const state = await readState(store, c.get("actor"), roomIn(c.req.param("roomId")));
    return c.json({ data: engagementBody(state) });
  });

  app.put(`${PATH}/engagement`, docs.engagement.put, acting, async (c) => {
    const roomId = roomIn(c.req.param("roomId"));
    const body = parse(Engagement, await readJson(c));
    await writer.putSection(c.get("actor"), roomId, "engagement", body);
    return c.json({ data: body });
  });

  for (const { part, schema, described, removed } of [
    { part: "plan", schema: Plan, described: docs.plan, removed: "Plan removed" },
    { part: "call", schema: Call, described: docs.call, removed: "Call removed" },
  ] as const) {
    app.get(`${PATH}/${part}`, described.get, auth, async (c) => {
      const state = await readState(store, c.get("actor"), roomIn(c.req.param("roomId")));
      return c.json({ data: partBody(state, part) });
    });

    app.put(`${PATH}/${part}`, described.put, acting, async (c) => {
      const roomId = roomIn(c.req.param("roomId"));
      const body = parse(schema, await readJson(c));
      await writer.putSection(c.get("actor"), roomId, part, body);
      return c.json({ data: body });
    });

    app.delete(`${PATH}/${part}`, described.remove, acting, async (c) => {
      await writer.putSection(c.get("actor"), roomIn(c.req.param("roomId")), part, null);
      return c.json({ message: removed });
    });
  }

  return app;
}

function sidekickRoutes({ auth, acting, store, writer }: StateDeps): Hono<Authenticated> {
  const app = new Hono<Authenticated>();

  app.get(`${PATH}/sidekicks`, docs.sidekicks, auth, async (c) => {
    const state = await readState(store, c.get("actor"), roomIn(c.req.param("roomId")));
    return c.json({ data: sidekicksBody(state) });
  });

  app.put(`${PATH}/sidekicks/:sidekickId`, docs.putSidekick, acting, async (c) => {
    const roomId = roomIn(c.req.param("roomId"));
    const id = sidekickIn(c.req.param("sidekickId"));
    const body = parse(Sidekick, await readJson(c));
    await writer.putSection(c.get("actor"), roomId, `sidekick ${id}`, body);
    return c.json({ data: body });
  });

  app.delete(`${PATH}/sidekicks/:sidekickId`, docs.removeSidekick, acting, async (c) => {
    const id = sidekickIn(c.req.param("sidekickId"));
    await writer.putSection(c.get("actor"), roomIn(c.req.param("roomId")), `sidekick ${id}`, null);
    return c.json({ message: "Sidekick removed" });
  });

  return app;
}

function personalRoutes({ acting, store }: StateDeps): Hono<Authenticated> {
  const app = new Hono<Authenticated>();

  app.put(`${PATH}/mute`, docs.mute, acting, async (c) => {
    const roomId = roomIn(c.req.param("roomId"));
    const { until } = parse(PutMute, await readJson(c));
    if (!(await store.mute(roomId, c.get("actor").userId, until))) throw noSuchRoom();
    return c.json({ data: { muted_until: until?.toISOString() ?? null } });
  });

  app.put(`${PATH}/snoozes/:eventId`, docs.snooze, acting, async (c) => {
    const roomId = roomIn(c.req.param("roomId"));
    const asked = messageIn(c.req.param("eventId"));
    const { until } = parse(PutSnooze, await readJson(c));
    const messageId = await ownIdOf(store, roomId, asked);
    if (!(await store.snooze(roomId, c.get("actor").userId, messageId, until))) throw noSuchMessage();
    return c.json({ data: { event_id: eventId(messageId), until: until.toISOString() } });
  });

  app.delete(`${PATH}/snoozes/:eventId`, docs.endSnooze, acting, async (c) => {
    const roomId = roomIn(c.req.param("roomId"));
    const messageId = await ownIdOf(store, roomId, messageIn(c.req.param("eventId")));
    if (!(await store.snooze(roomId, c.get("actor").userId, messageId, null))) throw noSuchMessage();
    return c.json({ message: "Snooze ended" });
  });

  return app;
}
