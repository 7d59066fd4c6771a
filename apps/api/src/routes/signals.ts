import type { Writer } from "@signalbox/core/commands/writer";
import type { Store } from "@signalbox/core/ports/store";
import type { TypingStore } from "@signalbox/core/ports/typing-store";
import type { Presence } from "@signalbox/core/presence/presence";
import { PostEvent, PostTyping, PutSignalPresence } from "@signalbox/protocol/http";
import { parse } from "@signalbox/protocol/parse";
import { Hono } from "hono";
import type { Act } from "../act.ts";
import type { Authenticated, Guards } from "../auth.ts";
import { readJson } from "../body.ts";
import * as docs from "../docs/signals.ts";
import { noSuchRoom, roomIn, userIn } from "../paths.ts";
import { presenceBody, receiptsBody, snapshotBody, typistBody } from "../responses/signals.ts";
import { readState, takeSnapshot } from "../snapshot.ts";

export interface SignalDeps extends Guards {
  readonly act: Act;
  readonly store: Pick<Store, "roomState" | "seqOf">;
  readonly engine: { readonly typing: Pick<TypingStore, "list"> };
  readonly presence: Pick<Presence, "choose" | "look" | "lookAt">;
  readonly writer: Pick<Writer, "setMarker">;
  /** `SERVER_NAME`: the domain of the event ids that are printed. */
  readonly serverName: string;
}

const CONVERSATION = "/chat/api/v1/conversations/:roomId";

/** The signals of conversations, all but the stream. CONTRACT section 5. */
export function signalRoutes(deps: SignalDeps): Hono<Authenticated> {
  const app = new Hono<Authenticated>();
  app.route("/", snapshotRoutes(deps));
  app.route("/", typingRoutes(deps));
  app.route("/", presenceRoutes(deps));
  app.route("/", readingRoutes(deps));
  return app;
}

function snapshotRoutes({ auth, serverName, ...deps }: SignalDeps): Hono<Authenticated> {
  return new Hono<Authenticated>().get(`${CONVERSATION}/signals/snapshot`, docs.snapshot, auth, async (c) => {
    const snapshot = await takeSnapshot(deps, c.get("actor"), roomIn(c.req.param("roomId")));
    return c.json({ data: snapshotBody(snapshot, serverName, Date.now()) });
  });
}

function typingRoutes({ auth, limited, act, store, engine }: SignalDeps): Hono<Authenticated> {
  const app = new Hono<Authenticated>();

  app.post(`${CONVERSATION}/typing`, docs.sendTyping, limited, async (c) => {
    const chatId = roomIn(c.req.param("roomId"));
    const { typing } = parse(PostTyping, await readJson(c));
    await act(c.get("actor"), { type: typing ? "TYPING" : "STOP_TYPING", chatId });
    return c.json({ message: "Typing indicator sent." });
  });

  app.get(`${CONVERSATION}/typing`, docs.typing, auth, async (c) => {
    const roomId = roomIn(c.req.param("roomId"));
    const { userId, service } = c.get("actor");
    if ((await store.seqOf(roomId, userId, service)) === null) throw noSuchRoom();
    const typists = (await engine.typing.list([roomId])).get(roomId) ?? [];
    return c.json({ data: typists.map(typistBody) });
  });

  return app;
}

function presenceRoutes({ auth, limited, presence }: SignalDeps): Hono<Authenticated> {
  const app = new Hono<Authenticated>();

  app.put("/chat/api/v1/presence", docs.setPresence, limited, async (c) => {
    const { status } = parse(PutSignalPresence, await readJson(c));
    return c.json({ data: presenceBody(await presence.choose(c.get("actor").userId, status)) });
  });

  app.get("/chat/api/v1/presence/:userId", docs.presence, auth, async (c) => {
    const seen = await presence.look(c.get("actor"), [userIn(c.req.param("userId"))]);
    return c.json({ data: [...seen.values()].map(presenceBody)[0] });
  });

  return app;
}

function readingRoutes({ auth, limited, acting, act, store, writer, serverName }: SignalDeps): Hono<Authenticated> {
  const app = new Hono<Authenticated>();

  app.post(`${CONVERSATION}/read`, docs.read, limited, async (c) => {
    const chatId = roomIn(c.req.param("roomId"));
    const { event_id: messageId } = parse(PostEvent, await readJson(c));
    await act(c.get("actor"), { type: "READ_MSG", chatId, messageId });
    return c.json({ message: "Read receipt sent." });
  });

  app.get(`${CONVERSATION}/receipts`, docs.receipts, auth, async (c) => {
    const { members } = await readState(store, c.get("actor"), roomIn(c.req.param("roomId")));
    return c.json({ data: receiptsBody(members, serverName) });
  });

  app.post(`${CONVERSATION}/marker`, docs.marker, acting, async (c) => {
    const roomId = roomIn(c.req.param("roomId"));
    const { event_id: messageId } = parse(PostEvent, await readJson(c));
    await writer.setMarker(c.get("actor"), roomId, messageId);
    return c.json({ message: "Read marker set." });
  });

  return app;
}
