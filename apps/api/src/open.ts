import { systemClock } from "@signalbox/core/ports/clock";
import type { Node } from "@signalbox/node/node";
import type { Hono } from "hono";
import { createApi, type DevOptions } from "./app.ts";
import { startPruning } from "./prune.ts";

/** Builds the REST surface of a node, and prunes beside it. An API node and a standalone one are the same here. */
export function openApi(node: Node, trial: DevOptions = {}): Hono {
  const { config, onStop, store, log } = node;
  const { eventsKeep: keep, eventsKeepDays: days, serverName, typingTtlMs, matrixHsToken } = config;
  onStop("pruning", startPruning({ store, keep, days, clock: systemClock, log }));
  return createApi({ ...node, ...trial, serverName, typingTtlMs, matrixHsToken });
}
