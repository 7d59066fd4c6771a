/** CONTRACT section 3: history, receipts by READ_MSG, and unread counts. */
import { describe, expect, test } from "vitest";
import { expectProblem } from "../../../support/http.ts";
import { times } from "../../../support/lists.ts";
import type { Person, World } from "../../../support/world.ts";
import { ANY_TIME, NOTHING } from "../../support/shapes.ts";

export function history(world: World): void {
  describe("history", () => {
    entries(world);
    pages(world);
  });
  describe("reading", () => reading(world));
}

function entries(world: World): void {
  test("has exactly the fields of a message", async () => {
    const { alice, bob, chatId } = await world.chat();
    const sent = await alice.says(chatId, "first", { clientMessageId: "id", mentions: [bob.id] });
    expect(await bob.history(chatId)).toStrictEqual([
      {
        messageId: sent.messageId,
        chatId,
        senderId: alice.id,
        content: "first",
        timeStamp: sent.timeStamp,
        edited: false,
        editedAt: null,
        seq: 2,
        replyTo: null,
        deleted: false,
        reactions: [],
      },
    ]);
  });

  test("has edits in place, with their time", async () => {
    const { alice, chatId } = await world.chat();
    const { messageId, timeStamp, seq } = await alice.says(chatId, "one");
    await alice.says(chatId, "two");
    const { editedAt } = await alice.acts({ type: "EDIT_MSG", chatId, messageId, message: "one, edited" });
    expect((await alice.history(chatId))[1]).toMatchObject({
      messageId,
      timeStamp,
      seq,
      content: "one, edited",
      edited: true,
      editedAt,
    });
  });

  test("has the original of a reply as in its REPLY event", async () => {
    const { alice, bob, chatId } = await world.chat();
    const { messageId } = await alice.says(chatId, "question");
    const { replyTo } = await bob.acts({ type: "REPLY", chatId, messageId, message: "answer" });
    const [answer, question] = await alice.history(chatId);
    expect(answer).toMatchObject({ content: "answer", replyTo });
    expect(question).toMatchObject({ content: "question", replyTo: null });
  });

  test("lists the active reactions", async () => {
    const { alice, bob, chatId } = await world.chat();
    const { messageId } = await alice.says(chatId, "text");
    const react = (person: Person, reaction: string) => person.acts({ type: "REACT", chatId, messageId, reaction });
    const removed = await react(alice, "-");
    const standing = await react(bob, "+");
    await alice.acts({ type: "DELETE_REACT", reactionId: removed.messageId });
    expect((await alice.history(chatId))[0]?.reactions).toStrictEqual([
      { reactionId: standing.messageId, senderId: bob.id, reaction: "+", timeStamp: standing.timeStamp },
    ]);
  });

  test("keeps a deleted message in its place, empty", async () => {
    const { alice, chatId } = await world.chat();
    const sent = await times(3, (index) => alice.says(chatId, `secret ${index}`));
    const { messageId } = sent[1]!;
    await alice.acts({ type: "DELETE_MSG", chatId, messageId });
    const after = await alice.history(chatId);
    expect(after.map(({ deleted }) => deleted).filter(Boolean)).toHaveLength(1);
    expect(after).toHaveLength(3);
    expect(after.find((entry) => entry.messageId === messageId)).toMatchObject({ deleted: true, content: "" });
  });

  test("is complete for a later member", async () => {
    const { alice, carol, chatId } = await world.chat();
    await alice.says(chatId, "before carol");
    await alice.adds(chatId, carol);
    expect(await carol.history(chatId)).toMatchObject([{ content: "before carol" }]);
  });
}

