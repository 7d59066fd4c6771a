/** CONTRACT sections 1, 5 and 6: each field of each body invalid in turn, and every endpoint without a token. */
import { describe, expect, test } from "vitest";
import type { Fields } from "../../../support/arrivals.ts";
import { ask, expectProblem } from "../../../support/http.ts";
import { conversation } from "../../../support/queries.ts";
import type { World } from "../../../support/world.ts";
import { ANY_TEXT, NOTHING } from "../../support/shapes.ts";

interface Endpoint {
  readonly method: string;
  readonly path: (chatId: string) => string;
  /** A valid body, if it takes one. */
  readonly body?: Fields;
  /** Invalid values by field. */
  readonly wrong?: Readonly<Record<string, readonly unknown[]>>;
  /** Fields that may be left out. */
  readonly optional?: readonly string[];
}

const NO_ID = [undefined, null, 7, "", "x", "$", {}, [NOTHING]];
const NO_LABEL = [undefined, null, 7, "", "  ", {}, ["x"], "x".repeat(201)];
const NO_TIME = [undefined, 7, "", "tomorrow", "2026-02-24", "2026-02-24T14:35:00+01:00", "2026-13-01T00:00:00Z", {}];
const NO_FLAG = [undefined, null, 0, 1, "true", "", []];
const NO_USERS = [undefined, null, "ann", [""], [7], ["no user"], ["u".repeat(129)], { 0: "ann" }];
const step = { id: "s1", title: "First", status: "open" };

const ENDPOINTS: readonly Endpoint[] = [
  {
    method: "PUT",
    path: () => "/v1/presence",
    body: { status: "online" },
    wrong: { status: [undefined, null, 7, "", "offline", "unavailable", "away", "Online", ["online"]] },
  },
  {
    method: "PUT",
    path: () => "/chat/api/v1/presence",
    body: { status: "online" },
    wrong: { status: [undefined, null, 7, "", "idle", "busy", "appear_offline", "away", ["online"]] },
  },
  { method: "POST", path: () => "/v1/presence/query", body: { ids: ["ann"] }, wrong: { ids: [[], ...NO_USERS] } },
  {
    method: "PUT",
    path: () => "/v1/typing",
    body: { room_id: NOTHING, typing: true },
    wrong: { room_id: NO_ID, typing: NO_FLAG },
  },
  {
    method: "POST",
    path: (room) => `${conversation(room)}/typing`,
    body: { typing: true },
    wrong: { typing: NO_FLAG },
  },
  {
    method: "POST",
    path: (room) => `${conversation(room)}/read`,
    body: { event_id: NOTHING },
    wrong: { event_id: NO_ID },
  },
  {
    method: "POST",
    path: (room) => `${conversation(room)}/marker`,
    body: { event_id: NOTHING },
    wrong: { event_id: NO_ID },
  },
  {
    method: "PUT",
    path: (room) => `/v1/rooms/${room}/engagement`,
    body: { mode: "off", overrides: {} },
    wrong: { mode: NO_LABEL, overrides: [null, 7, "x", { ann: 7 }, { ann: null }, { "no user": "off" }] },
    optional: ["overrides"],
  },
  {
    method: "PUT",
    path: (room) => `/v1/rooms/${room}/plan`,
    body: { title: "The plan", steps: [step] },
    wrong: {
      title: NO_LABEL,
      steps: [
        undefined,
        null,
        "x",
        {},
        [7],
        [null],
        ...["id", "title", "status"].map((name) => [{ ...step, [name]: 7 }]),
      ],
    },
  },
  { method: "PUT", path: (room) => `/v1/rooms/${room}/sidekicks/one`, body: {} },
  {
    method: "PUT",
    path: (room) => `/v1/rooms/${room}/call`,
    body: { call_id: "c1", started_at: "2026-02-24T14:35:00Z", participants: ["ann"] },
    wrong: { call_id: NO_LABEL, started_at: [null, ...NO_TIME], participants: NO_USERS },
  },
  { method: "PUT", path: (room) => `/v1/rooms/${room}/mute`, body: { until: null }, wrong: { until: NO_TIME } },
  {
    method: "PUT",
    path: (room) => `/v1/rooms/${room}/snoozes/${NOTHING}`,
    body: { until: "2040-01-01T00:00:00Z" },
    wrong: { until: [null, ...NO_TIME] },
  },
  { method: "POST", path: () => "/v1/tickets" },
  { method: "GET", path: () => "/v1/presence?ids=ann" },
  { method: "GET", path: () => "/chat/api/v1/presence/ann" },
  { method: "GET", path: (room) => `/v1/rooms/${room}/state` },
  { method: "GET", path: (room) => `${conversation(room)}/signals/snapshot` },
  { method: "GET", path: (room) => `${conversation(room)}/typing` },
  { method: "GET", path: (room) => `${conversation(room)}/receipts` },
  { method: "DELETE", path: (room) => `/v1/rooms/${room}/plan` },
  { method: "DELETE", path: (room) => `/v1/rooms/${room}/call` },
  { method: "DELETE", path: (room) => `/v1/rooms/${room}/sidekicks/one` },
  { method: "DELETE", path: (room) => `/v1/rooms/${room}/snoozes/${NOTHING}` },
];

