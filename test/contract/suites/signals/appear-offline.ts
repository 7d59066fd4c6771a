/** CONTRACT section 6: who appears offline cannot be told from who is. What takes seconds by its nature; this test runs beside others. */
import { expect, test } from "vitest";
import type { Stream } from "../../../support/event-stream.ts";
import { dataOf } from "../../../support/http.ts";
import { matrixId, presenceOf, receiptsOf, stateOf, statusesOf } from "../../../support/queries.ts";
import type { Client } from "../../../support/socket-client.ts";
import type { Person, World } from "../../../support/world.ts";
import { ANY_TIME, seen } from "../../support/shapes.ts";
import { eventsOf, framesOf, told } from "../../support/visibility.ts";
import { toldOf } from "./presence.ts";

const GRACE_MS = 5000;
const SWEEP_MS = 2500;

/** The same for everybody: ids and times are what two people may differ in. */
const alike = (seen: unknown, { id }: Person): unknown =>
  JSON.parse(
    JSON.stringify(seen)
      .replaceAll(id, "somebody")
      .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, "at some time"),
  );

/** Ann and Ben, alike in everything, and who watches them. */
interface Twins {
  readonly chatId: string;
  readonly ann: Person;
  readonly ben: Person;
  readonly anns: Client;
  readonly bens: Client;
  readonly watcher: Person;
  readonly sockets: readonly [Client, Client];
  readonly stream: Stream;
  /** Of fellow members and a service, whoever asks is told the same of both; a stranger is told nothing. */
  readonly expectAlike: () => Promise<void>;
}

async function twins(world: World, status: string): Promise<Twins> {
  const { alice: watcher, carol, chatId } = await world.chat();
  const [ann, ben, service] = [await world.person(), await world.person(), await world.service()];
  for (const who of [ann, ben]) await watcher.adds(chatId, who);
  const sockets = [await watcher.connects(0), await watcher.connects(1)] as const;
  const stream = await watcher.streams(chatId, 0);
  const [anns, bens] = await Promise.all([ann.connects(0), ben.connects(0)]);
  const { messageId } = await watcher.says(chatId, "read by both");
  for (const client of [anns, bens]) {
    await client.asks({ type: "PRESENCE", status });
    await client.acts({ type: "READ_MSG", chatId, messageId });
    await client.acts({ type: "TYPING", chatId });
  }
  for (const who of [ann, ben]) await allKnow(sockets, stream, who, status);
  const expectAlike = async () => {
    for (const asker of [watcher, service])
      expect(alike(await told(asker, ann, chatId), ann)).toEqual(alike(await told(asker, ben, chatId), ben));
    for (const who of [ann, ben])
      expect(await presenceOf(carol, who)).toEqual({ user_id: who.id, status: "offline", last_active_at: null });
    expect(await statusesOf(carol, ann, ben)).toEqual(["offline", "offline"]);
  };
  return { chatId, ann, ben, anns, bens, watcher, sockets, stream, expectAlike };
}

export function twinsPatience(world: World): void {
  test.concurrent.each([
    ["online", "PRESENCE by a frame"],
    ["busy", "PUT /v1/presence"],
    ["idle", "PUT /chat/api/v1/presence"],
  ])(
    "who was %s and appears offline by %s is like one whose last session closed, at every door and moment",
    async (status, door) => {
      const here = await twins(world, status);
      const { chatId, ann, ben, anns, bens, watcher, sockets, expectAlike } = here;
      const secret = await watcher.says(chatId, "read by Ann, in secret");
      const before = heard(here);
      const since = Date.now();
      bens.close();
      await Promise.all([bens.closed, hides(ann, anns, door)]);
      for (const { id } of [ann, ben]) await sockets[0].receives({ type: "STOP_TYPING", senderId: id });
      expect(Date.now() - since).toBeLessThan(2000);
      await actsInSecret(ann, anns, chatId, secret.messageId);
      await expectAlike();
      expect(await statusesOf(watcher, ann, ben)).toEqual([status, status]);
      await expectGone(here, since);
      await expectFrozen(here, since);
      // Neither is seen coming by what they say, nor Ann by coming back.
      for (const who of [ann, ben]) await who.says(chatId, "from nowhere");
      anns.close();
      await anns.closed;
      await ann.connects(0);
      await expectAlike();
      await expectHeardAlike(here, before);
      await showsHerself(here);
    },
  );
}

async function hides(ann: Person, anns: Client, door: string): Promise<void> {
  if (door === "PRESENCE by a frame") await anns.asks({ type: "PRESENCE", status: "appear_offline" });
  else if (door === "PUT /v1/presence") dataOf(await ann.asks("PUT", "/v1/presence", { status: "appear_offline" }));
  else dataOf(await ann.asks("PUT", "/chat/api/v1/presence", { status: "offline" }));
}

/** How much the watcher's sockets and stream have heard so far. */
const heard = ({ sockets, stream }: Twins): number[] => [
  ...sockets.map(({ frames }) => frames.length),
  stream.events.length,
];

