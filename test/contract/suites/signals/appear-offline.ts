/** CONTRACT section 6: a user that appears offline looks like one that is. Tests that wait for seconds; they run beside each other. */
import { expect, test } from "vitest";
import type { Stream } from "../../../support/event-stream.ts";
import { dataOf } from "../../../support/http.ts";
import { matrixId, presenceOf, receiptsOf, stateOf, statusesOf } from "../../../support/queries.ts";
import type { Client } from "../../../support/socket-client.ts";
import { eventually } from "../../../support/until.ts";
import type { Person, World } from "../../../support/world.ts";
import { ANY_TIME } from "../../support/shapes.ts";
import { eventsOf, framesOf, restViewOf, toldOf } from "../../support/visibility.ts";

const GRACE_MS = 5000;
const SWEEP_MS = 2500;

/** A view without the ids and times, in which two users may differ. */
const alike = (seen: unknown, { id }: Person): unknown =>
  JSON.parse(
    JSON.stringify(seen)
      .replaceAll(id, "a user")
      .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, "at some time"),
  );

/** Ann and Ben, alike in everything, and a watcher. */
interface Twins {
  readonly chatId: string;
  readonly ann: Person;
  readonly ben: Person;
  readonly anns: Client;
  readonly bens: Client;
  readonly watcher: Person;
  readonly sockets: readonly [Client, Client];
  readonly stream: Stream;
  /** Fails unless a member and a service get the same answers about both, and an outsider none. */
  readonly expectAlike: () => Promise<void>;
}

async function twins(world: World, status: string): Promise<Twins> {
  const { alice: watcher, carol, chatId } = await world.chat();
  const [ann, ben, service] = [await world.person(), await world.person(), await world.service()];
  for (const user of [ann, ben]) await watcher.adds(chatId, user);
  const sockets = [await watcher.connects(0), await watcher.connects(1)] as const;
  const stream = await watcher.streams(chatId, 0);
  const [anns, bens] = await Promise.all([ann.connects(0), ben.connects(0)]);
  const { messageId } = await watcher.says(chatId, "read by both");
  for (const client of [anns, bens]) {
    await client.asks({ type: "PRESENCE", status });
    await client.acts({ type: "READ_MSG", chatId, messageId });
    await client.acts({ type: "TYPING", chatId });
  }
  for (const user of [ann, ben]) await allKnow(sockets, stream, user, status);
  const expectAlike = async () => {
    for (const asker of [watcher, service])
      expect(alike(await restViewOf(asker, ann, chatId), ann)).toEqual(
        alike(await restViewOf(asker, ben, chatId), ben),
      );
    for (const user of [ann, ben])
      expect(await presenceOf(carol, user)).toEqual({ user_id: user.id, status: "offline", last_active_at: null });
    expect(await statusesOf(carol, ann, ben)).toEqual(["offline", "offline"]);
  };
  return { chatId, ann, ben, anns, bens, watcher, sockets, stream, expectAlike };
}

export function appearOfflineOverTime(world: World): void {
  test.concurrent.each([
    ["online", "PRESENCE by a frame"],
    ["busy", "PUT /v1/presence"],
    ["idle", "PUT /chat/api/v1/presence"],
  ])(
    "a user that was %s and appears offline by %s looks as after its last session, on every surface at any time",
    async (status, way) => {
      const here = await twins(world, status);
      const { chatId, ann, ben, anns, bens, watcher, sockets, expectAlike } = here;
      const secret = await watcher.says(chatId, "read by Ann, in secret");
      const before = heard(here);
      const since = Date.now();
      bens.close();
      await Promise.all([bens.closed, hides(ann, anns, way)]);
      for (const { id } of [ann, ben]) await sockets[0].receives({ type: "STOP_TYPING", senderId: id });
      expect(Date.now() - since).toBeLessThan(2000);
      await actsInSecret(ann, anns, chatId, secret.messageId);
      await expectAlike();
      expect(await statusesOf(watcher, ann, ben)).toEqual([status, status]);
      await expectGone(here, since);
      await expectFrozen(here, since);
      // Messages of both, and a new session of Ann's, bring neither online.
      for (const user of [ann, ben]) await user.says(chatId, "from nowhere");
      anns.close();
      await anns.closed;
      await ann.connects(0);
      await expectAlike();
      await expectHeardAlike(here, before);
      await showsHerself(here);
    },
  );
}

