import { expect, test } from "vitest";
import { toText } from "../model/bytes.ts";
import { hold, openLoneNode, service, user } from "../testing/lone-node.fake.ts";
import { settled } from "../testing/manual-clock.fake.ts";

/** A node with a room of Ann and Ben in which Ben said `count` things, and a session of Ann. */
async function setUp(count: number) {
  const node = await openLoneNode();
  const { clock, connect, roomOf, say, store, writer } = node;
  const room = await roomOf("ann", "ben");
  const sayAll = async (texts: readonly string[]) => {
    for (const text of texts) await say("ben", room, text);
    await clock.pass(100);
  };
  await sayAll(Array.from({ length: count }, (_, index) => `text ${index}`));
  const ann = await connect("ann");
  /** Takes the room back to how it was at `seq`, as a failover does that loses what came after. */
  const goBack = (seq: number) => store.goBack(room, seq);
  const head = () => ({ seq: store.room(room)?.lastSeq ?? 0, mark: store.room(room)?.lastMark ?? 0 });
  return { ...node, ann, room, sayAll, goBack, head, writer };
}

test("a live session of a room that lost events hears of it with the first event after, and then every new one", async () => {
  const { ann, room, sayAll, goBack, head } = await setUp(5);
  goBack(3);
  await sayAll(["new"]);
  expect(ann.sink.resets).toEqual([{ roomId: room, reason: "diverged", seq: head().seq }]);
  await sayAll(["newer", "newest"]);
  expect(ann.sink.seqs(room)).toEqual([5, 6]);
});

test("a room that lost nothing goes on without a reset, and without a word", async () => {
  const { ann, hub, clock, sayAll, room } = await setUp(2);
  hub.compare();
  await clock.pass(2000);
  await sayAll(["more"]);
  expect(ann.sink.resets).toEqual([]);
  expect(ann.sink.seqs(room)).toEqual([4]);
});

test("after a switch, sessions of a calm room that lost events are reset without any new event", async () => {
  const { ann, hub, goBack, room } = await setUp(5);
  goBack(4);
  hub.compare();
  await settled();
  expect(ann.sink.resets).toEqual([{ roomId: room, reason: "diverged", seq: 4 }]);
});

test("a session that comes back with a cursor of a lost event is reset, also when the room has grown past it", async () => {
  const { arrive, hub, goBack, head, sayAll, room } = await setUp(5);
  const lost = head();
  goBack(3);
  await sayAll(["a", "b", "c", "d", "e"]);
  const { sink, subscriber } = arrive("ann");
  await hub.joining.attach(subscriber);
  await hub.joining.resumeFrom(subscriber, new Map([[room, lost]]));
  expect(sink.resets).toEqual([{ roomId: room, reason: "diverged", seq: 8 }]);
  expect(sink.seqs(room)).toEqual([]);
  await sayAll(["f"]);
  expect(sink.seqs(room)).toEqual([9]);
});

test("a cursor of a lost event is reset also on a node that has not heard of the events since", async () => {
  const { arrive, hub, goBack, head, say, room, clock } = await setUp(5);
  const lost = head();
  goBack(3);
  for (const text of ["a", "b", "c", "d", "e"]) await say("ben", room, text);
  const { sink, subscriber } = arrive("ann");
  await hub.joining.attach(subscriber);
  await hub.joining.resumeFrom(subscriber, new Map([[room, lost]]));
  await clock.pass(2000);
  expect(sink.resets).toMatchObject([{ roomId: room, reason: "diverged" }]);
  const seq = sink.resets[0]?.seq ?? 0;
  expect(sink.seqs(room)).toEqual(Array.from({ length: 8 - seq }, (_, index) => seq + index + 1));
});

test("a cursor of the same seq as the room's end, but of a lost event, is reset", async () => {
  const { arrive, hub, goBack, head, sayAll, room } = await setUp(5);
  const lost = head();
  goBack(5);
  await sayAll(["other"]);
  const { sink, subscriber } = arrive("ann");
  await hub.joining.attach(subscriber);
  await hub.joining.resumeFrom(subscriber, new Map([[room, lost]]));
  expect(sink.resets).toEqual([{ roomId: room, reason: "diverged", seq: 6 }]);
});

test("a cursor before the loss is replayed, and a bare seq is taken unchecked", async () => {
  const { connect, goBack, head, sayAll, room, arrive, hub, store } = await setUp(5);
  const { mark } = store.eventsOf(room)[2] ?? { mark: 0 };
  goBack(4);
  await sayAll(["a", "b"]);
  const { sink, subscriber } = arrive("ann");
  await hub.joining.attach(subscriber);
  await hub.joining.resumeFrom(subscriber, new Map([[room, { seq: 3, mark }]]));
  expect(sink.resets).toEqual([]);
  expect(sink.seqs(room)).toEqual([4, 5, 6]);
  const bare = await connect("ann", { [room]: 5 });
  expect([bare.sink.resets, bare.sink.seqs(room)]).toEqual([[], [head().seq]]);
});

