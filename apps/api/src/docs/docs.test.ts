import { createHash } from "node:crypto";
import { messageId, reactionId, roomId, userId } from "@signalbox/protocol/ids";
import type { JsonSchema } from "@valibot/to-json-schema";
import fc from "fast-check";
import type { DescribeRouteOptions } from "hono-openapi";
import { uniqueSymbol } from "hono-openapi";
import { safeParse } from "valibot";
import { describe, expect, it } from "vitest";
import { fakeApi } from "../api.fake.ts";
import { createAsyncApi } from "./asyncapi.ts";
import { STREAM_PATH } from "./chat-api-v1/signals.ts";
import { schemasIn } from "./json-schema.ts";
import { openapiOf } from "./openapi.ts";
import { curl, endpointsOf } from "./page/operations.ts";
import { pageOf } from "./page/page.ts";

const { app } = fakeApi({ matrixHsToken: "the-homeserver", signer: { sign: async () => "token" } });
const openapi = await openapiOf(app);
const asyncapi = createAsyncApi();
const endpoints = endpointsOf(openapi);
const named = schemasIn(openapi);

interface Described {
  readonly media: string;
  readonly schema: { validate(value: unknown): { readonly value?: unknown; readonly issues?: unknown } };
  readonly examples: readonly unknown[];
}

/** The description of a body at a route: the schema as it was handed in, and the examples beside it. */
function mediaOf(content: object | undefined): Described[] {
  return Object.entries(content ?? {}).map(([media, { schema, example, examples = {} }]) => ({
    media,
    schema,
    examples: [
      ...(example === undefined ? [] : [example]),
      ...Object.values(examples as Record<string, { value: unknown }>).map(({ value }) => value),
    ],
  }));
}

const specs = app.routes.flatMap(({ method, path, handler }) => {
  const { spec } = (handler as { [uniqueSymbol]?: { spec?: DescribeRouteOptions } })[uniqueSymbol] ?? {};
  return spec === undefined ? [] : [{ name: `${method} ${path}`, spec }];
});