/** Whatever Ann does on, others see the last moment before the choice. */
async function expectFrozen({ ann, anns, watcher, chatId }: Twins, since: number): Promise<void> {
  const frozen = await presenceOf(watcher, ann);
  expect(Date.parse(frozen.last_active_at!)).toBeLessThanOrEqual(since + 100);
  const { messageId } = await watcher.says(chatId, "read in secret, too");
  await actsInSecret(ann, anns, chatId, messageId);
  const own = () => {
    anns.send({ type: "ACTIVE" });
    return presenceOf(ann, ann);
  };
  await seen(own, ({ last_active_at }) => last_active_at! > frozen.last_active_at!, 20_000);
  expect(await presenceOf(watcher, ann)).toEqual(frozen);
}

/** What the watcher heard since then of one is what they heard of the other; and what is told to whoever comes, or comes back. */
async function expectHeardAlike(
  { ann, ben, watcher, chatId, sockets, stream }: Twins,
  before: readonly number[],
): Promise<void> {
  const [fresh, resumed] = [await watcher.connects(1), await watcher.connects(0, "?resume=1")];
  resumed.send({ type: "RESUME", rooms: { [chatId]: 1 } });
  await resumed.receives({ type: "RESUMED" });
  const replayed = await watcher.streams(chatId, 1, "?last_event_id=1");
  const { messageId } = await watcher.says(chatId, "later");
  for (const client of [...sockets, fresh, resumed]) await client.receives({ messageId });
  for (const each of [stream, replayed]) await each.receives("message", { id: `msg-${messageId}` });
  for (const [index, client] of [...sockets, fresh, resumed].entries()) {
    const [anns, bens] = [ann, ben].map((who) => alike(framesOf(client, who, index < 2 ? before[index] : 0), who));
    expect(anns).toEqual(bens);
  }
  for (const [each, after] of [
    [stream, before[2]],
    [replayed, 0],
  ] as const)
    expect(alike(eventsOf(each, ann, after), ann)).toEqual(alike(eventsOf(each, ben, after), ben));
}

/** Both are told as offline, at the same moment as far as a watcher can tell. */
async function expectGone({ ann, ben, sockets, stream }: Twins, since: number): Promise<void> {
  const watched = sockets.flatMap((socket) => [ann, ben].map((who) => goneAt(socket, who)));
  for (const at of await Promise.all(watched)) {
    expect(at - since).toBeGreaterThan(GRACE_MS - 100);
    expect(at - since).toBeLessThan(GRACE_MS + SWEEP_MS);
  }
  for (const { id } of [ann, ben]) await stream.receives("presence", { user_id: id, status: "offline" });
}

/** Once she does, what she read meanwhile is seen. */
async function showsHerself({ ann, sockets, watcher, chatId }: Twins): Promise<void> {
  const { last_read_event_id } = await stateOf(ann, chatId);
  const messageId = last_read_event_id!.replace("evt-", "");
  dataOf(await ann.asks("PUT", "/v1/presence", { status: "online" }));
  for (const socket of sockets) {
    await socket.receives(() => toldOf(socket, ann).at(-1) === "online");
    await socket.receives({ type: "READ_MSG", senderId: ann.id, messageId });
  }
  const read = { user_id: ann.id, last_read_event_id: matrixId(messageId), read_at: ANY_TIME };
  expect(await receiptsOf(watcher, chatId)).toContainEqual(read);
}

/** Everybody was told that this one is here, has read, and types. */
async function allKnow(sockets: readonly Client[], stream: Stream, { id }: Person, status: string): Promise<void> {
  for (const socket of sockets) {
    await socket.receives({ type: "PRESENCE", userId: id, status });
    await socket.receives((frame) => JSON.stringify(frame).includes(id) && /READ_MSG|RECEIPTS/.test(frame.type));
    await socket.receives({ type: "TYPING", senderId: id });
  }
  await stream.receives("presence", { user_id: id, status: status === "online" ? "online" : "unavailable" });
  await stream.receives("receipt", { user_id: id });
  await stream.receives("typing", { user_id: id, typing: true });
}

/** What Ann does on, in spite of being offline to others; her other session hears of it. */
async function actsInSecret(ann: Person, anns: Client, chatId: string, messageId: string): Promise<void> {
  const laptop = await ann.connects(1);
  anns.send({ type: "ACTIVE" });
  await anns.asks({ type: "PRESENCE", status: "appear_offline" });
  await anns.acts({ type: "TYPING", chatId });
  await anns.acts({ type: "READ_MSG", chatId, messageId });
  await anns.acts({ type: "STOP_TYPING", chatId });
  await anns.receives({ type: "READ_MSG", senderId: ann.id, messageId });
  laptop.close();
}

/** When a socket was told that somebody is offline, in milliseconds since the epoch. */
async function goneAt(socket: Client, who: Person): Promise<number> {
  await socket.receives(() => toldOf(socket, who).at(-1) === "offline");
  return Date.now();
}
