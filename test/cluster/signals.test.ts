/** Typing, presence and streams, while gateways are killed. Gateways 0 and 1 stay; a test that kills one has its own. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Author, startLoad, wholeHistory } from "../support/cluster/load.ts";
import type { ResumingClient } from "../support/cluster/resuming-client.ts";
import { Stage } from "../support/cluster/stage.ts";
import { seqIn } from "../support/cursors.ts";
import type { Stream } from "../support/event-stream.ts";
import { dataOf } from "../support/http.ts";
import { statusesOf } from "../support/queries.ts";
import { passed, until } from "../support/until.ts";
import type { Person } from "../support/world.ts";
import { follows, printed, printsOf, takeIn, textless, viewOf } from "./room-view.ts";

const NEAR = 0;
const FAR = 1;

const stage = new Stage();
beforeAll(() => stage.start({ gateways: 5 }));
afterAll(() => stage.stop());

/** A user with a socket and a stream at each gateway that stays. */
interface Onlooker {
  readonly person: Person;
  readonly sessions: readonly ResumingClient[];
  readonly streams: readonly Stream[];
}

async function looksOn(person: Person, chatId: string): Promise<Onlooker> {
  const doors = [NEAR, FAR];
  const [sessions, streams] = await Promise.all([
    Promise.all(doors.map((door) => stage.connects(person, door, "an onlooker"))),
    Promise.all(doors.map((door) => stage.streams(person, chatId, door))),
  ]);
  return { person, sessions, streams };
}

const typingOf = ({ signals }: ResumingClient, { id }: Person) =>
  signals.filter(({ type, senderId }) => senderId === id && (type === "TYPING" || type === "STOP_TYPING"));

/** Resolves when each session and stream was told that these stopped. Fails unless each was told of one start and one stop. */
async function expectTypingOnce({ sessions, streams }: Onlooker, typists: readonly Person[]): Promise<void> {
  const onStream = (stream: Stream, { id }: Person) =>
    stream.of("typing").flatMap(({ user_id, typing }) => (user_id === id ? [typing] : []));
  const all = () =>
    typists.every(
      (typist) =>
        sessions.every((session) => typingOf(session, typist).at(-1)?.type === "STOP_TYPING") &&
        streams.every((stream) => onStream(stream, typist).at(-1) === false),
    );
  await until(all, 6000, () => stage.report(sessions, ["no STOP_TYPING"]));
  for (const typist of typists) {
    for (const session of sessions)
      expect(typingOf(session, typist).map(({ type }) => type)).toEqual(["TYPING", "STOP_TYPING"]);
    for (const stream of streams) expect(onStream(stream, typist)).toEqual([true, false]);
  }
}

/** Choices of presence with their words on a stream. In this order no word follows itself. */
const CHOSEN = [
  ["busy", "unavailable"],
  ["online", "online"],
  ["idle", "unavailable"],
] as const;

