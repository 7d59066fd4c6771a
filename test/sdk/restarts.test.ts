/** The process that holds the sockets is killed with SIGKILL, and starts again on its port. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { Site } from "./site.ts";

/** Milliseconds for a reconnect after a long outage, when the back-off has grown. */
const COMEBACK_MS = 40_000;
/** Messages that another user sends meanwhile. */
const OTHERS = 10;

describe.each(["a standalone node", "a cluster"] as const)("%s", (kind) => {
  const site = new Site(kind);
  beforeAll(() => site.start());
  afterAll(() => site.stop());
  afterEach(() => site.mend());

  test("killed under a client loses and doubles nothing, and commits sends made meanwhile once, in order", async () => {
    const { alice, bob, chatId } = await site.world.chat();
    // In a cluster the first gateway holds hers and the tablet.
    const devices = await Promise.all([site.connects(alice), site.connects(bob), site.connects(alice)]);
    const [hers, his, tablet] = devices;
    const texts: string[] = [];
    const sends: Promise<{ seq: number; message: string }>[] = [];
    const say = (count: number) => {
      for (let index = 0; index < count; index++) {
        texts.push(`message ${texts.length}`);
        sends.push(hers.realtime.sendMessage(chatId, texts.at(-1)!));
      }
    };
    say(10);
    await Promise.all(sends);
    // Some of these are committed and not acknowledged when the process dies.
    say(40);
    await his.hears("message", { message: "message 15" });
    const start = await site.kill();
    say(40);
    for (const device of [hers, tablet]) await device.hears("connection", { state: "waiting", code: 1006 });
    say(10);
    await start();
    // Sent before most devices are back: they get it by their resume.
    for (let index = 0; index < OTHERS; index++) await bob.says(chatId, `other ${index}`);
    for (const device of [hers, tablet]) await device.livesAfter(2, COMEBACK_MS);
    say(10);
    const sent = await Promise.all(sends);
    expect(sent.map(({ message }) => message)).toEqual(texts);
    const seqs = sent.map(({ seq }) => seq);
    expect(seqs).toEqual([...seqs].sort((a, b) => a - b));
    for (const device of devices) {
      await device.hasAll(chatId, 2, 1 + texts.length + OTHERS);
      const messages = device.of("message").filter(({ senderId }) => senderId === alice.id);
      expect(messages.map(({ seq, message }) => ({ seq, message }))).toEqual(
        texts.map((message, index) => ({ seq: seqs[index], message })),
      );
    }
    const newest = await his.client.getMessages(chatId, 100);
    const older = await his.client.getMessages(chatId, 100, newest.messages.at(-1)!.messageId);
    const history = [...newest.messages, ...older.messages].reverse();
    expect(history.map(({ content }) => content)).toEqual(his.of("message").map(({ message }) => message));
  });

  test("killed while a user types ends the typing", async () => {
    const { alice, bob, chatId } = await site.world.chat();
    const [hers, his] = await Promise.all([site.connects(alice), site.connects(bob)]);
    hers.realtime.sendTyping(chatId);
    await his.hears("typing", { senderId: alice.id });
    const start = await site.kill();
    await his.hears("stopTyping", { chatId, senderId: alice.id });
    expect(his.realtime.typing(chatId)).toEqual([]);
    await start();
    await hers.livesAfter(2, COMEBACK_MS);
  });
});
