import { describeRoute } from "hono-openapi";
import * as v from "valibot";
import { givenSchema } from "./json-schema.ts";

const described = (operationId: string, summary: string, type: string, schema: v.GenericSchema) =>
  describeRoute({
    operationId,
    tags: ["Operations"],
    summary,
    security: [],
    responses: { 200: { description: "The document.", content: { [type]: { schema: givenSchema(schema) } } } },
  });

export const openapi = described(
  "getOpenApi",
  "This document",
  "application/json",
  v.looseObject({ openapi: v.string() }),
);
export const asyncapi = described(
  "getAsyncApi",
  "The realtime protocol, as AsyncAPI",
  "application/json",
  v.looseObject({ asyncapi: v.string() }),
);
export const page = described("readDocs", "Both, as a page to read", "text/html", v.string());