describe("signals", () => {
  test.concurrent("typing by a socket and by REST ends at both gateways 4 s after its last refresh, once", async () => {
    const [bySocket, byRest, reader] = (await stage.people(3)) as [Person, Person, Person];
    const chatId = await reader.makesRoom(bySocket, byRest);
    const onlooker = await looksOn(reader, chatId);
    const session = await stage.connects(bySocket, NEAR, "the typist");
    const refresh: Readonly<Record<string, () => Promise<unknown>>> = {
      [bySocket.id]: () => session.asks({ type: "TYPING", chatId }),
      [byRest.id]: () => byRest.asks("PUT", "/v1/typing", { room_id: chatId, typing: true }),
    };
    const refreshes = [bySocket, byRest].map(async (typist) => {
      await refresh[typist.id]!();
      const firstAt = Date.now();
      await passed(firstAt, 1000);
      const askedAt = Date.now();
      await refresh[typist.id]!();
      return { typist, askedAt, takenAt: Date.now() };
    });
    const refreshed = await Promise.all(refreshes);
    await expectTypingOnce(onlooker, [bySocket, byRest]);
    for (const { typist, askedAt, takenAt } of refreshed)
      for (const each of onlooker.sessions) {
        const { at } = typingOf(each, typist)[1]!;
        expect(at - askedAt, each.name).toBeGreaterThanOrEqual(3990);
        expect(at - takenAt, each.name).toBeLessThan(4500);
      }
  });

  test.concurrent("typing at a gateway that is killed ends at the others no later, once", async () => {
    const [typist, reader] = (await stage.people(2)) as [Person, Person];
    const chatId = await typist.makesRoom(reader);
    const onlooker = await looksOn(reader, chatId);
    const [session] = await stage.opens([typist], () => 2);
    await session!.acts({ type: "TYPING", chatId });
    const takenAt = Date.now();
    await until(
      () => onlooker.sessions.every((each) => typingOf(each, typist).length > 0),
      1000,
      () => stage.report(onlooker.sessions, ["no TYPING"]),
    );
    await stage.gateways[2]!.kill();
    await expectTypingOnce(onlooker, [typist]);
    for (const each of onlooker.sessions) expect(typingOf(each, typist)[1]!.at - takenAt).toBeLessThan(4500);
  });

  test.concurrent.each([
    { sessions: 2, what: "two sessions" },
    { sessions: 0, what: "no session" },
  ])("a presence that a user with $what PUTs reaches all others at both gateways once", async ({ sessions }) => {
    const [person, reader] = (await stage.people(2)) as [Person, Person];
    // Three shared rooms, so that a notice per room would show.
    const [chatId] = await Promise.all([reader, reader, person].map((owner) => owner.makesRoom(person, reader)));
    const { sessions: others, streams } = await looksOn(reader, chatId!);
    const own = await Promise.all(
      [NEAR, FAR].slice(0, sessions).map((door) => stage.connects(person, door, "an own session")),
    );
    const before = sessions === 0 ? [] : ["online"];
    const words = (stream: Stream) =>
      stream.of("presence").flatMap(({ user_id, status }) => (user_id === person.id ? [status] : []));
    const told = (count: number) => () =>
      others.every((each) => each.statuses(person).length >= before.length + count) &&
      own.every((each) => each.statuses(person).at(-1) === CHOSEN[count - 1]?.[0]) &&
      streams.every((stream) => words(stream).length >= before.length + count);
    await until(
      () => others.every((each) => each.statuses(person).length === before.length),
      2000,
      () => stage.report(others, ["they are not online"]),
    );
    for (const [index, [status]] of CHOSEN.entries()) {
      dataOf(await person.asks("PUT", "/v1/presence", { status }));
      await until(told(index + 1), 2000, () => stage.report(others, [`no session was told of ${status}`]));
      expect(await statusesOf(reader, person)).toEqual([status]);
    }
    const chosen = CHOSEN.map(([status]) => status);
    for (const each of others) expect(each.statuses(person), each.name).toEqual([...before, ...chosen]);
    for (const stream of streams) expect(words(stream)).toEqual([...before, ...CHOSEN.map(([, word]) => word)]);
    for (const each of own) expect(each.statuses(person).slice(-CHOSEN.length), each.name).toEqual(chosen);
  });
});

const USERS = 500;
const IN_ROOM = 50;

/** Five hundred users at one gateway, in ten rooms with an onlooker at another. */
async function crowd(door: number): Promise<{ people: Person[]; onlooker: Person; watch: ResumingClient }> {
  const people = await stage.people(USERS);
  const onlooker = await stage.person();
  const rooms = Array.from({ length: USERS / IN_ROOM }, (_, room) =>
    onlooker.makesRoom(...people.slice(room * IN_ROOM, (room + 1) * IN_ROOM)),
  );
  await Promise.all(rooms);
  const watch = await stage.connects(onlooker, FAR, "the onlooker");
  await stage.opens(people, () => door);
  await until(
    () => people.every((person) => watch.statuses(person).length > 0),
    10_000,
    () => stage.report([watch], [`${people.filter((each) => watch.statuses(each).length === 0).length} are not there`]),
  );
  return { people, onlooker, watch };
}