describe("/openapi.json", () => {
  it("has every route of the app, and nothing that is none", () => {
    const routes = app.routes.filter(({ method }) => method !== "ALL").map(({ method, path }) => `${method} ${path}`);
    const documented = endpoints.map(({ method, path }) => `${method} ${path.replace(/\{(\w+)\}/g, ":$1")}`);
    const served = `GET ${STREAM_PATH.replace("{roomId}", ":roomId")}`;
    expect(new Set(documented)).toEqual(new Set([...routes, served]));
  });

  it("leaves out what the node does not serve", async () => {
    const { paths } = await openapiOf(fakeApi().app);
    expect(Object.keys(paths).filter((path) => path.startsWith("/_matrix") || path.startsWith("/dev"))).toEqual([]);
  });

  it("says of every endpoint what it is, how it succeeds and how it fails", () => {
    for (const { operationId, summary, tags, responses, path } of endpoints) {
      expect(summary, operationId).not.toBe("");
      expect(openapi.tags.map(({ name }) => name)).toContain(tags[0]);
      for (const name of path.matchAll(/\{(\w+)\}/g)) expect(name[1], path).not.toBe("");
      for (const [status, { $ref, content }] of Object.entries(responses))
        expect(Number(status) < 400 ? content : ($ref ?? content), `${operationId} ${status}`).toBeDefined();
    }
    const ids = endpoints.map(({ operationId }) => operationId);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it("refers to nothing that it does not hold", () => {
    const references = [...JSON.stringify(openapi).matchAll(/"#\/components\/(\w+)\/([^"]+)"/g)];
    expect(references.length).toBeGreaterThan(100);
    const components = openapi.components as Record<string, Record<string, unknown>>;
    for (const [, kind = "", name = ""] of references)
      expect(components[kind]?.[name], `${kind} ${name}`).toBeDefined();
  });

  it("names no schema that nothing refers to", () => {
    const { schemas, ...components } = openapi.components;
    expect(new Set(Object.keys(schemas ?? {}))).toEqual(new Set(Object.keys(schemasIn([openapi.paths, components]))));
  });

  it("has its parameters' examples fit them", () => {
    for (const { operationId, parameters = [] } of endpoints)
      for (const { name, in: place, schema, example } of parameters) {
        if (place === "path") expect(example, `${operationId} ${name}`).toBeDefined();
        const { pattern } = named[schema.$ref?.split("/").at(-1) ?? ""] ?? schema;
        if (example !== undefined && pattern !== undefined) expect(String(example)).toMatch(new RegExp(pattern, "u"));
      }
  });
});

describe("an example of", () => {
  it.each(specs)("$name is accepted by the schema that it stands at", ({ name, spec }) => {
    const { requestBody, responses = {} } = spec as { requestBody?: { content: object }; responses?: object };
    for (const { schema, examples } of mediaOf(requestBody?.content)) {
      expect(examples).not.toEqual([]);
      for (const example of examples) expect(schema.validate(example).issues, name).toBeUndefined();
    }
    const answers = Object.values(responses as Record<string, { content?: object }>);
    // Nothing is taken off: it has no field that the schema does not know.
    for (const { content } of answers)
      for (const { schema, examples } of mediaOf(content))
        for (const example of examples) expect(schema.validate(example).value, name).toStrictEqual(example);
    for (const { content } of answers)
      for (const { schema, examples } of mediaOf(content))
        for (const example of examples) expect(schema.validate(example).issues, name).toBeUndefined();
  });
});

describe("a check that has words in code", () => {
  const bodyOf = (id: string): JsonSchema => {
    const { requestBody } = endpoints.find(({ operationId }) => operationId === id) ?? {};
    return Object.values(requestBody?.content ?? {})[0]?.schema ?? {};
  };

  it("says them in its description, and what JSON Schema can say beside it", () => {
    expect(named["Action.SEND_MSG"]?.properties?.message).toEqual({
      type: "string",
      minLength: 1,
      maxLength: 32_768,
      pattern: "\\S",
      description: "at least 1 byte; at most 32768 bytes of UTF-8; not only white space",
    });
    expect(named.Plan).toMatchObject({ type: "object", required: ["title", "steps"], description: "at most 64 KiB" });
    for (const [id, ...fields] of [
      ["updateRoom", "name", "metadata"],
      ["putUser", "name", "matrix_user_id"],
    ] as const)
      expect(bodyOf(id).anyOf).toEqual(fields.map((field) => ({ required: [field] })));
  });

  it("leaves what is sent open, and closes what is answered", () => {
    expect(bodyOf("createRoom")).not.toHaveProperty("additionalProperties");
    expect(named.Room).toMatchObject({ additionalProperties: false });
    expect(named.Sidekick).not.toHaveProperty("additionalProperties");
  });
});

describe("what a document says of an id", () => {
  const hex = (length: number) => fc.stringMatching(new RegExp(`^[0-9A-Fa-f]{${length}}$`));
  const uuid = fc.tuple(hex(8), hex(4), hex(4), hex(4), hex(12)).map((parts) => parts.join("-"));
  const form = fc.constantFrom("", "room-", "msg-", "evt-", "ROOM-", "$", " ");
  const ids = fc.oneof(
    fc.tuple(form, uuid).map((parts) => parts.join("")),
    fc.tuple(form, fc.string({ unit: "binary" })).map((parts) => parts.join("")),
    fc.tuple(fc.base64String({ minLength: 22, maxLength: 24 }), fc.string()).map(([id, rest]) => `$${id}:${rest}`),
    fc.string({ maxLength: 140 }),
  );

  it.each([
    ["RoomId", roomId],
    ["MessageId", messageId],
    ["ReactionId", reactionId],
    ["UserId", userId],
  ] as const)("%s lets through all that is accepted, and no more than that knows of its form", (name, schema) => {
    const pattern = new RegExp(named[name]?.pattern ?? "", "u");
    fc.assert(
      fc.property(ids, (id) => {
        const accepted = safeParse(schema, id).success;
        // JSON Schema has no word for U+0000 and lone surrogates.
        if (accepted || !/[\0\p{Surrogate}]/u.test(id)) expect(pattern.test(id), id).toBe(accepted);
      }),
      { numRuns: 500 },
    );
  });
});

describe("/asyncapi.json", () => {
  it("has every frame in both directions, with an example of each", () => {
    const messages = Object.values(asyncapi.components.messages);
    expect(messages.length).toBeGreaterThan(35);
    for (const { name, summary, examples } of messages) {
      expect(summary, name).not.toBe("");
      expect(examples, name).not.toEqual([]);
    }
  });

  it("refers to nothing that it does not hold", () => {
    const at = (path: string) =>
      path.split("/").reduce<unknown>((value, key) => (value as Record<string, unknown> | undefined)?.[key], asyncapi);
    const references = [...JSON.stringify(asyncapi).matchAll(/"#\/([^"]+)"/g)];
    for (const [, path = ""] of references) expect(at(path), path).toBeDefined();
  });
});

describe("/docs", () => {
  it("has calls that a shell takes as they stand", () => {
    const call = (id: string, body?: unknown) => {
      const endpoint = endpoints.find(({ operationId }) => operationId === id);
      return endpoint === undefined ? "" : curl(endpoint, body);
    };
    expect(call("listProjections")).toBe(
      'curl "$BASE/core/api/v1/messages?message_type=m.file&limit=20" \\\n  -H "Authorization: Bearer $TOKEN"',
    );
    expect(call("createRoom", { name: "Ada's" })).toContain(`-X POST "$BASE/v1/rooms" \\\n`);
    expect(call("createRoom", { name: "Ada's" })).toMatch(/-d '\{"name":"Ada'\\''s"\}'$/);
    expect(call("endSnooze")).toContain("/snoozes/%24AY86");
    expect(call("streamSignals")).toMatch(/^curl -N /);
    expect(call("isAlive")).toBe('curl "$BASE/healthz"');
  });

  it("shows every endpoint and frame, and every link leads somewhere", async () => {
    const { body } = await pageOf(openapi, asyncapi);
    const ids = new Set([...body.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id));
    for (const { operationId } of endpoints) expect(ids).toContain(operationId);
    for (const key of Object.keys(asyncapi.components.messages)) expect(ids).toContain(key);
    for (const [, id] of body.matchAll(/href="#([^"]+)"/g)) expect(ids).toContain(id);
    expect(body).not.toMatch(/<script|\[object|undefined|https?:\/\/(?!localhost)[^ ]*\.(js|css)/);
  });

  it("is served with a policy that lets its own style in, and nothing else", async () => {
    const response = await app.request("/docs");
    expect(response.headers.get("content-type")).toBe("text/html; charset=utf-8");
    const style = /<style>([\s\S]*)<\/style>/.exec(await response.text())?.[1] ?? "";
    const hash = createHash("sha256").update(style).digest("base64");
    expect(response.headers.get("content-security-policy")).toContain(`default-src 'none'; style-src 'sha256-${hash}'`);
  });

  it("and both documents need no token", async () => {
    expect(await (await app.request("/openapi.json")).json()).toEqual(JSON.parse(JSON.stringify(openapi)));
    expect(await (await app.request("/asyncapi.json")).json()).toEqual(JSON.parse(JSON.stringify(asyncapi)));
  });
});
