import { describeRoute } from "hono-openapi";
import * as v from "valibot";
import { Health } from "./answers.ts";
import { givenSchema } from "./json-schema.ts";

const tags = ["Operations"];
const healthy = (status: string) => ({
  "application/json": { schema: givenSchema(Health), example: { status, checks: { store: "ok", engine: "ok" } } },
});

export const live = describeRoute({
  operationId: "isAlive",
  tags,
  summary: "Is the process alive?",
  security: [],
  responses: { 200: { description: "It is.", content: healthy("ok") } },
});

export const ready = describeRoute({
  operationId: "isReady",
  tags,
  summary: "Can it serve?",
  description: "An outage that all nodes share is a 200 that says `degraded`, so that no balancer empties itself.",
  security: [],
  responses: {
    200: { description: "It can.", content: healthy("ok") },
    503: { description: "It starts, drains, or cannot.", content: healthy("starting") },
  },
});

export const metrics = describeRoute({
  operationId: "getMetrics",
  tags,
  summary: "Measurements, as Prometheus reads them",
  security: [],
  responses: {
    200: {
      description: "Text.",
      content: { "text/plain": { schema: givenSchema(v.string()), example: 'signalbox_up{part="store"} 1\n' } },
    },
  },
});