describe("a gateway that is killed", () => {
  test.concurrent("takes only those of its 500 users offline that do not return, each once, within 10 s", async () => {
    const { people, onlooker, watch } = await crowd(3);
    const parts = [people.slice(0, 150), people.slice(150, 250), people.slice(250, 350), people.slice(350)];
    const [elsewhere, quick, slow, gone] = parts as [Person[], Person[], Person[], Person[]];
    await stage.opens(elsewhere, () => FAR);
    const staying = [...elsewhere, ...quick, ...slow];

    const killedAt = Date.now();
    await stage.gateways[3]!.kill();
    const after = (ms: number) => passed(killedAt, ms);
    const returning = [stage.opens(quick, () => FAR), after(2500).then(() => stage.opens(slow, () => NEAR))];
    const wasOffline = new Set<string>();
    const looking = (async () => {
      while (Date.now() < killedAt + 10_000) {
        const statuses = await statusesOf(onlooker, ...people);
        expect(statuses.filter((status, index) => status !== "online" && index < staying.length)).toEqual([]);
        for (const [index, person] of gone.entries()) {
          const status = statuses[staying.length + index];
          if (status === "offline") wasOffline.add(person.id);
          else expect(wasOffline.has(person.id), "seen online after offline").toBe(false);
        }
        await after(Math.min(Date.now() - killedAt + 250, 10_001));
      }
    })();
    await Promise.all([...returning, looking]);

    const told = (those: readonly Person[]) => new Set(those.map((person) => watch.statuses(person).join()));
    expect(told(gone), stage.report([watch], [])).toEqual(new Set(["online,offline"]));
    expect(told(staying)).toEqual(new Set(["online"]));
    const last = Math.max(...watch.presences.map(({ at, status }) => (status === "offline" ? at - killedAt : 0)));
    expect(last, "the time of the last offline announcement, in milliseconds").toBeLessThan(10_000);
    const expected = people.map((_, index) => (index < staying.length ? "online" : "offline"));
    expect(await statusesOf(onlooker, ...people)).toEqual(expected);
  });

  test.concurrent("costs a stream nothing: it continues at another, and snapshots fit the events after them", async () => {
    const people = await stage.people(4);
    const [owner, reader] = people as [Person, Person];
    const chatId = await owner.makesRoom(...people.slice(1));
    const [unbroken, broken] = await Promise.all([
      stage.streams(reader, chatId, FAR),
      stage.streams(reader, chatId, 4),
    ]);
    const load = startLoad(
      stage,
      people.map((person) => eventful(person, person === owner)),
      [chatId],
      200,
    );
    const goesOn = (turns: number) => {
      const enough = load.count() + turns;
      return until(
        () => load.count() >= enough,
        10_000,
        () => stage.report([], [`the load stands at ${load.count()}`]),
      );
    };

    await goesOn(10);
    const joined = [await follows(stage, reader, chatId, NEAR)];
    await goesOn(10);
    await stage.gateways[4]!.kill();
    await broken.ended;
    broken.close();
    const seen = printsOf(broken);
    expect(seen.length).toBeGreaterThan(50);
    await goesOn(5);
    const resumed = await stage.streams(reader, chatId, FAR, seen.at(-1)!.cursor);
    joined.push(await follows(stage, reader, chatId, FAR));
    await goesOn(10);
    await load.stop();

    const truth = await stage.truth(chatId);
    const last = truth.at(-1)!.seq;
    await Promise.all([unbroken, resumed, ...joined.map(({ stream }) => stream)].map((each) => each.reaches(last)));
    const expected = truth.slice(1).map(printed);
    const live = printsOf(unbroken);
    // Live events have the texts of their time, a replay those of now.
    expect(live.map(textless)).toEqual(expected.map(textless));
    expect(seen).toEqual(live.slice(0, seen.length));
    expect([...seen, ...printsOf(resumed)].map(textless)).toEqual(expected.map(textless));
    const replayed = await stage.streams(reader, chatId, FAR, truth[0]!.cursor);
    await replayed.reaches(last);
    expect(printsOf(replayed)).toEqual(expected);
    const whole = viewOf(await wholeHistory(reader, chatId));
    for (const { view, cursor, stream } of joined) {
      const events = printsOf(stream);
      const due = expected.filter((each) => seqIn(each.cursor) > seqIn(cursor));
      expect(events.map(textless)).toEqual(due.map(textless));
      for (const event of events) takeIn(view, event);
      expect(view).toEqual(whole);
    }
  });
});

/** An author at the API nodes: each turn has every event of a message; an owner also adds members, and removes every second one. */
const eventful =
  (author: Person, owner: boolean): Author =>
  async (chatId, message) => {
    const sent = await author.says(chatId, message);
    const { messageId } = sent;
    const reaction = await author.acts({ type: "REACT", chatId, messageId, reaction: "+1" });
    await author.acts({ type: "EDIT_MSG", chatId, messageId, message: `${message}, edited` });
    const answer = await author.acts({ type: "REPLY", chatId, messageId, message: `an answer to ${message}` });
    await author.acts({ type: "REACT", chatId, messageId: answer.messageId, reaction: "-1" });
    await author.acts({ type: "DELETE_REACT", reactionId: reaction.messageId });
    if (sent.seq % 2 === 0) await author.acts({ type: "DELETE_MSG", chatId, messageId });
    if (!owner) return sent;
    const guest = await stage.person();
    await author.adds(chatId, guest);
    if (sent.seq % 2 === 0) await author.removes(chatId, guest);
    return sent;
  };