async function hides(ann: Person, anns: Client, way: string): Promise<void> {
  if (way === "PRESENCE by a frame") await anns.asks({ type: "PRESENCE", status: "appear_offline" });
  else if (way === "PUT /v1/presence") dataOf(await ann.asks("PUT", "/v1/presence", { status: "appear_offline" }));
  else dataOf(await ann.asks("PUT", "/chat/api/v1/presence", { status: "offline" }));
}

/** The number of frames and events of the watcher's sockets and stream so far. */
const heard = ({ sockets, stream }: Twins): number[] => [
  ...sockets.map(({ frames }) => frames.length),
  stream.events.length,
];

/** Others see Ann's last activity before the choice, also after later ones. */
async function expectFrozen({ ann, anns, watcher, chatId }: Twins, since: number): Promise<void> {
  const frozen = await presenceOf(watcher, ann);
  expect(Date.parse(frozen.last_active_at!)).toBeLessThanOrEqual(since + 100);
  const { messageId } = await watcher.says(chatId, "read in secret, too");
  await actsInSecret(ann, anns, chatId, messageId);
  const own = () => {
    anns.send({ type: "ACTIVE" });
    return presenceOf(ann, ann);
  };
  await eventually(own, ({ last_active_at }) => last_active_at! > frozen.last_active_at!, 20_000);
  expect(await presenceOf(watcher, ann)).toEqual(frozen);
}

/** Fails unless the watcher's sockets and streams, old, new and resumed, have the same about both since `before`. */
async function expectHeardAlike(
  { ann, ben, watcher, chatId, sockets, stream }: Twins,
  before: readonly number[],
): Promise<void> {
  const [fresh, resumed] = [await watcher.connects(1), await watcher.connects(0, "?resume=1")];
  await resumed.resumes({ [chatId]: 1 });
  const replayed = await watcher.streams(chatId, 1, "?last_event_id=1");
  const { messageId } = await watcher.says(chatId, "later");
  for (const client of [...sockets, fresh, resumed]) await client.receives({ messageId });
  for (const each of [stream, replayed]) await each.receives("message", { id: `msg-${messageId}` });
  for (const [index, client] of [...sockets, fresh, resumed].entries()) {
    const [anns, bens] = [ann, ben].map((user) => alike(framesOf(client, user, index < 2 ? before[index] : 0), user));
    expect(anns).toEqual(bens);
  }
  for (const [each, after] of [
    [stream, before[2]],
    [replayed, 0],
  ] as const)
    expect(alike(eventsOf(each, ann, after), ann)).toEqual(alike(eventsOf(each, ben, after), ben));
}

/** Fails unless both are announced offline within the same window of time. */
async function expectGone({ ann, ben, sockets, stream }: Twins, since: number): Promise<void> {
  const watched = sockets.flatMap((socket) => [ann, ben].map((user) => goneAt(socket, user)));
  for (const at of await Promise.all(watched)) {
    expect(at - since).toBeGreaterThan(GRACE_MS - 100);
    expect(at - since).toBeLessThan(GRACE_MS + SWEEP_MS);
  }
  for (const { id } of [ann, ben]) await stream.receives("presence", { user_id: id, status: "offline" });
}

/** Ann chooses online: her receipts of the meantime are shown. */
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

/** Resolves when the presence, receipt and typing of a user have arrived. */
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

/** Ann acts while she appears offline; her other session gets the receipt. */
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

/** The moment at which a socket was told of a user's offline, in milliseconds since the epoch. */
async function goneAt(socket: Client, user: Person): Promise<number> {
  await socket.receives(() => toldOf(socket, user).at(-1) === "offline");
  return Date.now();
}
