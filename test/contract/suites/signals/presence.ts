/** CONTRACT sections 4 to 6: presence, its choice and its announcement. */
import { describe, expect, test } from "vitest";
import { dataOf, jsonOf } from "../../../support/http.ts";
import { times } from "../../../support/lists.ts";
import { presenceOf, stateOf, statusesOf } from "../../../support/queries.ts";
import { eventually } from "../../../support/until.ts";
import type { Person, World } from "../../../support/world.ts";
import { ANY_TIME } from "../../support/shapes.ts";
import { toldOf } from "../../support/visibility.ts";

export function presence(world: World): void {
  describe("presence", () => {
    choice(world);
    announcement(world);
    presentState(world);
  });
}

/** A choice on either surface, its status on the state surface, and its word on the signals surface. */
const CHOICES = [
  ["/v1/presence", "online", "online", "online"],
  ["/v1/presence", "idle", "idle", "unavailable"],
  ["/v1/presence", "busy", "busy", "unavailable"],
  ["/v1/presence", "appear_offline", "appear_offline", "offline"],
  ["/chat/api/v1/presence", "online", "online", "online"],
  ["/chat/api/v1/presence", "unavailable", "idle", "unavailable"],
  ["/chat/api/v1/presence", "offline", "appear_offline", "offline"],
] as const;

function choice(world: World): void {
  test.each(CHOICES)("by PUT %s of %s is %s, and %s as a signal", async (path, chosen, status, word) => {
    const alice = await world.person();
    const phone = await alice.connects(1);
    const asked = Date.now();
    const answer = await alice.asks("PUT", path, { status: chosen });
    expect(jsonOf(answer)).toStrictEqual({ data: { user_id: alice.id, status: chosen, last_active_at: ANY_TIME } });
    const { last_active_at } = dataOf<{ last_active_at: string }>(answer);
    expect(Math.abs(Date.parse(last_active_at) - asked)).toBeLessThan(5000);
    await phone.receives({ type: "PRESENCE", userId: alice.id, status });
    expect(await statusesOf(alice, alice)).toEqual([status]);
    expect(await presenceOf(alice, alice)).toStrictEqual({
      user_id: alice.id,
      status: word,
      last_active_at: ANY_TIME,
    });
  });

  test.each(["idle", "busy"])("%s reaches fellow members on every surface, in its words", async (status) => {
    const { alice, bob, chatId } = await world.chat();
    const [phone, near, far, stream] = await Promise.all([
      alice.connects(0),
      bob.connects(0),
      bob.connects(1),
      bob.streams(chatId, 1),
    ]);
    expect(await phone.asks({ type: "PRESENCE", status })).toMatchObject({ type: "ACK" });
    for (const client of [near, far]) {
      const told = await client.receives({ type: "PRESENCE", userId: alice.id, status });
      expect(told).toStrictEqual({ type: "PRESENCE", userId: alice.id, status, lastActiveAt: ANY_TIME });
    }
    const seen = { user_id: alice.id, status: "unavailable", last_active_at: ANY_TIME };
    expect(await stream.receives("presence", { user_id: alice.id, status: "unavailable" })).toStrictEqual(seen);
    expect(await presenceOf(bob, alice)).toStrictEqual(seen);
    expect(await statusesOf(bob, alice)).toEqual([status]);
    const member = (await stateOf(bob, chatId)).members.find(({ user_id }) => user_id === alice.id);
    expect(member).toMatchObject({ status, last_active_at: ANY_TIME });
  });

  test("without a session is announced to fellow members, with the present time as last activity", async () => {
    const { alice, bob } = await world.chat();
    const bobs = await bob.connects(1);
    expect(await statusesOf(bob, alice)).toEqual(["offline"]);
    const asked = Date.now();
    dataOf(await alice.asks("PUT", "/v1/presence", { status: "online" }));
    const told = await bobs.receives({ type: "PRESENCE", userId: alice.id, status: "online" });
    expect(Math.abs(Date.parse(told.lastActiveAt!) - asked)).toBeLessThan(5000);
    expect(await statusesOf(bob, alice)).toEqual(["online"]);
    expect(Date.parse((await presenceOf(bob, alice)).last_active_at!)).toBe(Date.parse(told.lastActiveAt!));
  });

  test.each([undefined, null, 7, "", "offline", "unavailable", "away", "ONLINE", ["online"]])(
    "of %j by a frame is invalid, and the connection stays",
    async (status) => {
      const phone = await (await world.person()).connects();
      expect(await phone.asks({ type: "PRESENCE", status })).toMatchObject({ type: "ERROR", code: "invalid" });
      await phone.settled();
    },
  );
}

