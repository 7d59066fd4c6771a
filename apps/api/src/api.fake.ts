/** The app with hand-made deps, for tests that call it without a port. */

import type { MessageRow, RoomRow, UserRow } from "@signalbox/core/model/rows";
import type { RoomState } from "@signalbox/core/ports/store";
import type { Access } from "@signalbox/node/access";
import { createHealth } from "@signalbox/node/health";
import { createOrigins } from "@signalbox/node/http/cors";
import { createLog } from "@signalbox/node/log";
import { createMetrics } from "@signalbox/node/metrics";
import { Problem } from "@signalbox/protocol/errors";
import { type ApiDeps, createApi } from "./app.ts";

export const ROOM = "0192a1b2-0000-7000-8000-000000000001";
export const MESSAGE = "0192a1b2-0000-7000-8000-00000000000a";
export const ADA = "c3d4e5f6-a7b8-9012-cdef-123456789012";
export const BOB = "d4e5f6a7-b8c9-0123-defa-234567890123";

export const room: RoomRow = {
  roomId: ROOM,
  name: "Den",
  metadata: { colour: "green" },
  createdBy: "ada",
  createdAt: new Date(0),
  lastSeq: 3,
  lastMark: 0x4f1d09c2,
  memberCount: 2,
  messageCount: 1,
  deletedAt: null,
  matrixRoomId: null,
};

/** The cursor of `room`. */
export const CURSOR = "3-4f1d09c2";

/** `room` as the API prints it. */
export const printedRoom = {
  id: ROOM,
  name: "Den",
  metadata: { colour: "green" },
  created_by: "ada",
  created_at: "1970-01-01T00:00:00.000Z",
  matrix_room_id: null,
  member_count: 2,
  seq: 3,
};

/** The state of that room for a member that never did anything there. */
export const fakeState = (state: Partial<RoomState> = {}): RoomState => ({
  roomId: ROOM,
  userId: ADA,
  unread: 0,
  mentions: 0,
  mutedUntil: null,
  room,
  members: [],
  sections: [],
  lastReadId: null,
  markerId: null,
  snoozed: [],
  ...state,
});

export const fakeUser = (user: Pick<UserRow, "userId"> & Partial<UserRow>): UserRow => ({
  name: null,
  revokedAt: null,
  choice: "online",
  choiceVersion: 0,
  activeAt: null,
  matrixUserId: null,
  ...user,
});

/** A message of ada's as she just sent it. */
export const fakeMessage = (message: Partial<MessageRow> = {}): MessageRow => ({
  roomId: ROOM,
  seq: 3,
  ordinal: 1,
  messageId: MESSAGE,
  senderId: "ada",
  content: "hello",
  sentAt: new Date(0),
  clientMessageId: null,
  replyTo: null,
  mentions: null,
  textMentions: null,
  type: "m.text",
  file: null,
  threadRoot: null,
  eventId: null,
  editSeq: null,
  editedAt: null,
  deleteSeq: null,
  deletedAt: null,
  deletedBy: null,
  ...message,
});

interface Fakes {
  readonly store?: Partial<ApiDeps["store"]>;
  readonly writer?: Partial<ApiDeps["writer"]>;
  readonly engine?: Partial<ApiDeps["engine"]>;
  readonly presence?: Partial<ApiDeps["presence"]>;
  readonly rateLimit?: ApiDeps["rateLimit"];
  readonly ingest?: ApiDeps["ingest"];
  readonly matrixUsers?: readonly string[];
  readonly signer?: ApiDeps["signer"];
  readonly page?: string;
  readonly matrixHsToken?: string;
  readonly allowedOrigins?: readonly string[];
}

const unexpected = () => Promise.reject(new Error("this test does not expect that call"));

const store: ApiDeps["store"] = {
  headOf: unexpected,
  history: unexpected,
  messageIds: unexpected,
  projections: unexpected,
  projection: unexpected,
  statistics: unexpected,
  roomPage: unexpected,
  roomState: unexpected,
  mute: unexpected,
  snooze: unexpected,
  putUser: unexpected,
};
const writer: ApiDeps["writer"] = {
  act: unexpected,
  createRoom: unexpected,
  updateRoom: unexpected,
  deleteRoom: unexpected,
  putMember: unexpected,
  removeMember: unexpected,
  revoke: unexpected,
  setMarker: unexpected,
  putSection: unexpected,
};
const engine: ApiDeps["engine"] = { typing: { list: unexpected }, tickets: { put: unexpected } };
const presence = { choose: unexpected, look: unexpected, lookAt: unexpected };

/** A bearer's token is their user id; "service" is a trusted back end, "hidden" appears offline, "bad" is refused. */
const access: Pick<Access, "authenticate"> = {
  async authenticate(userId) {
    if (userId === "bad") throw new Problem("unauthenticated", "the token is not valid");
    return {
      userId,
      name: null,
      service: userId === "service",
      hidden: userId === "hidden",
      issuedAt: new Date(0),
      expiresAt: new Date(8.64e15),
    };
  },
};

/** `logged`: the lines of the log. `touched`: the users that presence was told to be active. */
export function fakeApi(fakes: Fakes = {}) {
  const logged: string[] = [];
  const touched: string[] = [];
  const log = createLog({ kind: "api", logLevel: "info" }, { write: (line) => void logged.push(line) });
  const metrics = createMetrics();
  const health = createHealth({ metrics });
  const app = createApi({
    access,
    store: { ...store, ...fakes.store },
    writer: { ...writer, ...fakes.writer },
    engine: { ...engine, ...fakes.engine },
    presence: { ...presence, touch: (userId) => void touched.push(userId), ...fakes.presence },
    rateLimit: fakes.rateLimit ?? { take: async () => {} },
    ingest: fakes.ingest ?? { take: unexpected },
    knowsMatrixUser: async (matrixUserId) => fakes.matrixUsers?.includes(matrixUserId) ?? false,
    matrixHsToken: fakes.matrixHsToken,
    signer: fakes.signer,
    page: fakes.page,
    health,
    metrics,
    log,
    origins: createOrigins(fakes.allowedOrigins ?? [], log),
    serverName: "your-sphere.example.com",
    typingTtlMs: 4000,
  });
  /** A request by `userId`; a body that is not a string goes out as JSON. */
  const call = (userId: string, method: string, path: string, body?: unknown) =>
    app.request(path, {
      method,
      headers: { Authorization: `Bearer ${userId}` },
      ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
    });
  return { app, call, health, metrics, logged, touched };
}

/** The app at a rate limit that every user has passed. */
export const limitedApi = () =>
  fakeApi({
    rateLimit: { take: () => Promise.reject(new Problem("rate_limited", "too many actions", { retryAfterMs: 20 })) },
  });