test("a member whose join was lost is out of the room", async () => {
  const { connect, goBack, head, room, writer, store, sayAll } = await setUp(2);
  const before = head().seq;
  await writer.putMember(service, room, "cleo", undefined);
  const cleo = await connect("cleo");
  store.removeMember(room, "cleo");
  goBack(before);
  await sayAll(["secret"]);
  expect(cleo.sink.resets).toEqual([{ roomId: room, reason: "not_member", seq: before + 1 }]);
  expect(cleo.sink.events.map(({ body }) => toText(body)).join()).not.toContain("secret");
  await sayAll(["another"]);
  expect(cleo.sink.events.map(({ body }) => toText(body)).join()).not.toContain("another");
});

test("a member whose leave was lost is in the room again, at its end", async () => {
  const { ann, goBack, head, hub, room, writer, store, sayAll, clock } = await setUp(2);
  const before = head().seq;
  const member = store.member(room, "ann");
  await writer.removeMember(service, room, "ann");
  await clock.pass(100);
  if (member !== undefined) store.write({ members: [member] });
  goBack(before);
  hub.compare();
  await clock.pass(100);
  expect(ann.sink.resets).toEqual([{ roomId: room, reason: "diverged", seq: before }]);
  await sayAll(["welcome back"]);
  expect(ann.sink.events.at(-1)?.seq).toBe(before + 1);
});

test("a text that was deleted or edited is in no replay, nor in the answers that quote it", async () => {
  const { connect, room, writer, sayAll } = await setUp(1);
  const act = async (userId: string, action: Parameters<typeof writer.act>[1]) =>
    JSON.parse(toText(await writer.act(user(userId), action))) as { messageId: string };
  const say = (message: string) => act("ben", { type: "SEND_MSG", chatId: room, message });
  const [deleted, edited] = [await say("marker one"), await say("marker two")];
  for (const { messageId } of [deleted, edited])
    await act("ann", { type: "REPLY", chatId: room, messageId, message: "an answer" });
  // Into the pages that the node keeps.
  await connect("ann", { [room]: 1 });
  const react = await act("ann", { type: "REACT", chatId: room, messageId: edited.messageId, reaction: "marker" });
  await act("ben", { type: "EDIT_MSG", chatId: room, messageId: edited.messageId, message: "marker three" });
  await act("ben", { type: "EDIT_MSG", chatId: room, messageId: edited.messageId, message: "harmless" });
  await act("ben", { type: "DELETE_MSG", chatId: room, messageId: deleted.messageId });
  await act("ann", { type: "DELETE_REACT", reactionId: react.messageId });
  await sayAll([]);
  const { sink } = await connect("ann", { [room]: 0 });
  const text = sink.events.map(({ body }) => toText(body)).join("\n");
  expect(sink.seqs(room)).toEqual(Array.from({ length: 11 }, (_, index) => index + 1));
  expect(text).not.toContain("marker");
  expect(text).toContain(`"messageId":"${deleted.messageId}","message":""`);
  expect(text.match(/"deleted":true/g)).toHaveLength(1);
});

test("a text that is deleted while a slow session reads its page is not sent to it any more", async () => {
  const { arrive, hub, room, writer, clock, say } = await setUp(3);
  const sent = JSON.parse(toText(await say("ben", room, "marker"))) as { messageId: string };
  const { sink, subscriber } = arrive("ann");
  await hub.joining.attach(subscriber);
  sink.takes(1);
  const resuming = hub.joining.resumeFrom(subscriber, new Map([[room, { seq: 0, mark: null }]]));
  await settled();
  await writer.act(user("ben"), { type: "DELETE_MSG", chatId: room, messageId: sent.messageId });
  await clock.pass(100);
  sink.takes(Number.POSITIVE_INFINITY);
  await resuming;
  expect(sink.seqs(room)).toEqual([1, 2, 3, 4, 5, 6]);
  expect(sink.events.map(({ body }) => toText(body)).join()).not.toContain("marker");
});

test("a text that is deleted while its page is being read is not sent", async () => {
  const { arrive, hub, room, writer, clock, say, store } = await setUp(1);
  const sent = JSON.parse(toText(await say("ben", room, "marker"))) as { messageId: string };
  await clock.pass(100);
  const { sink, subscriber } = arrive("ann");
  await hub.joining.attach(subscriber);
  const release = hold(store, "events");
  const resuming = hub.joining.resumeFrom(subscriber, new Map([[room, { seq: 0, mark: null }]]));
  await settled();
  await writer.act(user("ben"), { type: "DELETE_MSG", chatId: room, messageId: sent.messageId });
  await clock.pass(100);
  release();
  await resuming;
  expect(sink.seqs(room)).toEqual([1, 2, 3, 4]);
  expect(sink.events.map(({ body }) => toText(body)).join()).not.toContain("marker");
});

test("a member who joins later replays from their USER_JOIN, also from a cursor before it", async () => {
  const { connect, room, sayAll, writer } = await setUp(3);
  await writer.putMember(service, room, "cleo", undefined);
  await sayAll(["after"]);
  const { sink } = await connect("cleo", { [room]: 0 });
  expect(sink.seqs(room)).toEqual([5, 6]);
});
