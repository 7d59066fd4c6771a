import { describeRoute } from "hono-openapi";
import * as v from "valibot";
import { Health } from "../responses/health.ts";
import { givenSchema } from "./json-schema.ts";

const tags = ["Operations"];
const healthy = (status: string) => ({
  "application/json": { schema: givenSchema(Health), example: { status, checks: { store: "ok", engine: "ok" } } },
});

export const live = describeRoute({
  operationId: "isAlive",
  tags,
  summary: "Check that the process is alive",
  security: [],
  responses: { 200: { description: "It is alive.", content: healthy("ok") } },
});

export const ready = describeRoute({
  operationId: "isReady",
  tags,
  summary: "Check that the node can serve",
  description: "An outage that all nodes share is a 200 that says `degraded`, so that no balancer empties itself.",
  security: [],
  responses: {
    200: { description: "It can serve.", content: healthy("ok") },
    503: { description: "It starts, drains or fails.", content: healthy("starting") },
  },
});

export const metrics = describeRoute({
  operationId: "getMetrics",
  tags,
  summary: "Read the metrics, in Prometheus' format",
  security: [],
  responses: {
    200: {
      description: "The metrics.",
      content: { "text/plain": { schema: givenSchema(v.string()), example: 'signalbox_up{part="store"} 1\n' } },
    },
  },
});
