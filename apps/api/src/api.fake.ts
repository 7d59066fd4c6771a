/** The app with hand-made deps, for tests that call it without a port. */
import type { Access } from "@signalbox/node/access";
import { createHealth } from "@signalbox/node/health";
import { createLog } from "@signalbox/node/log";
import { createMetrics } from "@signalbox/node/metrics";
import { Problem } from "@signalbox/protocol/errors";
import { type ApiDeps, createApi } from "./app.ts";

export const ROOM = "0192a1b2-0000-7000-8000-000000000001";
export const MESSAGE = "0192a1b2-0000-7000-8000-00000000000a";

interface Fakes {
  readonly store?: Partial<ApiDeps["store"]>;
  readonly writer?: Partial<ApiDeps["writer"]>;
  readonly rateLimit?: ApiDeps["rateLimit"];
  readonly allowedOrigins?: readonly string[];
}

const unexpected = () => Promise.reject(new Error("this test does not expect that call"));

const store: ApiDeps["store"] = {
  isVisible: unexpected,
  history: unexpected,
  roomPage: unexpected,
  putUser: unexpected,
};
const writer: ApiDeps["writer"] = {
  act: unexpected,
  createRoom: unexpected,
  patchRoom: unexpected,
  deleteRoom: unexpected,
  putMember: unexpected,
  removeMember: unexpected,
  revoke: unexpected,
};

/** A bearer's token is their user id; "service" is a trusted back end, "bad" is refused. */
const access: Pick<Access, "admit"> = {
  async admit(userId) {
    if (userId === "bad") throw new Problem("unauthenticated", "the token is not valid");
    return { userId, name: null, service: userId === "service", issuedAt: new Date(0), expiresAt: new Date(8.64e15) };
  },
};

/** What the app logs is kept in `logged`. */
export function fakeApi(fakes: Fakes = {}) {
  const logged: string[] = [];
  const metrics = createMetrics();
  const health = createHealth({ metrics });
  const app = createApi({
    access,
    store: { ...store, ...fakes.store },
    writer: { ...writer, ...fakes.writer },
    rateLimit: fakes.rateLimit ?? { take: async () => {} },
    health,
    metrics,
    log: createLog({ kind: "api", logLevel: "info" }, { write: (line) => void logged.push(line) }),
    allowedOrigins: fakes.allowedOrigins ?? [],
  });
  /** A request by `userId`; a body that is not a string goes out as JSON. */
  const call = (userId: string, method: string, path: string, body?: unknown) =>
    app.request(path, {
      method,
      headers: { Authorization: `Bearer ${userId}` },
      ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
    });
  return { app, call, health, metrics, logged };
}
