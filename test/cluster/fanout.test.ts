/** A message's way: author, any node, Redis Cluster, both gateways, every session of the room. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { expectKept } from "../support/cluster/load.ts";
import type { ResumingClient } from "../support/cluster/resuming-client.ts";
import { Stage } from "../support/cluster/stage.ts";
import { dataOf } from "../support/http.ts";
import type { Frame } from "../support/socket-client.ts";
import { inSeconds } from "../support/tokens.ts";
import { passed, until } from "../support/until.ts";
import type { Person } from "../support/world.ts";

const ROOMS = 20;
const AUTHORS = 20;

const stage = new Stage();
beforeAll(() => stage.start());
afterAll(() => stage.stop());

describe("twenty rooms of twenty authors each, at all nodes at once", () => {
  afterEach(() => stage.mend());

  test("every session gets every event of its rooms, once, in order, as the store has it", async () => {
    const rooms = await Promise.all(Array.from({ length: ROOMS }, () => crowdedRoom()));
    const acknowledged = await Promise.all(rooms.flatMap(({ chatId, authors }) => authors.map(talk(chatId))));
    for (const { chatId, sessions } of rooms) await stage.complete(sessions, [chatId]);
    for (const { chatId, people } of rooms)
      await expectKept(
        stage,
        people[0]!,
        acknowledged.flat().filter((event) => event.chatId === chatId && event.type === "SEND_MSG"),
      );
  });
});

interface Talker {
  readonly person: Person;
  readonly client: ResumingClient | undefined;
}

/** A room with a reader at either gateway; a third of its authors acts at each gateway and at the API nodes. */
async function crowdedRoom(): Promise<{
  chatId: string;
  people: Person[];
  authors: Talker[];
  sessions: ResumingClient[];
}> {
  const people = await stage.people(AUTHORS + 2);
  const [near, far, ...others] = people as [Person, Person, ...Person[]];
  const chatId = await near.makesRoom(far, ...others);
  const sessions = await Promise.all([stage.connects(near, 0), stage.connects(far, 1)]);
  const authors = await Promise.all(
    others.map(async (person, index) => {
      const client = index % 3 === 2 ? undefined : await stage.connects(person, index % 3);
      if (client !== undefined) sessions.push(client);
      return { person, client };
    }),
  );
  return { chatId, people, authors, sessions };
}

/** Every kind of action once, each about the one before. */
const talk =
  (chatId: string) =>
  async ({ person, client }: Talker): Promise<readonly Frame[]> => {
    const act = async (action: object) =>
      client === undefined ? person.acts({ ...action, chatId }) : (await client.asks({ ...action, chatId })).data;
    const sent = await act({ type: "SEND_MSG", message: "“Grüße” \u{1f44b}", clientMessageId: "first" });
    const { messageId } = sent;
    const reaction = await act({ type: "REACT", messageId, reaction: "+1" });
    return [
      sent,
      reaction,
      await act({ type: "EDIT_MSG", messageId, message: "edited" }),
      await act({ type: "REPLY", messageId, message: "an answer" }),
      await act({ type: "DELETE_REACT", reactionId: reaction.messageId }),
      await act({ type: "SEND_MSG", message: "second" }),
    ];
  };

describe("over all nodes together", () => {
  test("a user may send as much as the rate allows, not as much per node", async () => {
    const person = await stage.person();
    const chatId = await person.makesRoom();
    const [near, far] = await Promise.all([stage.connects(person, 0), stage.connects(person, 1)]);
    const action = { type: "TYPING", chatId };
    const began = performance.now();
    const frames = [near, far].flatMap((client) => Array.from({ length: 200 }, () => client.asks(action)));
    const posts = Array.from({ length: 100 }, (_, index) => stage.posts(index % 2, person, action));
    const outcomes = [
      ...(await Promise.all(frames)).map(({ type }) => type === "ACK"),
      ...(await Promise.all(posts)).map(({ status }) => status === 200),
    ];
    const seconds = (performance.now() - began) / 1000;
    const granted = outcomes.filter(Boolean).length;
    // Making the room was one action.
    expect(granted).toBeGreaterThanOrEqual(199);
    expect(granted).toBeLessThanOrEqual(200 + Math.ceil(50 * seconds));
    const refused = (await Promise.all(frames)).find(({ type }) => type === "ERROR");
    expect(refused).toMatchObject({ code: "rate_limited" });
    expect(refused?.retryAfterMs).toBeGreaterThan(0);
  });
});

describe.concurrent("signals and tokens at both gateways", () => {
  test("typing reaches each gateway's sessions once, and ends by itself 4 s after the last refresh", async () => {
    const [typist, near, far] = (await stage.people(3)) as [Person, Person, Person];
    const chatId = await typist.makesRoom(near, far);
    const typing = await stage.connects(typist, 0, "the typist");
    const watchers = await Promise.all([stage.connects(near, 0), stage.connects(far, 1)]);
    let refreshedAt = 0;
    for (let refresh = 0; refresh < 3; refresh++) {
      if (refresh > 0) await passed(refreshedAt, 1000);
      refreshedAt = Date.now();
      await typing.asks({ type: "TYPING", chatId });
    }
    const ended = () => watchers.every(({ signals }) => signals.some(({ type }) => type === "STOP_TYPING"));
    await until(ended, 6000, () => stage.report(watchers, ["no STOP_TYPING"]));
    for (const { signals } of watchers) {
      expect(signals.map(({ type, senderId }) => [type, senderId])).toEqual([
        ["TYPING", typist.id],
        ["STOP_TYPING", typist.id],
      ]);
      expect(signals[1]!.at - refreshedAt).toBeGreaterThanOrEqual(3990);
      expect(signals[1]!.at - refreshedAt).toBeLessThan(4500);
    }
  });

  test("a token that expires ends its sessions within a second, on both gateways", async () => {
    const exp = inSeconds(3);
    const person = await stage.person({ exp });
    const sessions = await Promise.all([stage.connects(person, 0), stage.connects(person, 1)]);
    for (const at of await stage.allClosed(sessions, 4401, 6000)) {
      expect(at).toBeGreaterThanOrEqual(exp * 1000);
      expect(at).toBeLessThan((exp + 1) * 1000);
    }
  });

  test("a revocation ends the user's sessions within a second, on both gateways, and no others", async () => {
    const [person, other, service] = [await stage.person(), await stage.person(), await stage.service()];
    const sessions = await Promise.all([stage.connects(person, 0), stage.connects(person, 1)]);
    const bystander = await stage.connects(other, 1);
    const revokedAt = Date.now();
    const answer = await service.asks("POST", `/v1/users/${person.id}/revoke`);
    expect(answer.status, answer.text).toBe(200);
    for (const at of await stage.allClosed(sessions, 4409, 5000)) expect(at - revokedAt).toBeLessThan(1000);
    await bystander.settled();
    expect(bystander.closings).toEqual([]);
  });

  test("a reader at one gateway gets a message sent at the other in less than a second", async () => {
    const [author, reader] = (await stage.people(2)) as [Person, Person];
    const chatId = await author.makesRoom(reader);
    const far = await stage.connects(reader, 1);
    const sentAt = Date.now();
    const { seq } = dataOf(await author.posts({ type: "SEND_MSG", chatId, message: "quick" }));
    await stage.complete([far], [chatId]);
    expect(far.events(chatId).find((event) => event.seq === seq)!.at - sentAt).toBeLessThan(1000);
  });
});
