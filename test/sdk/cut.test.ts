/** The network between a client and its gateway is cut, or drops everything, at the worst moments. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { until } from "../support/until.ts";
import type { Device } from "./device.ts";
import { Site } from "./site.ts";

const site = new Site("a standalone node");
beforeAll(() => site.start());
afterAll(() => site.stop());
afterEach(() => site.mend());

/** Alice behind a network that a test can cut, and Bob, in a chat with a message and a reaction of hers. */
async function talk(rewrite?: (chunk: Buffer) => Buffer) {
  const { alice, bob, chatId } = await site.world.chat();
  const proxy = await site.proxy(rewrite);
  const [hers, his] = await Promise.all([site.connects(alice, proxy), site.connects(bob)]);
  const { messageId } = await hers.realtime.sendMessage(chatId, "the first");
  const reaction = await hers.realtime.addReaction(chatId, messageId, "👍");
  for (const device of [hers, his]) await device.hasAll(chatId, 2, 3);
  return { alice, bob, chatId, proxy, hers, his, messageId, reactionId: reaction.messageId };
}
type Talk = Awaited<ReturnType<typeof talk>>;

/** Resolves when Bob's device has a new event: the action is committed. */
const heardByOthers = (his: Device, earlier: number) =>
  until(
    () => his.heard.filter(({ name }) => name !== "presence" && name !== "notification").length > earlier,
    5000,
    () => "Bob has no new event",
  );

describe("a cut after an action is committed and before its ACK", () => {
  test.each<[string, (talk: Talk) => Promise<{ type: string; seq?: number }>]>([
    ["a send", ({ hers, chatId }) => hers.realtime.sendMessage(chatId, "sent once")],
    ["an edit", ({ hers, chatId, messageId }) => hers.realtime.editMessage(chatId, messageId, "edited once")],
    ["a reply", ({ hers, chatId, messageId }) => hers.realtime.replyToMessage(chatId, messageId, "answered once")],
    ["a reaction", ({ hers, chatId, messageId }) => hers.realtime.addReaction(chatId, messageId, "🎉")],
    ["a removed reaction", ({ hers, reactionId }) => hers.realtime.removeReaction(reactionId)],
    ["a receipt", ({ hers, chatId, messageId }) => hers.realtime.markAsRead(chatId, messageId)],
    ["a deletion", ({ hers, chatId, messageId }) => hers.realtime.deleteMessage(chatId, messageId)],
  ])("%s resolves with its committed event, and every device gets it once", async (_, act) => {
    const scene = await talk();
    const { chatId, proxy, hers, his } = scene;
    const before = his.heard.filter(({ name }) => name !== "presence" && name !== "notification").length;
    proxy.silence("down");
    const acting = act(scene);
    await heardByOthers(his, before);
    proxy.cut();
    const done = await acting;
    // A message behind it would arrive after a double.
    const { seq } = await hers.realtime.sendMessage(chatId, "behind it");
    for (const device of [hers, his]) {
      await device.hasAll(chatId, 2, seq);
      const same = device.heard.filter(
        ({ event }) => "type" in event && event.type === done.type && seqOf(event) === done.seq,
      );
      expect(same).toHaveLength(1);
    }
    expect(seq).toBe(done.seq === undefined ? 4 : 5);
  });
});

const seqOf = (event: object) => ("seq" in event ? event.seq : undefined);

describe("a cut before an action is committed", () => {
  test.each([1, 30, 200])("in its frame's first %i bytes has it sent again, once", async (bytes) => {
    const { chatId, proxy, hers, his } = await talk();
    proxy.cutAfter(bytes, "up");
    const { seq } = await hers.realtime.sendMessage(chatId, `long ${"o".repeat(500)}`);
    expect(seq).toBe(4);
    await his.hasAll(chatId, 2, (await hers.realtime.sendMessage(chatId, "behind it")).seq);
    expect(his.of("message")).toHaveLength(3);
    expect(proxy.cuts).toBe(1);
  });

  test("amid many sends has each committed once, in the order of the calls", async () => {
    const { chatId, proxy, hers, his } = await talk();
    const texts = Array.from({ length: 60 }, (_, index) => `message ${index}`);
    const sending = texts.map((text) => hers.realtime.sendMessage(chatId, text));
    for (const text of ["message 10", "message 30", "message 50"]) {
      await his.hears("message", { message: text });
      proxy.cut();
    }
    const sent = await Promise.all(sending);
    expect(sent.map(({ seq }) => seq)).toEqual(texts.map((_, index) => index + 4));
    await his.hasAll(chatId, 2, 63);
    await hers.hasAll(chatId, 2, 63);
  });
});

