/** CONTRACT section 4: typing, its refresh and its end. */
import { describe, expect, test } from "vitest";
import { expectProblem } from "../../../support/http.ts";
import type { Client } from "../../../support/socket-client.ts";
import { passed } from "../../../support/until.ts";
import type { World } from "../../../support/world.ts";

const typingOf = (client: Client): string[] =>
  client.frames.map(({ type }) => type).filter((type) => type === "TYPING" || type === "STOP_TYPING");

export function typing(world: World): void {
  describe("typing", () => {
    test("is announced when it starts, not at every refresh, and ends on request", async () => {
      const { alice, bob, chatId } = await world.chat();
      const [phone, bobs] = await Promise.all([alice.connects(0), bob.connects(1)]);
      for (let refresh = 0; refresh < 4; refresh++) await phone.acts({ type: "TYPING", chatId });
      await phone.acts({ type: "STOP_TYPING", chatId });
      await bobs.receives({ type: "STOP_TYPING", chatId, senderId: alice.id });
      expect(typingOf(bobs)).toEqual(["TYPING", "STOP_TYPING"]);
      await phone.acts({ type: "STOP_TYPING", chatId });
      await phone.acts({ type: "TYPING", chatId });
      await bobs.receives(() => typingOf(bobs).length > 2);
      expect(typingOf(bobs)).toEqual(["TYPING", "STOP_TYPING", "TYPING"]);
    });

    test.each(["SEND_MSG", "REPLY"])("ends with the %s of the typing user, and of no other", async (type) => {
      const { alice, bob, chatId } = await world.chat();
      const { messageId } = await bob.says(chatId, "question");
      const bobs = await bob.connects(1);
      await alice.acts({ type: "TYPING", chatId });
      await bobs.receives({ type: "TYPING", senderId: alice.id });
      await bob.says(chatId, "not hers");
      const sent = await alice.acts({ type, chatId, messageId, message: "hers" });
      await bobs.receives({ messageId: sent.messageId });
      await bobs.receives({ type: "STOP_TYPING", senderId: alice.id });
      const order = bobs.frames.map((frame) => (frame.type === "STOP_TYPING" ? "stop" : frame.message)).filter(Boolean);
      expect(order.indexOf("stop")).toBeGreaterThan(order.indexOf("not hers"));
    });

    test("of several users in several rooms is announced apart", async () => {
      const { alice, bob, chatId } = await world.chat();
      const other = await alice.makesRoom(bob);
      const phone = await alice.connects(0);
      await bob.acts({ type: "TYPING", chatId });
      await bob.acts({ type: "TYPING", chatId: other });
      await alice.acts({ type: "TYPING", chatId: other });
      for (const [room, { id }] of [
        [chatId, bob],
        [other, bob],
        [other, alice],
      ] as const)
        await phone.receives({ type: "TYPING", chatId: room, senderId: id });
      await bob.acts({ type: "STOP_TYPING", chatId: other });
      await phone.receives({ type: "STOP_TYPING", chatId: other, senderId: bob.id });
      expect(phone.of("STOP_TYPING")).toHaveLength(1);
    });

    test("in a room of others is not found, and not announced", async () => {
      const { alice, carol, chatId } = await world.chat();
      const phone = await alice.connects();
      expectProblem(await carol.posts({ type: "TYPING", chatId }), "not_found");
      expectProblem(await carol.posts({ type: "STOP_TYPING", chatId }), "not_found");
      await alice.acts({ type: "TYPING", chatId });
      await phone.receives({ type: "TYPING", senderId: alice.id });
      expect(typingOf(phone)).toEqual(["TYPING"]);
    });
  });
}

/** Tests that wait for seconds; they run beside each other. */
export function typingOverTime(world: World): void {
  test.concurrent("typing ends by itself 4 s after the last refresh", async () => {
    const { alice, bob, chatId } = await world.chat();
    const [near, far] = await Promise.all([bob.connects(0), bob.connects(1)]);
    await alice.acts({ type: "TYPING", chatId });
    // Half of the time passes, so that an end counted from the start would come too early.
    await near.receives({ type: "TYPING" });
    await passed(Date.now(), 2000);
    const refreshed = Date.now();
    await alice.acts({ type: "TYPING", chatId });
    for (const client of [near, far]) {
      await client.receives({ type: "STOP_TYPING", chatId, senderId: alice.id });
      const after = Date.now() - refreshed;
      expect(after).toBeGreaterThan(3800);
      expect(after).toBeLessThan(5500);
      expect(typingOf(client)).toEqual(["TYPING", "STOP_TYPING"]);
    }
  });
}
