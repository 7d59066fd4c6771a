/** CONTRACT section 3: limits, repeats and permissions of messages and reactions. */
import { describe, expect, test } from "vitest";
import type { Fields } from "./client.ts";
import { expectProblem } from "./http.ts";
import { ANY_TEXT, NOTHING, times } from "./shapes.ts";
import type { Person, World } from "./world.ts";

/** The room's types of events up to now, as a session that takes part sees them, in order. */
async function typesUntilNow(person: Person, chatId: string, since: number): Promise<readonly string[]> {
  const client = await person.connects(1, "?resume=1");
  client.send({ type: "RESUME", rooms: { [chatId]: since } });
  await client.receives({ type: "RESUMED" });
  return client.events(chatId).map(({ type }) => type);
}

export function messages(world: World): void {
  limits(world);
  repeatedSends(world);
  repeatedChanges(world);
  permissions(world);
}

function limits(world: World): void {
  describe("limits", () => {
    test.each([
      { what: "one byte", message: "a" },
      { what: "32,768 bytes of ASCII", message: "a".repeat(32_768) },
      { what: "32,768 bytes of three-byte characters", message: `${"€".repeat(10_922)}ab` },
      { what: "32,768 bytes of quotes and newlines", message: '"\n'.repeat(16_384) },
      {
        what: "emoji, bidi marks and control characters other than U+0000",
        message: "\u{1f469}\u200d\u{1f4bb}\u202e\u2028\u0001\t\\",
      },
    ])("a message of $what arrives as it was sent, by either door", async ({ message }) => {
      const { alice, bob, chatId } = await world.chat();
      const [phone, bobs] = await Promise.all([alice.connects(0), bob.connects(1)]);
      const posted = await alice.says(chatId, message);
      const framed = await phone.acts({ type: "SEND_MSG", chatId, message });
      for (const { messageId } of [posted, framed]) expect((await bobs.receives({ messageId })).message).toBe(message);
      expect((await bob.history(chatId)).map(({ content }) => content)).toEqual([message, message]);
    });

    test.each([
      { what: "a message of 32,769 bytes", fields: { message: "a".repeat(32_769) } },
      { what: "a message of 32,769 bytes in fewer characters", fields: { message: "€".repeat(10_923) } },
      { what: "an empty message", fields: { message: "" } },
      { what: "a message of white space", fields: { message: " \n\t\u00a0\u2003" } },
      { what: "a message with U+0000", fields: { message: "a\u0000b" } },
      { what: "a message with a lone surrogate", fields: { message: "a\ud800b" } },
      { what: "an empty clientMessageId", fields: { clientMessageId: "" } },
      { what: "a clientMessageId of 65 characters", fields: { clientMessageId: "c".repeat(65) } },
      { what: "a clientMessageId with U+0000", fields: { clientMessageId: "\u0000" } },
      { what: "mentions that are no list", fields: { mentions: "bob" } },
      { what: "a mention that is no user id", fields: { mentions: ["no user"] } },
    ])("$what is invalid when sent, edited and answered", async ({ fields }) => {
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

    test("fields that an action does not have are passed over", async () => {
      const { alice, chatId } = await world.chat();
      const event = await alice.says(chatId, "text", { senderId: "somebody else", seq: 99, extra: { deep: true } });
      expect(event).toMatchObject({ senderId: alice.id, seq: 2 });
      expect(event).not.toHaveProperty("extra");
    });
  });
}

function repeatedSends(world: World): void {
  describe("a send that is repeated with its clientMessageId", () => {
    test.each(["SEND_MSG", "REPLY"])("%s gives the first message again, whatever the repeat says", async (type) => {
      const { alice, bob, chatId } = await world.chat();
      const { messageId } = await bob.says(chatId, "first");
      const action = { type, chatId, messageId, message: "once", clientMessageId: "id" };
      const first = await alice.acts(action);
      expect(await alice.acts(action)).toStrictEqual(first);
      expect(await alice.acts({ ...action, message: "something else", mentions: [bob.id] })).toStrictEqual(first);
      const phone = await alice.connects(1);
      expect(await phone.acts({ ...action, message: "yet another" })).toStrictEqual(first);
      expect(await typesUntilNow(bob, chatId, 2)).toEqual([type]);
    });

    test("is one message even when many repeats are under way at once, by every door", async () => {
      const { alice, bob, chatId } = await world.chat();
      const [phone, laptop, bobs] = await Promise.all([alice.connects(0), alice.connects(1), bob.connects(0)]);
      const action = { type: "SEND_MSG", chatId, clientMessageId: "storm" };
      const answers = await times(30, (index) => {
        const repeat = { ...action, message: `attempt ${index}` };
        return [() => alice.acts(repeat), () => phone.acts(repeat), () => laptop.acts(repeat)][index % 3]!();
      });
      for (const answer of answers) expect(answer).toStrictEqual(answers[0]);
      const { seq, messageId } = await alice.says(chatId, "after");
      await bobs.receives({ messageId });
      expect(seq).toBe(3);
      expect(bobs.of("SEND_MSG")).toHaveLength(2);
    });

    test("still gives the first message after it was edited and deleted, and sends nothing", async () => {
      const { alice, bob, chatId } = await world.chat();
      const action = { type: "SEND_MSG", chatId, message: "once", clientMessageId: "id" };
      const { messageId, seq } = await alice.acts(action);
      await alice.acts({ type: "EDIT_MSG", chatId, messageId, message: "twice" });
      expect(await alice.acts(action)).toMatchObject({ type: "SEND_MSG", messageId, seq });
      await alice.acts({ type: "DELETE_MSG", chatId, messageId });
      expect(await alice.acts(action)).toMatchObject({ type: "SEND_MSG", messageId, seq });
      expect(await typesUntilNow(bob, chatId, 1)).toEqual(["SEND_MSG", "EDIT_MSG", "DELETE_MSG"]);
    });

    test("is another message for another author, room or id", async () => {
      const { alice, bob, chatId } = await world.chat();
      const other = await alice.makesRoom(bob);
      const clientMessageId = "same";
      const events = [
        await alice.says(chatId, "a", { clientMessageId }),
        await bob.says(chatId, "b", { clientMessageId }),
        await alice.says(other, "c", { clientMessageId }),
        await alice.says(chatId, "d", { clientMessageId: "other" }),
      ];
      expect(new Set(events.map(({ messageId }) => messageId)).size).toBe(4);
    });
  });
}

function repeatedChanges(world: World): void {
  describe("a change that is repeated answers with the event that did it, and sends none", () => {
    test("a delete, whoever of those who may repeats it", async () => {
      const { alice, bob, chatId } = await world.chat();
      const { messageId } = await bob.says(chatId, "gone soon");
      const action = { type: "DELETE_MSG", chatId, messageId };
      const { recipientId: _, ...event } = await bob.acts(action);
      expect(await bob.acts(action)).toStrictEqual({ ...event, recipientId: bob.id });
      expect(await alice.acts(action)).toStrictEqual({ ...event, recipientId: alice.id });
      expect(await typesUntilNow(bob, chatId, 2)).toEqual(["DELETE_MSG"]);
    });

    test("an edit to the text that is already there", async () => {
      const { alice, chatId } = await world.chat();
      const sent = await alice.says(chatId, "one");
      const edit = { type: "EDIT_MSG", chatId, messageId: sent.messageId };
      expect(await alice.acts({ ...edit, message: "one" })).toStrictEqual(sent);
      const edited = await alice.acts({ ...edit, message: "two" });
      expect(await alice.acts({ ...edit, message: "two" })).toStrictEqual(edited);
      expect(await typesUntilNow(alice, chatId, 2)).toEqual(["EDIT_MSG"]);
    });

    test("the removal of a reaction", async () => {
      const { alice, chatId } = await world.chat();
      const { messageId } = await alice.says(chatId, "text");
      const reaction = await alice.acts({ type: "REACT", chatId, messageId, reaction: "+" });
      const action = { type: "DELETE_REACT", reactionId: reaction.messageId };
      const removed = await alice.acts(action);
      expect(await alice.acts(action)).toStrictEqual(removed);
      expect(await typesUntilNow(alice, chatId, 3)).toEqual(["DELETE_REACT"]);
    });

    test("the same reaction by the same user, also when sent many times at once", async () => {
      const { alice, bob, chatId } = await world.chat();
      const { messageId } = await alice.says(chatId, "text");
      const action = { type: "REACT", chatId, messageId, reaction: "+" };
      const answers = await times(10, () => alice.acts(action));
      for (const answer of answers) expect(answer).toStrictEqual(answers[0]);
      const others = [await bob.acts(action), await alice.acts({ ...action, reaction: "-" })];
      expect(new Set([answers[0]!, ...others].map((event) => event.messageId)).size).toBe(3);
      expect(await typesUntilNow(alice, chatId, 2)).toEqual(["REACT", "REACT", "REACT"]);
    });

    test("but the same reaction after its removal is a new one", async () => {
      const { alice, chatId } = await world.chat();
      const { messageId } = await alice.says(chatId, "text");
      const action = { type: "REACT", chatId, messageId, reaction: "+" };
      const first = await alice.acts(action);
      await alice.acts({ type: "DELETE_REACT", reactionId: first.messageId });
      const second = await alice.acts(action);
      expect(second.messageId).not.toBe(first.messageId);
      expect((await alice.history(chatId))[0]?.reactions).toMatchObject([{ reactionId: second.messageId }]);
    });
  });
}

function permissions(world: World): void {
  describe("who may do what", () => {
    test("authors edit their own messages, and nobody else's, not even as owner", async () => {
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

    test.each<Fields>([
      { type: "EDIT_MSG", message: "text" },
      { type: "REPLY", message: "text" },
      { type: "REACT", reaction: "+" },
    ])("$type to a deleted message is a conflict", async (action) => {
      const { alice, chatId } = await world.chat();
      const { messageId } = await alice.says(chatId, "gone soon");
      await alice.acts({ type: "DELETE_MSG", chatId, messageId });
      expectProblem(await alice.posts({ ...action, chatId, messageId }), "conflict");
      expect(await (await alice.connects()).asks({ ...action, chatId, messageId })).toMatchObject({ code: "conflict" });
    });

    test.each<Fields>([
      { type: "EDIT_MSG", message: "text" },
      { type: "DELETE_MSG" },
      { type: "REPLY", message: "text" },
      { type: "REACT", reaction: "+" },
      { type: "READ_MSG" },
    ])("$type of a message that is unknown, or of another room of one's own, is not found", async (action) => {
      const { alice, chatId } = await world.chat();
      const { messageId } = await alice.says(await alice.makesRoom(), "elsewhere");
      const foreign = await alice.posts({ ...action, chatId, messageId });
      const unknown = await alice.posts({ ...action, chatId, messageId: NOTHING });
      expectProblem(foreign, "not_found");
      expect(foreign.text).toBe(unknown.text);
    });
  });
}