function pages(world: World): void {
  test("has pages from newest to oldest: 50 by default, up to 100, from `before` on", async () => {
    const { alice, bob, chatId } = await world.chat();
    const sent = await times(103, (index) => alice.says(chatId, `message ${index}`));
    const newestFirst = sent.map(({ seq }) => seq).sort((a, b) => b - a);
    const seqs = async (query = "") => (await bob.history(chatId, query)).map(({ seq }) => seq);
    expect(await seqs()).toEqual(newestFirst.slice(0, 50));
    expect(await seqs("?limit=100")).toEqual(newestFirst.slice(0, 100));
    expect(await seqs("?limit=1")).toEqual(newestFirst.slice(0, 1));
    const oldest = (await bob.history(chatId, "?limit=100")).at(-1)!;
    expect(await seqs(`?limit=100&before=${oldest.messageId}`)).toEqual(newestFirst.slice(100));
    const last = (await bob.history(chatId, `?before=${oldest.messageId}`)).at(-1)!;
    expect(await seqs(`?before=${last.messageId}`)).toEqual([]);
  });

  test("continues after a page while messages are sent, deleted and edited", async () => {
    const { alice, chatId } = await world.chat();
    const sent = await times(6, (index) => alice.says(chatId, `message ${index}`));
    const [first, second] = await alice.history(chatId, "?limit=2");
    await alice.says(chatId, "newer");
    await alice.acts({ type: "DELETE_MSG", chatId, messageId: second!.messageId });
    const rest = await alice.history(chatId, `?before=${second!.messageId}`);
    expect([first!, second!, ...rest].map(({ seq }) => seq)).toEqual(sent.map(({ seq }) => seq).sort((a, b) => b - a));
  });

  test.each(["limit=0", "limit=101", "limit=-1", "limit=1.5", "limit=x", "limit=", "before=x", "before="])(
    "?%s is invalid",
    async (query) => {
      const { alice, chatId } = await world.chat();
      expectProblem(await alice.asks("GET", `/api/chat/${chatId}/messages?${query}`), "invalid");
    },
  );

  test("before an unknown message, or one of another room, is not found", async () => {
    const { alice, chatId } = await world.chat();
    const { messageId } = await alice.says(await alice.makesRoom(), "elsewhere");
    for (const before of [NOTHING, messageId])
      expectProblem(await alice.asks("GET", `/api/chat/${chatId}/messages?before=${before}`), "not_found");
  });
}

function reading(world: World): void {
  test("only moves forward: an older message is answered with 200, changes nothing and is not announced", async () => {
    const { alice, bob, chatId } = await world.chat();
    const alices = await alice.connects(1);
    const older = await alice.says(chatId, "older");
    const newer = await alice.says(chatId, "newer");
    const read = (messageId: string) => bob.posts({ type: "READ_MSG", chatId, messageId });
    expect((await read(newer.messageId)).status).toBe(200);
    await alices.receives({ type: "READ_MSG", messageId: newer.messageId });
    expect((await read(older.messageId)).status).toBe(200);
    expect((await bob.rooms()).data[0]?.unread_count).toBe(0);
    expect((await read(newer.messageId)).status).toBe(200);
    await alices.receives({ messageId: (await bob.says(chatId, "after")).messageId });
    await alices.settled();
    expect(alices.of("READ_MSG")).toHaveLength(1);
  });

  test("many readers are all announced, each with the newest message", async () => {
    const { alice, bob, carol, chatId } = await world.chat();
    await alice.adds(chatId, carol);
    const phone = await alice.connects(1);
    const sent = await times(20, (index) => alice.says(chatId, `message ${index}`));
    const newest = sent.reduce((a, b) => (a.seq > b.seq ? a : b));
    await Promise.all(
      [bob, carol].flatMap((reader) =>
        sent.map(({ messageId }) => reader.acts({ type: "READ_MSG", chatId, messageId })),
      ),
    );
    for (const { id } of [bob, carol])
      expect(await phone.receives({ type: "READ_MSG", senderId: id, messageId: newest.messageId })).toMatchObject({
        chatId,
        recipientId: alice.id,
        timeStamp: ANY_TIME,
      });
  });

  test("unread counts the messages of others after the last read one, without deleted ones", async () => {
    const { alice, bob, chatId } = await world.chat();
    const unread = async () => (await bob.rooms()).data[0]?.unread_count;
    const [first, second, third] = [
      await alice.says(chatId, "1"),
      await alice.says(chatId, "2"),
      await alice.says(chatId, "3"),
    ];
    await bob.says(chatId, "own");
    expect(await unread()).toBe(3);
    await bob.acts({ type: "READ_MSG", chatId, messageId: first.messageId });
    expect(await unread()).toBe(2);
    await alice.acts({ type: "EDIT_MSG", chatId, messageId: second.messageId, message: "2, edited" });
    expect(await unread()).toBe(2);
    await alice.acts({ type: "DELETE_MSG", chatId, messageId: second.messageId });
    expect(await unread()).toBe(1);
    await bob.acts({ type: "READ_MSG", chatId, messageId: third.messageId });
    await alice.acts({ type: "DELETE_MSG", chatId, messageId: third.messageId });
    expect(await unread()).toBe(0);
    await alice.says(chatId, "4");
    expect(await unread()).toBe(1);
  });
}
