/** CONTRACT section 3: limits and permissions of messages and reactions. */
import { describe, expect, test } from "vitest";
import type { Fields } from "../../../support/arrivals.ts";
import { expectProblem } from "../../../support/http.ts";
import type { World } from "../../../support/world.ts";
import { ANY_TEXT, NOTHING } from "../../support/shapes.ts";

export function messages(world: World): void {
  limits(world);
  permissions(world);
}

function limits(world: World): void {
  describe("limits", () => {
    test.each([
      ["one byte", "a"],
      ["32,768 bytes of ASCII", "a".repeat(32_768)],
      ["32,768 bytes of three-byte characters", `${"€".repeat(10_922)}ab`],
      ["32,768 bytes of quotes and newlines", '"\n'.repeat(16_384)],
      ["emoji, bidi marks and control characters other than U+0000", "\u{1f469}\u200d\u{1f4bb}\u202e\u2028\u0001\t\\"],
    ])("a message of %s arrives as it was sent, over REST or a socket", async (_, message) => {
      const { alice, bob, chatId } = await world.chat();
      const [phone, bobs] = await Promise.all([alice.connects(0), bob.connects(1)]);
      const posted = await alice.says(chatId, message);
      const framed = await phone.acts({ type: "SEND_MSG", chatId, message });
      for (const { messageId } of [posted, framed]) expect((await bobs.receives({ messageId })).message).toBe(message);
      expect((await bob.history(chatId)).map(({ content }) => content)).toEqual([message, message]);
    });

    test.each<[string, Fields]>([
      ["a message of 32,769 bytes", { message: "a".repeat(32_769) }],
      ["a message of 32,769 bytes in fewer characters", { message: "€".repeat(10_923) }],
      ["an empty message", { message: "" }],
      ["a message of white space", { message: " \n\t\u00a0\u2003" }],
      ["a message with U+0000", { message: "a\u0000b" }],
      ["a message with a lone surrogate", { message: "a\ud800b" }],
      ["an empty clientMessageId", { clientMessageId: "" }],
      ["a clientMessageId of 65 characters", { clientMessageId: "c".repeat(65) }],
      ["a clientMessageId with U+0000", { clientMessageId: "\u0000" }],
      ["mentions that are no list", { mentions: "bob" }],
      ["a mention that is no user id", { mentions: ["no user"] }],
    ])("%s is invalid when sent, edited and answered", async (_, fields) => {
      const { alice, chatId } = await world.chat();
      const phone = await alice.connects();
      const { messageId } = await alice.says(chatId, "first");
      const types = "message" in fields ? ["SEND_MSG", "REPLY", "EDIT_MSG"] : ["SEND_MSG", "REPLY"];
      for (const type of types) {
        const action = { type, chatId, messageId, message: "text", ...fields };
        const [path] = Object.keys(fields);
        const { errors } = expectProblem(await alice.posts(action), "invalid");
        expect((errors as { path: string }[])[0]?.path).toMatch(new RegExp(`^${path}`));
        expect(await phone.asks(action)).toMatchObject({ type: "ERROR", code: "invalid" });
      }
      expect(await alice.history(chatId)).toHaveLength(1);
    });

    test("a reaction has 1 to 64 bytes", async () => {
      const { alice, chatId } = await world.chat();
      const { messageId } = await alice.says(chatId, "react to this");
      const react = (reaction: string) => alice.posts({ type: "REACT", chatId, messageId, reaction });
      for (const reaction of ["+", "r".repeat(64), "\u{1f600}".repeat(16)])
        expect((await react(reaction)).status).toBe(200);
      for (const reaction of ["", "r".repeat(65), `${"\u{1f600}".repeat(16)}+`, "\u0000", "\udc00"])
        expectProblem(await react(reaction), "invalid");
    });

    test("a clientMessageId of 64 characters is printed back", async () => {
      const { alice, chatId } = await world.chat();
      const clientMessageId = "\u{1f600}".repeat(32);
      expect(await alice.says(chatId, "text", { clientMessageId })).toMatchObject({ clientMessageId });
    });

    test("unknown fields of an action are ignored", async () => {
      const { alice, chatId } = await world.chat();
      const event = await alice.says(chatId, "text", { senderId: "another user", seq: 99, extra: { deep: true } });
      expect(event).toMatchObject({ senderId: alice.id, seq: 2 });
      expect(event).not.toHaveProperty("extra");
    });
  });
}

function permissions(world: World): void {
  describe("permissions", () => {
    test("authors edit their own messages only, also as owners", async () => {
      const { alice, bob, chatId } = await world.chat();
      const { messageId } = await bob.says(chatId, "bob's");
      const action = { type: "EDIT_MSG", chatId, messageId, message: "alice's" };
      expectProblem(await alice.posts(action), "forbidden");
      expect(await (await alice.connects()).asks(action)).toMatchObject({
        type: "ERROR",
        code: "forbidden",
        detail: ANY_TEXT,
      });
    });

    test("owners delete any message, members only their own", async () => {
      const { alice, bob, chatId } = await world.chat();
      const [alices, bobs] = [await alice.says(chatId, "alice's"), await bob.says(chatId, "bob's")];
      expectProblem(await bob.posts({ type: "DELETE_MSG", chatId, messageId: alices.messageId }), "forbidden");
      const event = await alice.acts({ type: "DELETE_MSG", chatId, messageId: bobs.messageId });
      expect(event.senderId).toBe(alice.id);
    });

    test("a reaction is removed by its author alone", async () => {
      const { alice, bob, chatId } = await world.chat();
      const { messageId } = await bob.says(chatId, "text");
      const { messageId: reactionId } = await bob.acts({ type: "REACT", chatId, messageId, reaction: "+" });
      expectProblem(await alice.posts({ type: "DELETE_REACT", reactionId }), "forbidden");
    });

    test.each<[string, Fields]>([
      ["EDIT_MSG", { message: "text" }],
      ["REPLY", { message: "text" }],
      ["REACT", { reaction: "+" }],
    ])("%s to a deleted message is a conflict", async (type, fields) => {
      const { alice, chatId } = await world.chat();
      const { messageId } = await alice.says(chatId, "gone soon");
      await alice.acts({ type: "DELETE_MSG", chatId, messageId });
      expectProblem(await alice.posts({ type, ...fields, chatId, messageId }), "conflict");
      expect(await (await alice.connects()).asks({ type, ...fields, chatId, messageId })).toMatchObject({
        code: "conflict",
      });
    });

    test.each<[string, Fields]>([
      ["EDIT_MSG", { message: "text" }],
      ["DELETE_MSG", {}],
      ["REPLY", { message: "text" }],
      ["REACT", { reaction: "+" }],
      ["READ_MSG", {}],
    ])("%s of a message that is unknown, or of another room of one's own, is not found", async (type, fields) => {
      const { alice, chatId } = await world.chat();
      const { messageId } = await alice.says(await alice.makesRoom(), "elsewhere");
      const foreign = await alice.posts({ type, ...fields, chatId, messageId });
      const unknown = await alice.posts({ type, ...fields, chatId, messageId: NOTHING });
      expectProblem(foreign, "not_found");
      expect(foreign.text).toBe(unknown.text);
    });
  });
}
