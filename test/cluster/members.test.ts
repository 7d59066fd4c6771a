/** Who comes and goes while a room is being written to sees exactly what is theirs. */
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
  /** Somebody with a session at either gateway, in the room or not. */
  readonly guest: Person;
  readonly guests: readonly ResumingClient[];
  /** Members at both gateways who stay. */
  readonly others: readonly ResumingClient[];
}

/** `near`: whether members who stay have sessions at the guest's gateways, or only the guest is there. */
async function scene({ inside, near = true }: { inside: boolean; near?: boolean }): Promise<Scene> {
  const [owner, guest, ...rest] = (await stage.people(6)) as [Person, Person, ...Person[]];
  const chatId = await owner.makesRoom(...rest, ...(inside ? [guest] : []));
  const others = near ? await Promise.all(rest.map((person, index) => stage.connects(person, index % 2))) : [];
  const guests = await Promise.all([0, 1].map((door) => stage.connects(guest, door, "the guest's session")));
  return { chatId, owner, guest, guests, others };
}

/** Everybody who stays writes at once; resolves when that is under way. */
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

/** Resolves when everybody has everything that is theirs. */
async function allDelivered({ chatId, guest, guests, others }: Scene, inside: boolean, lossy = false): Promise<void> {
  await stage.complete(others, [chatId]);
  await staysComplete(stage, chatId, { userId: guest.id, inside, sessions: guests, lossy });
}

describe("a member who", () => {
  test("is removed while being sent to gets everything up to the USER_LEAVE, and nothing above it", async () => {
    const at = await scene({ inside: true });
    const load = await loaded(at);
    await at.owner.removes(at.chatId, at.guest);
    await goOn(load);
    await load.stop();
    await allDelivered(at, true);
  });

  test("is removed in the middle of a burst of their own sends has none above their USER_LEAVE", async () => {
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
    "is added gets everything from the USER_JOIN on without reconnecting (others at the gateway: $near)",
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
  ])("is added and removed again and again gets $what", async ({ lossy }) => {
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
  test("who was added is in, who was removed is out, and the last message of a room is there", async () => {
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
    // What is said next is not for who left, hint or none.
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
    await until(
      () => sessions.every(({ closings }) => closings.length > 0),
      5000,
      () => stage.report(sessions, []),
    );
    for (const { closings } of sessions) {
      expect(closings.map(({ code }) => code)).toEqual([4409]);
      expect(closings[0]!.at - revokedAt).toBeLessThan(2000);
    }
  });
});
