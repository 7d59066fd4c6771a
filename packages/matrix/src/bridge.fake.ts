import { createWriter } from "@signalbox/core/commands/writer";
import { createMemoryEngine } from "@signalbox/core/memory/engine";
import type { Channel } from "@signalbox/core/ports/pub-sub";
import { createPresence } from "@signalbox/core/presence/presence";
import { ManualClock } from "@signalbox/core/testing/manual-clock.fake";
import { MapStore } from "@signalbox/core/testing/map-store.fake";
import { RecordingFaults } from "@signalbox/core/testing/recording-faults.fake";
import { BOT, FakeHomeserver } from "./homeserver.fake.ts";
import { createHomeserver } from "./homeserver.ts";
import { roomIdOf, userIdOf } from "./ids.ts";
import { createIngest } from "./ingest.ts";
import { writeThrough } from "./write-through.ts";

export const ROOM = "!harbour:matrix.example";
export const ADA = "@ada:matrix.example";
export const BEN = "@ben:matrix.example";
export const roomId = roomIdOf(ROOM);
export const ada = userIdOf(ADA);
export const ben = userIdOf(BEN);
export const bot = userIdOf(BOT);
export const TTL = 4000;

/** A node with a bridge to a fake homeserver, over `store`. */
export function createBridge(store = new MapStore()) {
  const clock = new ManualClock();
  const published: { channel: Channel; payload: string }[] = [];
  const engine = createMemoryEngine(clock);
  engine.pubSub.publish = (channel, payload) => void published.push({ channel, payload });
  engine.pubSub.publishConfirmed = async (channel, payload) => engine.pubSub.publish(channel, payload);
  const faults = new RecordingFaults();
  const presence = createPresence({ engine, store, clock, faults });
  const core = createWriter({ store, engine, clock, faults, typingTtlMs: TTL, homeserver: true });
  const warnings: object[] = [];
  const log = { warn: (fields: object) => void warnings.push(fields) };
  const ingest = createIngest({ store, writer: core, engine, presence, typingTtlMs: TTL, log });
  const fake = new FakeHomeserver();
  const homeserver = createHomeserver({ url: "http://matrix.example/", asToken: "as-secret", fetch: fake.fetch });
  const writer = writeThrough(core, { store, homeserver, ingest, typingTtlMs: TTL, faults });
  return { store, clock, faults, published, engine, presence, core, warnings, ingest, fake, homeserver, writer };
}

export type Bridge = ReturnType<typeof createBridge>;

/** A room of Ada, its creator, and Ben, at the homeserver and here. */
export async function openRoom({ fake, ingest }: Pick<Bridge, "fake" | "ingest">): Promise<void> {
  const room = fake.room(ROOM);
  const join = (user: string, displayname: string) =>
    room.state(user, "m.room.member", { membership: "join", displayname }, user);
  const create = room.state(ADA, "m.room.create", {});
  await ingest.take({ events: [create, join(ADA, "Ada"), join(BEN, "Ben")] });
}
