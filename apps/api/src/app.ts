import type { Origins } from "@signalbox/node/http/cors";
import type { Log } from "@signalbox/node/log";
import type { Metrics } from "@signalbox/node/metrics";
import { Hono, type MiddlewareHandler } from "hono";
import { routePath } from "hono/route";
import { type ActDeps, createAct } from "./act.ts";
import { createGuards, type GuardDeps, type Guards } from "./auth.ts";
import { crossOrigin } from "./cors.ts";
import { answerErrors, answerUnknown, refuseMethod } from "./problem.ts";
import { type ChatDeps, chatRoutes } from "./routes/chat.ts";
import { documentRoutes } from "./routes/documents.ts";
import { type HealthDeps, healthRoutes } from "./routes/health.ts";
import { type MatrixDeps, matrixRoutes } from "./routes/matrix.ts";
import { type PageDeps, pageRoutes } from "./routes/page.ts";
import { type PresenceDeps, presenceRoutes } from "./routes/presence.ts";
import { type ProjectionDeps, projectionRoutes } from "./routes/projections.ts";
import { type RoomDeps, roomRoutes } from "./routes/rooms.ts";
import { type SignInDeps, signInRoutes } from "./routes/sign-in.ts";
import { type SignalDeps, signalRoutes } from "./routes/signals.ts";
import { type StateDeps, stateRoutes } from "./routes/state.ts";
import { type TicketDeps, ticketRoutes } from "./routes/tickets.ts";
import { type UserDeps, userRoutes } from "./routes/users.ts";

type RouteDeps = ChatDeps &
  RoomDeps &
  UserDeps &
  SignalDeps &
  PresenceDeps &
  StateDeps &
  TicketDeps &
  ProjectionDeps &
  MatrixDeps &
  HealthDeps;

/** What only a node for trying serves. */
export interface DevOptions {
  /** Signs whoever says who they are in; absent: nobody. */
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

const ROUTES = [
  chatRoutes,
  roomRoutes,
  userRoutes,
  signalRoutes,
  presenceRoutes,
  stateRoutes,
  ticketRoutes,
  projectionRoutes,
];

/** The REST surface. It keeps nothing between two requests. */
export function createApi(deps: ApiDeps): Hono {
  const opened = { ...deps, ...createGuards(deps), act: createAct(deps) };
  const app = new Hono();
  app.onError(answerErrors(deps.log));
  app.notFound(answerUnknown);
  app.use(measured(deps.metrics));
  app.use(crossOrigin(deps.origins));
  app.route("/", healthRoutes(deps));
  app.route("/", matrixRoutes(deps));
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

/** Stands behind all routes: whatever reaches it has a known path, and a method that this path does not take. */
function refuseOtherMethods(app: Hono): void {
  const methods = new Map<string, Set<string>>();
  for (const { path, method } of app.routes) {
    if (method !== "ALL") methods.set(path, (methods.get(path) ?? new Set()).add(method));
  }
  for (const [path, allowed] of methods) app.all(path, refuseMethod([...allowed]));
}
