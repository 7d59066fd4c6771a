import type { Actor } from "@signalbox/core/model/actor";
import type { ProjectionFilter, Store } from "@signalbox/core/ports/store";
import { ProjectionsQuery, StatsQuery } from "@signalbox/protocol/http";
import { eventIdOf, isMatrixEventId, matrixEventId } from "@signalbox/protocol/ids";
import { parse } from "@signalbox/protocol/parse";
import { Hono } from "hono";
import type { Authenticated, Guards } from "../../auth.ts";
import { decodeCursor, pageOf } from "../../cursor.ts";
import * as docs from "../../docs/core-api-v1/messages.ts";
import { messageIn, noSuchMessage, noSuchRoom } from "../../paths.ts";
import { projectionBody, statisticsBody } from "../../responses/projections.ts";

export interface ProjectionDeps extends Pick<Guards, "auth"> {
  readonly store: Pick<Store, "projections" | "projection" | "statistics" | "headOf">;
  /** `SERVER_NAME`: the domain in event ids of messages that did not come from Matrix. */
  readonly serverName: string;
}

const MESSAGES = "/core/api/v1/messages";

/** `/core/api/v1/messages`: projections, listed, counted and one by one. CONTRACT section 7. */
export function projectionRoutes({ auth, store, serverName }: ProjectionDeps): Hono<Authenticated> {
  const app = new Hono<Authenticated>();

  app.get(MESSAGES, docs.list, auth, async (c) => {
    const { userId, service } = c.get("actor");
    const query = parse(ProjectionsQuery, c.req.query());
    const filter = await filterOf(query, c.get("actor"));
    if (filter.roomId !== null && (await store.headOf(filter.roomId, userId, service)) === null) throw noSuchRoom();
    const messages = await store.projections(userId, service, filter, query.limit + 1);
    const { page, next_cursor } = pageOf(messages, query.limit, ({ messageId }) => messageId);
    return c.json({ data: page.map((message) => projectionBody(message, serverName)), next_cursor });
  });

  app.get(`${MESSAGES}/stats`, docs.statistics, auth, async (c) => {
    const { conversation_id } = parse(StatsQuery, c.req.query());
    const { userId, service } = c.get("actor");
    const statistics = await store.statistics(conversation_id, userId, service);
    if (statistics === null) throw noSuchRoom();
    return c.json({ data: statisticsBody(conversation_id, statistics) });
  });

  app.get(`${MESSAGES}/:id`, docs.one, auth, async (c) => {
    const { userId, service } = c.get("actor");
    const message = await store.projection(userId, service, messageIn(c.req.param("id")));
    if (message === null) throw noSuchMessage();
    return c.json({ data: projectionBody(message, serverName) });
  });

  async function filterOf(query: ProjectionsQuery, actor: Actor): Promise<ProjectionFilter> {
    const { cursor, thread_root_event_id: root } = query;
    return {
      roomId: query.conversation_id ?? null,
      type: query.message_type ?? null,
      hasFile: query.has_attachment ?? null,
      senderId: query.sender_user_id ?? null,
      threadRoot: root === undefined ? null : await rootOf(root, actor),
      from: query.sent_after ?? null,
      until: query.sent_before ?? null,
      words: query.q ?? null,
      after: cursor === undefined ? null : decodeCursor(cursor),
    };
  }

  /** Threads are stored under the Matrix event id of their root; a query may name the root by our id. */
  async function rootOf(root: string, { userId, service }: Actor): Promise<string> {
    if (isMatrixEventId(root)) return root;
    const message = await store.projection(userId, service, root);
    return message === null ? matrixEventId(root, serverName) : eventIdOf(message, serverName);
  }

  return app;
}
