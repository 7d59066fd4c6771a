import { createMemoryEngine } from "@signalbox/core/memory/engine";
import { systemClock as clock } from "@signalbox/core/ports/clock";
import { NO_METER } from "@signalbox/core/ports/meter";
import { createPresence } from "@signalbox/core/presence/presence";
import { MapStore } from "@signalbox/core/testing/map-store.fake";
import { RecordingFaults } from "@signalbox/core/testing/recording-faults.fake";
import { roomIdOf } from "@signalbox/matrix/ids";
import { afterEach, describe, expect, it } from "vitest";
import { type Bridge, createBridge } from "./bridge.ts";
import { readConfig } from "./config.ts";
import { createLog } from "./log.ts";

const ROOM = "!den:matrix.example";
const ADA = "@ada:matrix.example";
const opened: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const close of opened.splice(0)) await close();
});

/** A bridge with one room of Matrix and in it the Matrix user of "ada". */
async function openBridge(env: Record<string, string>): Promise<Bridge & { readonly chatId: string }> {
  const [store, engine] = [new MapStore(), createMemoryEngine(clock)];
  const faults = new RecordingFaults();
  const presence = createPresence({ engine, store, clock, faults });
  const log = createLog({ kind: "standalone", logLevel: "silent" });
  const bridge = createBridge({
    config: readConfig(env, "standalone"),
    log,
    store,
    engine,
    presence,
    faults,
    meter: NO_METER,
  });
  opened.push(
    () => bridge.writer.close(),
    () => engine.close(),
  );
  await store.putUser("ada", "Ada", ADA);
  const join = { type: "m.room.member", state_key: ADA, content: { membership: "join" } };
  await bridge.ingest.take({
    events: [{ event_id: "$join", room_id: ROOM, sender: ADA, origin_server_ts: 1, ...join }],
  });
  return { ...bridge, chatId: roomIdOf(ROOM) };
}

const says = ({ writer, chatId }: Awaited<ReturnType<typeof openBridge>>) =>
  writer.act({ userId: "ada", service: false }, { type: "SEND_MSG", chatId, message: "hello" });

describe("a native action in a bridged room", () => {
  it("is committed here when there is no homeserver", async () => {
    expect(await says(await openBridge({}))).toContain('"message":"hello"');
  });

  it("is refused by a node that knows of a homeserver and may not write to it", async () => {
    const refused = says(await openBridge({ MATRIX_HS_URL: "http://127.0.0.1:1" }));
    await expect(refused).rejects.toThrow("this node cannot write");
  });

  it("goes to the homeserver first where it may be written to", async () => {
    const env = { MATRIX_HS_URL: "http://127.0.0.1:1", MATRIX_AS_TOKEN: "as-token" };
    const refused = says(await openBridge(env));
    await expect(refused).rejects.toThrow("the homeserver gave no valid answer");
  });
});

it("greets a homeserver that is away without failing", async () => {
  const bridge = await openBridge({ MATRIX_HS_URL: "http://127.0.0.1:1", MATRIX_AS_TOKEN: "as-token" });
  await expect(bridge.pingHomeserver()).resolves.toBeUndefined();
});

it("knows a Matrix user that came with an event, or was mapped", async () => {
  const { ingest, knowsMatrixUser } = await openBridge({});
  const sender = "@ben:matrix.example";
  expect(await knowsMatrixUser(sender)).toBe(false);
  const message = { type: "m.room.message", content: { msgtype: "m.text", body: "hello" } };
  await ingest.take({ events: [{ event_id: "$1", room_id: ROOM, sender, origin_server_ts: 2, ...message }] });
  expect(await knowsMatrixUser(sender)).toBe(true);
  expect(await knowsMatrixUser(ADA)).toBe(true);
});