describe("without a network", () => {
  const offline = async () => {
    const scene = await talk();
    scene.proxy.admits = false;
    scene.proxy.cut();
    await scene.hers.hears("connection", { state: "waiting" });
    return scene;
  };

  test("actions wait, and run in their order when it is back", async () => {
    const { chatId, messageId, proxy, hers, his } = await offline();
    const acting = [
      hers.realtime.sendMessage(chatId, "one"),
      hers.realtime.editMessage(chatId, messageId, "two"),
      hers.realtime.replyToMessage(chatId, messageId, "three"),
      hers.realtime.deleteMessage(chatId, messageId),
      hers.realtime.sendMessage(chatId, "five"),
    ];
    proxy.admits = true;
    const done = await Promise.all(acting);
    expect(done.map(({ type, seq }) => [type, seq])).toEqual([
      ["SEND_MSG", 4],
      ["EDIT_MSG", 5],
      ["REPLY", 6],
      ["DELETE_MSG", 7],
      ["SEND_MSG", 8],
    ]);
    await his.hasAll(chatId, 2, 8);
  });

  test("more actions wait than the rate limit permits at a time: it delays them, and loses none", async () => {
    const { chatId, proxy, hers, his } = await offline();
    const sending = Array.from({ length: 300 }, (_, index) => hers.realtime.sendMessage(chatId, `message ${index}`));
    proxy.admits = true;
    const sent = await Promise.all(sending);
    expect(sent.map(({ seq }) => seq)).toEqual(sending.map((_, index) => index + 4));
    await his.hasAll(chatId, 2, 303);
  });

  test("at most 1,000 actions wait", async () => {
    const { chatId, hers } = await offline();
    const sending = Array.from({ length: 1000 }, (_, index) => hers.realtime.sendMessage(chatId, `message ${index}`));
    await expect(hers.realtime.sendMessage(chatId, "one too many")).rejects.toMatchObject({ code: "queue_full" });
    hers.realtime.disconnect();
    const outcomes = await Promise.allSettled(sending);
    expect(new Set(outcomes.map(({ status }) => status))).toEqual(new Set(["rejected"]));
  });

  test("a disconnect rejects the actions that wait", async () => {
    const { chatId, proxy, hers, his } = await offline();
    const sending = hers.realtime.sendMessage(chatId, "never mind");
    hers.realtime.disconnect();
    await expect(sending).rejects.toMatchObject({ name: "SignalboxError", code: "disconnected" });
    proxy.admits = true;
    await hers.realtime.connect();
    await hers.realtime.sendMessage(chatId, "back");
    await his.hears("message", { message: "back" });
    expect(his.of("message").map(({ message }) => message)).toEqual(["the first", "back"]);
  });
});

test("a silent link is noticed: the client probes it, drops it, and misses nothing", async () => {
  // Changes READY's heartbeat from 25 s to 250 ms, in as many bytes.
  const hasty = (chunk: Buffer) => Buffer.from(chunk.toString("latin1").replace(/25000/, "250  "), "latin1");
  const { alice, chatId, proxy, hers, his } = await talk(hasty);
  proxy.silence("up");
  proxy.silence("down");
  const silentAt = Date.now();
  const sending = hers.realtime.sendMessage(chatId, "into the void");
  await his.realtime.sendMessage(chatId, "unheard");
  expect(await hers.hears("connection", { state: "waiting" })).toMatchObject({ code: 1006 });
  // A heartbeat, and 10 s more.
  expect(Date.now() - silentAt).toBeGreaterThan(9500);
  expect(Date.now() - silentAt).toBeLessThan(14_000);
  expect(await sending).toMatchObject({ senderId: alice.id, seq: 5 });
  await hers.hasAll(chatId, 2, 5);
  expect(proxy.cuts).toBe(0);
});
