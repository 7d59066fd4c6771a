import { expect, it } from "vitest";
import { createHealth } from "./health.ts";
import { createMetrics } from "./metrics.ts";

function node() {
  const metrics = createMetrics();
  const health = createHealth({ metrics });
  const parts: { postgres: boolean; redis: boolean } = { postgres: true, redis: true };
  health.check("postgres", {
    failing: "failing",
    probe: async () => {
      if (!parts.postgres) throw new Error("away");
      return true;
    },
  });
  health.check("redis", { failing: "degraded", probe: () => parts.redis });
  return { health, parts, metrics };
}

it("is alive, but not ready, until it has started", async () => {
  const { health } = node();
  expect(health.live()).toEqual({ httpStatus: 200, body: { status: "ok", checks: {} } });
  expect(await health.ready()).toEqual({
    httpStatus: 503,
    body: { status: "starting", checks: { postgres: "ok", redis: "ok" } },
  });
});

it("is ready while everything answers", async () => {
  const { health } = node();
  health.started();
  expect(await health.ready()).toMatchObject({ httpStatus: 200, body: { status: "ok" } });
});

it("stays ready, as degraded, without what all nodes miss alike", async () => {
  const { health, parts } = node();
  health.started();
  parts.redis = false;
  expect(await health.ready()).toEqual({
    httpStatus: 200,
    body: { status: "degraded", checks: { postgres: "ok", redis: "failing" } },
  });
});

it("is not ready without what it cannot serve without, and comes back with it", async () => {
  const { health, parts, metrics } = node();
  health.started();
  parts.postgres = false;
  expect(await health.ready()).toMatchObject({
    httpStatus: 503,
    body: { status: "failing", checks: { postgres: "failing" } },
  });
  expect(await metrics.registry.metrics()).toContain('signalbox_up{part="postgres"} 0');
  parts.postgres = true;
  expect(await health.ready()).toMatchObject({ httpStatus: 200, body: { status: "ok" } });
});

it("is never ready again once it drains", async () => {
  const { health } = node();
  health.drain();
  health.started();
  expect(await health.ready()).toMatchObject({ httpStatus: 503, body: { status: "draining" } });
});

it("runs a check once for all requests at the same time", async () => {
  const health = createHealth({ metrics: createMetrics() });
  let probes = 0;
  health.check("postgres", {
    failing: "failing",
    probe: () => {
      probes += 1;
      return true;
    },
  });
  await Promise.all([health.ready(), health.ready(), health.ready()]);
  expect(probes).toBe(1);
});
