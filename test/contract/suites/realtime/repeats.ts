/** CONTRACT section 3: a repeated request has one effect. */
import { describe, expect, test } from "vitest";
import { times } from "../../../support/lists.ts";
import type { Person, World } from "../../../support/world.ts";

export function repeats(world: World): void {
  repeatedSends(world);
  repeatedChanges(world);
}

/** The types of the room's events after a seq up to now, in order. */
async function typesUntilNow(person: Person, chatId: string, since: number): Promise<readonly string[]> {
  const client = await person.resumes(1, { [chatId]: since });
  return client.events(chatId).map(({ type }) => type);
}

function repeatedSends(world: World): void {
  describe("a send that is repeated with its clientMessageId", () => {
    test.each(["SEND_MSG", "REPLY"])("%s returns the first message again, with any other content", async (type) => {
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

    test("is one message even when many repeats are under way at once, at every node", async () => {
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

    test("still returns the first message, in its present form, after it was edited and deleted, and sends nothing", async () => {
      const { alice, bob, chatId } = await world.chat();
      const action = { type: "SEND_MSG", chatId, message: "once", clientMessageId: "id" };
      const { messageId, seq, mark } = await alice.acts(action);
      await alice.acts({ type: "EDIT_MSG", chatId, messageId, message: "twice" });
      expect(await alice.acts(action)).toMatchObject({ type: "SEND_MSG", messageId, seq, mark, message: "twice" });
      await alice.acts({ type: "DELETE_MSG", chatId, messageId });
      const gone = { message: "", deleted: true };
      expect(await alice.acts(action)).toMatchObject({ type: "SEND_MSG", messageId, seq, mark, ...gone });
      expect(await typesUntilNow(bob, chatId, 1)).toEqual(["SEND_MSG", "EDIT_MSG", "DELETE_MSG"]);
    });

    test("still returns the first message when its event is no longer kept, but no mark, which the event had", async () => {
      const { alice, bob, chatId } = await world.chat();
      const action = { type: "SEND_MSG", chatId, message: "once", clientMessageId: "id", mentions: [bob.id] };
      const first = await alice.acts(action);
      await world.sql`delete from events where room_id = ${chatId}`;
      const { mark: _, ...markless } = first;
      expect(await alice.acts(action)).toStrictEqual(markless);
      expect(await bob.history(chatId)).toMatchObject([{ messageId: first.messageId, content: "once" }]);
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
  describe("a repeated change is answered with its first event, and sends none", () => {
    test("a delete, also by another user with the right", async () => {
      const { alice, bob, chatId } = await world.chat();
      const { messageId } = await bob.says(chatId, "gone soon");
      const action = { type: "DELETE_MSG", chatId, messageId };
      const { recipientId: _, ...event } = await bob.acts(action);
      expect(await bob.acts(action)).toStrictEqual({ ...event, recipientId: bob.id });
      expect(await alice.acts(action)).toStrictEqual({ ...event, recipientId: alice.id });
      expect(await typesUntilNow(bob, chatId, 2)).toEqual(["DELETE_MSG"]);
    });

    test("an edit to the present text", async () => {
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
