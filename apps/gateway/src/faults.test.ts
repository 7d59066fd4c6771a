/** A defect behind a session, seen from its client: close code 4003, one log line, one count, and a resume that misses nothing. */
import { createFaults } from "@signalbox/node/faults";
import { createLog } from "@signalbox/node/log";
import { createMetrics } from "@signalbox/node/metrics";
import { afterEach, expect, test } from "vitest";
import { type Client, closeGateways, eventually, openGateway } from "./gateway.fake.ts";

afterEach(closeGateways);

/** A gateway with a log and metrics behind its faults, as a node has them. */
async function openNode() {
  const lines: string[] = [];
  const metrics = createMetrics();
  const log = createLog({ kind: "gateway", logLevel: "info" }, { write: (line) => void lines.push(line) });
  const node = await openGateway({ faults: createFaults({ log, metrics }) });
  return { ...node, lines, metrics };
}

type Node = Awaited<ReturnType<typeof openNode>>;

/** The method that breaks, and the place that the log names. */
const DEFECTS = [
  { place: "outbox", target: (node: Node) => node.store, method: "outbox" },
  { place: "replay", target: (node: Node) => node.store, method: "events" },
  { place: "presence", target: (node: Node) => node.engine.presence, method: "read" },
] as const;

test.each(DEFECTS)(
  "a defect in $method is one line and one count, and the session resumes",
  async ({ place, target, method }) => {
    const node = await openNode();
    const { enter, lines, metrics, roomOf, say } = node;
    const chatId = await roomOf("ann", "ben");
    for (let count = 0; count < 3; count++) await say("ben", chatId);
    const broken = target(node) as unknown as Record<string, unknown>;
    const original = broken[method];
    broken[method] = () => {
      broken[method] = original;
      return Promise.reject(new TypeError("a defect"));
    };
    const resume = { type: "RESUME", rooms: { [chatId]: 1 } };
    const client = await enter("ann", "?resume=1");
    client.send(resume);
    expect(await client.closes()).toBe(4003);
    await eventually(() => expect(lines).toHaveLength(1));
    expect(JSON.parse(lines[0] ?? "")).toMatchObject({ place, fault: expect.any(String), err: { type: "TypeError" } });
    expect(await metrics.registry.metrics()).toContain(`signalbox_faults_total{place="${place}"} 1`);

    // As an SDK does: again, until a connection lasts.
    let again = await comesBack(node, resume);
    while (again.code !== undefined) again = await comesBack(node, resume);
    expect(again.of("SEND_MSG").map(({ seq }) => seq)).toEqual([2, 3, 4]);
    expect(lines).toHaveLength(1);
  },
);

/** A connection that resumed, or was closed again. */
async function comesBack({ enter }: Node, resume: object): Promise<Client> {
  const client = await enter("ann", "?resume=1");
  client.send(resume);
  return eventually(() => {
    if (client.code === undefined && client.of("RESUMED").length === 0) throw new Error("no outcome yet");
    return client;
  });
}