function announcement(world: World): void {
  test("is announced once per session and change, also with many shared rooms", async () => {
    const { alice, bob } = await world.chat();
    await times(6, () => alice.makesRoom(bob));
    const sessions = await Promise.all([bob.connects(0), bob.connects(0), bob.connects(1)]);
    const phone = await alice.connects(1);
    for (const status of ["busy", "idle", "online"]) {
      await phone.asks({ type: "PRESENCE", status });
      // One change after the other: of two that wait, only the newer one is announced.
      for (const session of sessions)
        await session.receives(() => toldOf(session, alice).filter((each) => each === status).length > 0);
    }
    // Alice is online from her connection on, and again at the end.
    for (const session of sessions) {
      await session.receives(() => toldOf(session, alice).length >= 4);
      expect(toldOf(session, alice)).toEqual(["online", "busy", "idle", "online"]);
    }
  });

  test("is announced to all sessions of the user", async () => {
    const { alice } = await world.chat();
    const [phone, laptop] = await Promise.all([alice.connects(0), alice.connects(1)]);
    for (const status of ["busy", "appear_offline", "online", "idle"]) {
      await phone.asks({ type: "PRESENCE", status });
      for (const client of [phone, laptop]) await client.receives(() => toldOf(client, alice).at(-1) === status);
    }
  });

  test("is not announced to users without a shared room", async () => {
    const { alice, bob, carol } = await world.chat();
    const shared = await bob.makesRoom(carol);
    const [carols, bobs, stream] = await Promise.all([carol.connects(0), bob.connects(1), carol.streams(shared, 0)]);
    const phone = await alice.connects(1);
    await phone.asks({ type: "PRESENCE", status: "busy" });
    await bobs.receives({ type: "PRESENCE", userId: alice.id, status: "busy" });
    await bobs.asks({ type: "PRESENCE", status: "idle" });
    await carols.receives({ type: "PRESENCE", userId: bob.id, status: "idle" });
    await stream.receives("presence", { user_id: bob.id, status: "unavailable" });
    expect(toldOf(carols, alice)).toEqual([]);
    expect(stream.of("presence").filter(({ user_id }) => user_id === alice.id)).toEqual([]);
  });

  test("is visible from the first shared room to the end of the last", async () => {
    const { alice, bob, carol, chatId } = await world.chat();
    await bob.makesRoom(carol);
    const [phone, bobs, carols] = await Promise.all([alice.connects(0), bob.connects(1), carol.connects(1)]);
    await phone.asks({ type: "PRESENCE", status: "busy" });
    await bobs.receives({ type: "PRESENCE", userId: alice.id, status: "busy" });
    expect(await statusesOf(carol, alice)).toEqual(["offline"]);
    await alice.adds(chatId, carol);
    expect(await statusesOf(carol, alice)).toEqual(["busy"]);
    await phone.asks({ type: "PRESENCE", status: "idle" });
    await carols.receives({ type: "PRESENCE", userId: alice.id, status: "idle" });
    await alice.removes(chatId, carol);
    expect(await presenceOf(carol, alice)).toEqual({ user_id: alice.id, status: "offline", last_active_at: null });
    await carols.receives({ type: "USER_LEAVE", senderId: carol.id });
    await phone.asks({ type: "PRESENCE", status: "online" });
    await bobs.receives(() => toldOf(bobs, alice).at(-1) === "online");
    await bobs.asks({ type: "PRESENCE", status: "idle" });
    await carols.receives({ type: "PRESENCE", userId: bob.id, status: "idle" });
    expect(toldOf(carols, alice)).not.toContain("online");
    expect((await alice.asks("DELETE", `/v1/rooms/${chatId}`)).status).toBe(200);
    expect(await presenceOf(bob, alice)).toEqual({ user_id: alice.id, status: "offline", last_active_at: null });
  });

  test("of members is announced on a room's stream, and not that of users in other shared rooms", async () => {
    const { alice, bob, carol, chatId } = await world.chat();
    await bob.makesRoom(carol);
    const stream = await bob.streams(chatId, 0);
    const bobs = await bob.connects(0);
    await carol.connects(1);
    await bobs.receives({ type: "PRESENCE", userId: carol.id, status: "online" });
    await alice.connects(1);
    await stream.receives("presence", { user_id: alice.id, status: "online" });
    expect(stream.of("presence").filter(({ user_id }) => user_id === carol.id)).toEqual([]);
  });
}

