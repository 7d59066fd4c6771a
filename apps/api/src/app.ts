import type { Origins } from "@signalbox/node/http/cors";
import type { Log } from "@signalbox/node/log";
import type { Metrics } from "@signalbox/node/metrics";
import { Hono, type MiddlewareHandler } from "hono";
import { routePath } from "hono/route";
import { type ActDeps, createAct } from "./act.ts";
import { createGuards, type GuardDeps, type Guards } from "./auth.ts";
import { crossOrigin } from "./cors.ts";
import { answerErrors, answerUnknown, refuseMethod } from "./problem.ts";
import { chatRoutes } from "./routes/api-chat.ts";
import { markerRoutes } from "./routes/chat-api-v1/marker.ts";
import { signalPresenceRoutes } from "./routes/chat-api-v1/presence.ts";
import { readRoutes } from "./routes/chat-api-v1/read.ts";
import { receiptRoutes } from "./routes/chat-api-v1/receipts.ts";
import { signalRoutes } from "./routes/chat-api-v1/signals.ts";
import { signalTypingRoutes } from "./routes/chat-api-v1/typing.ts";
import { projectionRoutes } from "./routes/core-api-v1/messages.ts";
import { type SignInDeps, signInRoutes } from "./routes/dev-sign-in.ts";
import { documentRoutes } from "./routes/documents.ts";
import { healthRoutes } from "./routes/health.ts";
import { matrixRoutes } from "./routes/matrix-app-v1.ts";
import { type PageDeps, pageRoutes } from "./routes/page.ts";
import { memberRoutes } from "./routes/v1/members.ts";
import { muteRoutes } from "./routes/v1/mute.ts";
import { presenceRoutes } from "./routes/v1/presence.ts";
import { roomRoutes } from "./routes/v1/rooms.ts";
import { sectionRoutes, sidekickRoutes } from "./routes/v1/sections.ts";
import { snoozeRoutes } from "./routes/v1/snoozes.ts";
import { stateRoutes } from "./routes/v1/state.ts";
import { ticketRoutes } from "./routes/v1/tickets.ts";
import { typingRoutes } from "./routes/v1/typing.ts";
import { userRoutes } from "./routes/v1/users.ts";

/** All routes of an API node. A file is named by its paths: `routes/v1/members.ts` has `/v1/rooms/:roomId/members`. */
const ROUTES = [
  // /api/chat
  chatRoutes,
  // /v1
  roomRoutes,
  memberRoutes,
  stateRoutes,
  sectionRoutes,
  sidekickRoutes,
  muteRoutes,
  snoozeRoutes,
  presenceRoutes,
  typingRoutes,
  ticketRoutes,
  userRoutes,
  // /chat/api/v1
  signalRoutes,
  signalTypingRoutes,
  signalPresenceRoutes,
  readRoutes,
  receiptRoutes,
  markerRoutes,
  // /core/api/v1
  projectionRoutes,
] as const;
/** Those that no user's token opens. */
const OPEN_ROUTES = [healthRoutes, matrixRoutes] as const;

type Intersection<Union> = (Union extends unknown ? (each: Union) => void : never) extends (all: infer All) => void
  ? All
  : never;
/** The dependencies of all of them. */
type RouteDeps = Intersection<Parameters<(typeof ROUTES | typeof OPEN_ROUTES)[number]>[0]>;

/** Parts of a node for trying. */
export interface DevOptions {
  /** Signs a token for any user; absent: there is no sign-in. */
  readonly signer?: SignInDeps["signer"] | undefined;
  /** See `PageDeps`; absent: there is no page. */
  readonly page?: PageDeps["page"] | undefined;
}

export type ApiDeps = Omit<RouteDeps, keyof Guards | "act"> &
  GuardDeps &
  ActDeps &
  DevOptions & {
    readonly metrics: Metrics;
    readonly log: Log;
    readonly origins: Origins;
  };

/** The REST surface. It keeps nothing between two requests. */
export function createApi(deps: ApiDeps): Hono {
  const opened = { ...deps, ...createGuards(deps), act: createAct(deps) };
  const app = new Hono();
  app.onError(answerErrors(deps.log));
  app.notFound(answerUnknown);
  app.use(measured(deps.metrics));
  app.use(crossOrigin(deps.origins));
  for (const routes of OPEN_ROUTES) app.route("/", routes(opened));
  for (const routes of ROUTES) app.route("/", routes(opened));
  const { signer, page, origins } = deps;
  if (signer !== undefined) app.route("/", signInRoutes({ signer, origins }));
  if (page !== undefined) app.route("/", pageRoutes({ page }));
  app.route("/", documentRoutes(app));
  refuseOtherMethods(app);
  return app;
}

function measured({ requests }: Pick<Metrics, "requests">): MiddlewareHandler {
  return async (c, next) => {
    const end = requests.startTimer();
    await next();
    const path = routePath(c, -1);
    end({
      method: METHODS.has(c.req.method) ? c.req.method : "other",
      route: path === "/*" ? "unmatched" : path,
      status: c.res.status,
    });
  };
}

/** Methods that may become a label's value; a client can make up any other. */
const METHODS: ReadonlySet<string> = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]);

/** Adds a last handler for each known path: a request reaches it with a method that the path does not take. */
function refuseOtherMethods(app: Hono): void {
  const methods = new Map<string, Set<string>>();
  for (const { path, method } of app.routes) {
    if (method !== "ALL") methods.set(path, (methods.get(path) ?? new Set()).add(method));
  }
  for (const [path, allowed] of methods) app.all(path, refuseMethod([...allowed]));
}
