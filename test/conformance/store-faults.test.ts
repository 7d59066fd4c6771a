/** Failures of a store's server: locks held for too long, connections cut, the server stopped, restarted, silent. */
import { mkdtemp } from "node:fs/promises";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Store } from "@signalbox/core/ports/store";
import { Connection } from "@signalbox/postgres/connection";
import { startEmbedded } from "@signalbox/postgres/embedded";
import { createStore } from "@signalbox/postgres/store";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { change, createRoom, NEEDS, NONE, send } from "./store-rows.ts";
import { type StoreUnderTest, stores } from "./stores.ts";

const NO_SERVER = "There is no server that could be blocked, cut off, stopped or silent.";
const unavailable = { code: "unavailable", message: "the store does not answer at the moment" };

async function took(work: Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work;
  return performance.now() - began;
}

describe.each(stores)("the store $name", ({ start }) => {
  let stage: StoreUnderTest;
  let store: Store;

  beforeAll(async () => {
    stage = await start();
    ({ store } = stage);
  });
  afterAll(() => stage.stop());

  describe("whose server fails", () => {
    let server: NonNullable<StoreUnderTest["server"]>;
    beforeEach(({ skip }) => {
      if (stage.server === undefined) return skip(NO_SERVER);
      server = stage.server;
    });

    test("a commit whose room stays locked is `unavailable` after five seconds, and others go on meanwhile", async () => {
      const roomId = await createRoom(store);
      const elsewhere = await createRoom(store);
      const other = new Connection(server.url, {});
      await other.sql`begin`;
      await other.sql`select from rooms where room_id = ${roomId} for update`;
      const blocked = took(expect(change(store, roomId, {}, () => ({}))).rejects.toMatchObject(unavailable));
      await send(store, elsewhere);
      expect(await blocked).toBeLessThan(5_500);
      other.destroy();
      await expect.poll(() => change(store, roomId, {}, () => ({})).catch(() => 0)).toBe(2);
    });

    test("connections that are cut in the middle of commits fail them as `unavailable`, whole or not at all, and are replaced", async () => {
      const roomId = await createRoom(store);
      const other = new Connection(server.url, {});
      const outcomes: Promise<unknown>[] = [];
      for (let round = 0; round < 8; round++) {
        outcomes.push(
          ...Array.from({ length: 20 }, () => change(store, roomId, {}, () => ({})).catch((error: unknown) => error)),
        );
        await other.sql`select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'signalbox' and pid <> pg_backend_pid()`;
      }
      const failed = (await Promise.all(outcomes)).filter((outcome) => typeof outcome !== "number");
      for (const error of failed) expect(error).toMatchObject(unavailable);
      other.destroy();
      const last = await change(store, roomId, {}, () => ({}));
      const seqs = (await store.events(roomId, 0, 1000)).map(({ seq }) => seq);
      expect(seqs).toEqual(Array.from({ length: last }, (_, place) => place + 1));
    });

    test("while the server is away every call is `unavailable` at once, and when it is back all goes on by itself", async () => {
      const again = await mkdtemp(join(tmpdir(), "signalbox-store-"));
      const first = await startEmbedded({ dir: again });
      const away = await createStore(first);
      const roomId = await createRoom(away);
      const under = Array.from({ length: 40 }, () =>
        change(away, roomId, {}, () => ({})).catch((error: unknown) => error),
      );
      await first.stop();
      for (const outcome of await Promise.all(under)) {
        if (typeof outcome !== "number") expect(outcome).toMatchObject(unavailable);
      }
      const calls = [
        away.ping(),
        away.outbox(null, [], 1),
        away.roomsOf("ada"),
        away.users(["ada"]),
        away.choosePresence("ada", "busy"),
        away.roomState(roomId, "ada", false),
        away.prune(1, 1),
        away.commit({ ...NEEDS, rooms: [roomId] }, () => NONE),
      ];
      expect(
        await took(Promise.all(calls.map((call) => expect(call).rejects.toMatchObject(unavailable)))),
      ).toBeLessThan(1_000);
      await expect(createStore(first)).rejects.toMatchObject(unavailable);
      const second = await startEmbedded({ dir: again, port: Number(new URL(first.url).port), ephemeral: true });
      await Promise.all(Array.from({ length: 20 }, () => away.ping()));
      const last = await change(away, roomId, {}, () => ({}));
      expect((await away.events(roomId, 0, 1000)).at(-1)).toMatchObject({ seq: last });
      await away.close();
      await second.stop();
    });

    test("a server that takes connections and says nothing is `unavailable` within five seconds, for any number of calls", async () => {
      const sockets = new Set<Socket>();
      const mute: Server = createServer((socket) => sockets.add(socket)).listen(0, "127.0.0.1");
      await new Promise((resolve) => mute.once("listening", resolve));
      const address = mute.address();
      const port = typeof address === "object" ? address?.port : 0;
      const silent = createStore({ url: `postgres://ada:secret@127.0.0.1:${port}/none` });
      expect(await took(expect(silent).rejects.toMatchObject(unavailable))).toBeLessThan(5_500);
      for (const socket of sockets) socket.destroy();
      mute.close();
    });
  });

  test("a closed store refuses calls, and closes twice", async () => {
    const late = store.ping();
    await Promise.all([store.close(), store.close()]);
    await late;
    await expect(store.ping()).rejects.toMatchObject(unavailable);
  });
});