function presentState(world: World): void {
  test.each(["a socket", "a stream"])("is online while %s is open", async (kind) => {
    const { alice, bob, chatId } = await world.chat();
    const [bobs, stream] = await Promise.all([bob.connects(1), bob.streams(chatId, 0)]);
    expect(await presenceOf(bob, alice)).toMatchObject({ status: "offline" });
    await (kind === "a socket" ? alice.connects(0) : alice.streams(chatId, 0));
    const told = await bobs.receives({ type: "PRESENCE", userId: alice.id });
    expect(told).toStrictEqual({ type: "PRESENCE", userId: alice.id, status: "online", lastActiveAt: ANY_TIME });
    await stream.receives("presence", { user_id: alice.id, status: "online" });
    expect(await statusesOf(bob, alice, bob)).toEqual(["online", "online"]);
  });

  test("is sent as it is after READY, and after RESUMED, not before", async () => {
    const { alice, bob } = await world.chat();
    const phone = await alice.connects(0);
    await phone.asks({ type: "PRESENCE", status: "busy" });
    for (const door of [0, 1] as const) {
      const fresh = await bob.connects(door);
      await fresh.receives({ type: "PRESENCE", userId: alice.id, status: "busy" });
    }
    const resumed = await bob.connects(1, "?resume=1");
    await resumed.settled();
    expect(resumed.of("PRESENCE")).toEqual([]);
    await resumed.resumes({});
    await resumed.receives({ type: "PRESENCE", userId: alice.id, status: "busy" });
    const types = resumed.frames.map(({ type }) => type);
    expect(types.indexOf("RESUMED")).toBeLessThan(types.indexOf("PRESENCE"));
  });

  test("is the choice made before the first session", async () => {
    const { alice, bob } = await world.chat();
    const bobs = await bob.connects(1);
    dataOf(await alice.asks("PUT", "/v1/presence", { status: "busy" }));
    await bobs.receives({ type: "PRESENCE", userId: alice.id, status: "busy" });
    const phone = await alice.connects(0);
    await phone.asks({ type: "PRESENCE", status: "idle" });
    await bobs.receives({ type: "PRESENCE", userId: alice.id, status: "idle" });
    expect(toldOf(bobs, alice)).toEqual(["busy", "idle"]);
  });

  test("of the user itself is sent after READY and RESUMED as well", async () => {
    const { alice, bob } = await world.chat();
    const bobs = await bob.connects(1);
    dataOf(await alice.asks("PUT", "/v1/presence", { status: "busy" }));
    const own = { type: "PRESENCE", userId: alice.id, status: "busy" };
    await bobs.receives(own);
    const phone = await alice.connects(0);
    await phone.receives(own);
    const laptop = await alice.connects(1);
    await laptop.receives(own);
    const resumed = await alice.resumes(0, {});
    await resumed.receives(own);
  });
}

/** Tests that wait for seconds; they run beside each other. */
export function presenceOverTime(world: World): void {
  test.concurrent("last_active_at moves with ACTIVE, not with PING", async () => {
    const { alice, bob } = await world.chat();
    const [phone, quiet] = await Promise.all([alice.connects(0), bob.connects(0)]);
    const activeAt = async (asker: Person, user: Person) =>
      Date.parse((await presenceOf(asker, user)).last_active_at ?? "");
    const [entered, before] = [await activeAt(bob, alice), await activeAt(alice, bob)];
    const active = async () => {
      await quiet.settled();
      phone.send({ type: "ACTIVE" });
      return activeAt(bob, alice);
    };
    // The time of the last activity is not exact to the second.
    await eventually(active, (at) => at > entered + 1000, 20_000);
    expect(await activeAt(alice, bob)).toBe(before);
  });
}