const named = (endpoints: readonly Endpoint[]) =>
  endpoints.map((endpoint) => [`${endpoint.method} ${endpoint.path("…")}`, endpoint] as const);

/** A value in messages: `undefined` is left out of JSON. */
const nameOf = (value: unknown): string => (value === undefined ? "nothing" : JSON.stringify(value));

export function invalidInput(world: World): void {
  describe("bad input to", () => {
    test.each(named(ENDPOINTS.filter(({ body }) => body !== undefined)))(
      "%s is invalid, and names the field",
      async (_, endpoint) => {
        const { alice, chatId } = await world.chat();
        const { method, path, body, wrong = {}, optional = [] } = endpoint;
        for (const whole of ["", "{", "null", "7", "[]", '"text"'])
          expectProblem(await alice.asks(method, path(chatId), whole), "invalid");
        for (const [field, values] of Object.entries(wrong))
          for (const value of values.filter((each) => each !== undefined || !optional.includes(field))) {
            const answer = await alice.asks(method, path(chatId), { ...body, [field]: value });
            expect(answer.status, `${field}: ${nameOf(value)}: ${answer.text}`).toBe(400);
            const { errors } = expectProblem(answer, "invalid") as { errors: { path: string; message: string }[] };
            expect(errors.length, `${field}: ${nameOf(value)}`).toBeGreaterThan(0);
            for (const error of errors) expect(error).toStrictEqual({ path: ANY_TEXT, message: ANY_TEXT });
            expect(errors[0]!.path.split(".")[0]).toBe(field);
          }
      },
    );

    test.each(["engagement", "plan", "sidekicks/one", "call"])(
      "%s is invalid when it cannot be stored",
      async (part) => {
        const { alice, chatId } = await world.chat();
        const good = ENDPOINTS.find(({ method, path }) => method === "PUT" && path("").endsWith(part))!.body!;
        for (const more of [
          { title: "\u0000", mode: "\ud800", call_id: "\u0000", task: "\u0000" },
          { "key\u0000": 1 },
          { deep: [{ text: "\ud800" }] },
          { deep: { "\udfff": 1 } },
        ])
          expectProblem(await alice.asks("PUT", `/v1/rooms/${chatId}/${part}`, { ...good, ...more }), "invalid");
      },
    );

    test("a path with a malformed id is not found", async () => {
      const { alice, chatId } = await world.chat();
      for (const room of ["x", "room-", `${chatId}0`, "%00", chatId.slice(1)])
        for (const { method, path, body } of ENDPOINTS.filter(({ path }) => path("") !== path("x")))
          expectProblem(await alice.asks(method, path(room), body), "not_found");
      for (const id of ["x", "%24", "%00"]) {
        const snooze = `/v1/rooms/${chatId}/snoozes/${id}`;
        expectProblem(await alice.asks("PUT", snooze, { until: "2040-01-01T00:00:00Z" }), "not_found");
        expectProblem(await alice.asks("DELETE", snooze), "not_found");
      }
      for (const id of ["%00", "%20", "s".repeat(129)])
        expectProblem(await alice.asks("PUT", `/v1/rooms/${chatId}/sidekicks/${id}`, {}), "invalid");
    });
  });

  test.each(named(ENDPOINTS))("%s needs a token", async (_, { method, path, body }) => {
    const url = `${world.servers.api}${path(NOTHING)}`;
    expectProblem(await ask(url, { method, body }), "unauthenticated");
    expectProblem(await ask(url, { method, body, token: "nonsense" }), "unauthenticated");
  });
}
