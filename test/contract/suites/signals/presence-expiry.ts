/** CONTRACT section 6: a user turns offline after its last session. Tests that wait for seconds; they run beside each other. */
import { expect, test } from "vitest";
import { dataOf } from "../../../support/http.ts";
import { presenceOf, statusesOf } from "../../../support/queries.ts";
import type { Client } from "../../../support/socket-client.ts";
import type { Person, World } from "../../../support/world.ts";
import { ANY_TIME } from "../../support/shapes.ts";
import { toldOf } from "../../support/visibility.ts";

const GRACE_MS = 5000;
/** The interval of a node's sweep, with some time for delivery. */
const SWEEP_MS = 2500;

const isOffline = (watcher: Client, user: Person): Promise<unknown> =>
  watcher.receives(() => toldOf(watcher, user).at(-1) === "offline");

export function presenceExpiryOverTime(world: World): void {
  test.concurrent.each(["a socket", "a stream"])(
    "a user is offline 5 s after its last session, %s, is closed, once",
    async (kind) => {
      const { alice, bob, chatId } = await world.chat();
      const [near, far, stream] = await Promise.all([bob.connects(0), bob.connects(1), bob.streams(chatId, 1)]);
      const session = await (kind === "a socket" ? alice.connects(0) : alice.streams(chatId, 0));
      for (const watcher of [near, far])
        await watcher.receives({ type: "PRESENCE", userId: alice.id, status: "online" });
      session.close();
      const since = Date.now();
      const told = await near.receives({ type: "PRESENCE", userId: alice.id, status: "offline" });
      const after = Date.now() - since;
      expect(after).toBeGreaterThan(GRACE_MS - 100);
      expect(after).toBeLessThan(GRACE_MS + SWEEP_MS);
      expect(told).toStrictEqual({ type: "PRESENCE", userId: alice.id, status: "offline", lastActiveAt: ANY_TIME });
      await isOffline(far, alice);
      const gone = await stream.receives("presence", { user_id: alice.id, status: "offline" });
      expect(gone.last_active_at).toBe(told.lastActiveAt);
      expect(await presenceOf(bob, alice)).toStrictEqual(gone);
      expect(await statusesOf(bob, alice)).toEqual(["offline"]);
      // A client that was away meanwhile still shows her as online.
      const resumed = await bob.resumes(0, {});
      await resumed.receives({ type: "PRESENCE", userId: alice.id, status: "offline" });
      for (const watcher of [near, far]) expect(toldOf(watcher, alice)).toEqual(["online", "offline"]);
      expect(stream.of("presence").filter(({ user_id }) => user_id === alice.id)).toHaveLength(2);
    },
  );

  test.concurrent("a user that reloads the page, or has another device, stays online", async () => {
    const { alice, bob, carol, chatId } = await world.chat();
    await alice.adds(chatId, carol);
    const [witness, watcher] = [await world.person(), await world.person()];
    await alice.adds(chatId, witness);
    await alice.adds(chatId, watcher);
    const [watching, page, phone, , gone] = await Promise.all([
      watcher.connects(1),
      alice.connects(0),
      bob.connects(0),
      bob.connects(1),
      witness.connects(0),
    ]);
    for (const { id } of [alice, bob, witness]) await watching.receives({ type: "PRESENCE", userId: id });
    page.close();
    await page.closed;
    phone.close();
    await alice.connects(1);
    // The witness leaves last, so its PRESENCE is the last.
    gone.close();
    await isOffline(watching, witness);
    expect(toldOf(watching, alice)).toEqual(["online"]);
    expect(toldOf(watching, bob)).toEqual(["online"]);
    expect(await statusesOf(watcher, alice, bob, witness)).toEqual(["online", "online", "offline"]);
  });

  test.concurrent("a user that returns has its last choice", async () => {
    const { alice, bob } = await world.chat();
    const watching = await bob.connects(1);
    const phone = await alice.connects(0);
    dataOf(await alice.asks("PUT", "/v1/presence", { status: "busy" }));
    await watching.receives({ type: "PRESENCE", userId: alice.id, status: "busy" });
    phone.close();
    await isOffline(watching, alice);
    await alice.connects(1);
    await watching.receives(() => toldOf(watching, alice).at(-1) === "busy");
    expect(toldOf(watching, alice).filter((status) => status !== "online")).toEqual(["busy", "offline", "busy"]);
    // Never online in between: only the first session came before the choice.
    expect(toldOf(watching, alice).lastIndexOf("online")).toBeLessThanOrEqual(0);
  });
}
