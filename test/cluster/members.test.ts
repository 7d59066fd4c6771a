/** Joining and leaving a room under load: each user gets exactly the events of their memberships. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { bySocket, type Load, startLoad } from "../support/cluster/load.ts";
import type { ResumingClient } from "../support/cluster/resuming-client.ts";
import { Stage } from "../support/cluster/stage.ts";
import { staysComplete } from "../support/cluster/stays.ts";
import type { Frame } from "../support/socket-client.ts";
import { until } from "../support/until.ts";
import type { Person } from "../support/world.ts";

const stage = new Stage();
beforeAll(() => stage.start());
afterAll(() => stage.stop());
afterEach(() => stage.mend());

interface Scene {
  readonly chatId: string;
  readonly owner: Person;
  /** A user with a session at either gateway, in the room or not. */
  readonly guest: Person;
  readonly guests: readonly ResumingClient[];
  /** The sessions of permanent members, at both gateways. */
  readonly others: readonly ResumingClient[];
}

/** `near`: false when only the guest has sessions at the gateways. */
async function scene({ inside, near = true }: { inside: boolean; near?: boolean }): Promise<Scene> {
  const [owner, guest, ...rest] = (await stage.people(6)) as [Person, Person, ...Person[]];
  const chatId = await owner.makesRoom(...rest, ...(inside ? [guest] : []));
  const others = near ? await Promise.all(rest.map((person, index) => stage.connects(person, index % 2))) : [];
  const guests = await Promise.all([0, 1].map((door) => stage.connects(guest, door, "the guest's session")));
  return { chatId, owner, guest, guests, others };
}

/** Has all permanent members send at once; resolves when that is under way. */
async function loaded({ chatId, others }: Scene): Promise<Load> {
  const load = startLoad(stage, others.map(bySocket), [chatId], 20);
  await until(
    () => load.count() >= 40,
    10_000,
    () => stage.report(others, ["the load did not begin"]),
  );
  return load;
}

const goOn = (load: Load): Promise<void> => {
  const enough = load.count() + 40;
  return until(
    () => load.count() >= enough,
    10_000,
    () => stage.report([], ["the load stands still"]),
  );
};

/** Resolves when all sessions have the events of their memberships. */
async function allDelivered({ chatId, guest, guests, others }: Scene, inside: boolean, lossy = false): Promise<void> {
  await stage.complete(others, [chatId]);
  await staysComplete(stage, chatId, { userId: guest.id, inside, sessions: guests, lossy });
}

describe("a member", () => {
  test("that is removed under load gets everything up to the USER_LEAVE, and nothing after it", async () => {
    const at = await scene({ inside: true });
    const load = await loaded(at);
    await at.owner.removes(at.chatId, at.guest);
    await goOn(load);
    await load.stop();
    await allDelivered(at, true);
  });

  test("that is removed in a burst of its own sends has none after its USER_LEAVE", async () => {
    const at = await scene({ inside: true });
    const burst = Array.from({ length: 160 }, (_, index) => {
      const action = { type: "SEND_MSG", chatId: at.chatId, message: `mine ${index}` };
      return index % 4 === 3 ? at.guest.posts(action) : at.guests[index % 2]!.asks(action);
    });
    await burst[0];
    await at.owner.removes(at.chatId, at.guest);
    await Promise.all(burst);
    const truth = (await stage.truth(at.chatId)).map(({ body }) => JSON.parse(`{${body}`) as Frame);
    const left = truth.find(({ type, senderId }) => type === "USER_LEAVE" && senderId === at.guest.id);
    expect(left).toBeDefined();
    expect(truth.filter(({ senderId, seq }) => senderId === at.guest.id && seq > left!.seq)).toEqual([]);
    expect(await at.guests[0]!.asks({ type: "SEND_MSG", chatId: at.chatId, message: "late" })).toMatchObject({
      code: "not_found",
    });
    await allDelivered(at, true);
  });

  test.each([{ near: true }, { near: false }])(
    "that is added gets everything from the USER_JOIN on without a reconnect (others at the gateway: $near)",
    async ({ near }) => {
      const at = await scene({ inside: false, near });
      const load = near
        ? await loaded(at)
        : startLoad(stage, [async (chatId, text) => at.owner.says(chatId, text)], [at.chatId]);
      await at.owner.adds(at.chatId, at.guest);
      await goOn(load);
      await load.stop();
      await allDelivered(at, false);
      for (const session of at.guests) expect(session.closings).toEqual([]);
    },
  );

  test.each([
    { what: "each stay from its USER_JOIN to its USER_LEAVE", lossy: false },
    { what: "the last stay within 2 s, and nothing between stays, when every hint is lost", lossy: true },
  ])("that is added and removed again and again gets $what", async ({ lossy }) => {
    const at = await scene({ inside: false });
    const load = await loaded(at);
    if (lossy) await stage.dropHints();
    for (let stay = 0; stay < 25; stay++) {
      await at.owner.adds(at.chatId, at.guest);
      await at.owner.removes(at.chatId, at.guest);
    }
    await at.owner.adds(at.chatId, at.guest);
    await goOn(load);
    await load.stop();
    await allDelivered(at, false, lossy);
  });
});

describe("when every hint is lost, within 2 s", () => {
  test("additions and removals take effect, and the last message of a room arrives", async () => {
    const [joining, leaving, staying] = [
      await scene({ inside: false }),
      await scene({ inside: true }),
      await scene({ inside: true }),
    ];
    await stage.dropHints();
    const lostAt = Date.now();
    await joining.owner.adds(joining.chatId, joining.guest);
    await leaving.owner.removes(leaving.chatId, leaving.guest);
    await staying.owner.says(staying.chatId, "the last word");
    await Promise.all([allDelivered(joining, false), allDelivered(leaving, true), allDelivered(staying, true)]);
    for (const { guests, others, chatId } of [joining, leaving, staying])
      for (const session of [...guests, ...others])
        expect(session.events(chatId).at(-1)!.at - lostAt, session.name).toBeLessThan(2000);
    // A removed member does not get the next message, with or without hints.
    await stage.passHints();
    await leaving.owner.says(leaving.chatId, "among ourselves");
    await allDelivered(leaving, true);
  });

  test("a revoked user's sessions are ended, on both gateways", async () => {
    const [person, service] = [await stage.person(), await stage.service()];
    const sessions = await Promise.all([stage.connects(person, 0), stage.connects(person, 1)]);
    await stage.dropHints();
    const revokedAt = Date.now();
    expect((await service.asks("POST", `/v1/users/${person.id}/revoke`)).status).toBe(200);
    for (const at of await stage.allClosed(sessions, 4409, 5000)) expect(at - revokedAt).toBeLessThan(2000);
  });
});
