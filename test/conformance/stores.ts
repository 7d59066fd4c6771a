/** Stores under test, in the two ways in which they are built. */
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Store } from "@signalbox/core/ports/store";
import { MapStore } from "@signalbox/core/testing/map-store.fake";
import { Connection } from "@signalbox/postgres/connection";
import { startEmbedded } from "@signalbox/postgres/embedded";
import { createStore } from "@signalbox/postgres/store";

export interface StoreUnderTest {
  readonly store: Store;
  /** The server behind it, and a connection beside the store, for what only another one does. Absent where there is none. */
  readonly server?: { readonly url: string; readonly beside: Connection };
  /** Has all that happened in the room happen `ms` earlier; later, as after a clock that was set back, when it is negative. */
  age(roomId: string, ms: number): Promise<void>;
  stop(): Promise<void>;
}

export const stores = [
  { name: "in memory", start: memoryStore },
  { name: "Postgres", start: postgresStore },
];

async function memoryStore(): Promise<StoreUnderTest> {
  const store = new MapStore();
  return { store, age: async (roomId, ms) => store.age(roomId, ms), stop: () => store.close() };
}

async function postgresStore(): Promise<StoreUnderTest> {
  const server = await startEmbedded({ dir: await mkdtemp(join(tmpdir(), "signalbox-store-")), ephemeral: true });
  const store = await createStore(server);
  const beside = new Connection(server.url);
  return {
    store,
    server: { url: server.url, beside },
    age: (roomId, ms) => age(beside, roomId, ms),
    stop: async () => {
      await store.close();
      beside.destroy();
      await server.stop();
    },
  };
}

async function age({ sql }: Connection, roomId: string, ms: number): Promise<void> {
  const by = sql`${ms} * interval '1 millisecond'`;
  await sql`update rooms set last_at = last_at - ${by} where room_id = ${roomId}`;
  await sql`update events set created_at = created_at - ${by} where room_id = ${roomId}`;
  await sql`update receipts set changed_at = changed_at - ${by} where room_id = ${roomId}`;
  await sql`update matrix_writes set at = at - ${by} where room_id = ${roomId}`;
}
