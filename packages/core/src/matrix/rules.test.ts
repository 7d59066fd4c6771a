import { describe, expect, test } from "vitest";
import { idOf, matrixRoom, message, origin, ROOM, second, text } from "../testing/matrix-room.fake.ts";
import { ingestEdit, ingestMembership, ingestMessage, ingestOther, ingestReaction, ingestRedaction } from "./rules.ts";

const PDF = { filename: "a.pdf", mime_type: "application/pdf", size: 3, mxc_uri: "mxc://example.org/a" };

describe("a message of Matrix", () => {
  test("opens its room and makes its sender a member, before its own event", async () => {
    const { events, history, say, store } = await matrixRoom();
    await store.putUser("ann", "Ann A.");
    await say("$1", "ann", 1, "hello");
    expect(events()).toEqual([
      expect.objectContaining({ type: "NEW_CHAT", seq: 1, senderId: "ann", message: "" }),
      expect.objectContaining({ type: "USER_JOIN", seq: 2, senderId: "ann", message: "ann", username: "Ann A." }),
      {
        type: "SEND_MSG",
        recipientId: "ann",
        chatId: ROOM,
        senderId: "ann",
        seq: 3,
        mark: expect.stringMatching(/^[0-9a-f]{8}$/),
        messageId: idOf("$1"),
        message: "hello",
        timeStamp: second(1).toISOString(),
        eventId: "$1",
      },
    ]);
    expect(await history()).toMatchObject([
      { messageId: idOf("$1"), eventId: "$1", ordinal: 1, sentAt: second(1), type: "m.text" },
    ]);
    expect(store.room(ROOM)).toMatchObject({ lastSeq: 3, messageCount: 1, memberCount: 1 });
    expect(store.matrixOf(ROOM)).toMatchObject([{ eventId: "$1", kind: "message", subjectId: idOf("$1"), seq: 3 }]);
  });

  test("that comes again, at once or later, changes nothing", async () => {
    const { events, say } = await matrixRoom();
    await Promise.all([say("$1", "ann", 1, "hello"), say("$1", "ann", 1, "hello")]);
    await say("$1", "ann", 1, "hello");
    expect(events()).toHaveLength(3);
  });

  test("has its type, file and thread where they are not the native ones", async () => {
    const { events, history, say } = await matrixRoom();
    await say("$1", "ann", 1, "see this", { type: "m.file", file: PDF, threadRoot: "$0", mentions: ["ben"] });
    const kinds = { messageType: "m.file", file: PDF, threadRootEventId: "$0", mentions: ["ben"], eventId: "$1" };
    expect(events().at(-1)).toMatchObject(kinds);
    expect(await history()).toMatchObject([{ type: "m.file", file: PDF, threadRoot: "$0", mentions: ["ben"] }]);
  });

  test("that answers a known one is a REPLY, and one that answers an unknown one a SEND_MSG", async () => {
    const { events, history, say } = await matrixRoom();
    await say("$1", "ann", 1, "question");
    await say("$2", "ann", 2, "answer", { replyTo: "$1" });
    await say("$3", "ann", 3, "to nothing", { replyTo: "$gone" });
    const [reply, other] = events().slice(-2);
    expect(reply).toMatchObject({ type: "REPLY", replyTo: { messageId: idOf("$1"), content: "question" } });
    expect(other).toMatchObject({ type: "SEND_MSG" });
    expect((await history()).map(({ replyTo }) => replyTo)).toEqual([null, idOf("$1"), null]);
  });

  test("names members in its text as a native one does, unless it is encrypted", async () => {
    const { history, say, store } = await matrixRoom();
    await store.putUser("ben", "Ben");
    await say("$1", "ben", 1, "hi");
    await say("$2", "ann", 2, "ask @Ben", { mentions: ["cleo"] });
    await say("$3", "ann", 3, "", { type: "m.room.encrypted" });
    expect((await history()).map(({ mentions, textMentions }) => [mentions, textMentions])).toEqual([
      [null, null],
      [["cleo"], ["ben"]],
      [null, null],
    ]);
  });

  test("that was redacted before it came is a message without text that is deleted at once", async () => {
    const { events, history, say, store } = await matrixRoom();
    await say("$1", "ann", 1, "", { type: "m.image", threadRoot: "$0", redacted: { by: "ben", at: second(9) } });
    expect(events().slice(-2)).toMatchObject([
      { type: "SEND_MSG", message: "" },
      { type: "DELETE_MSG", senderId: "ben", messageId: idOf("$1"), timeStamp: second(9).toISOString(), eventId: "$1" },
    ]);
    expect(events().at(-2)).not.toHaveProperty("messageType");
    const row = { content: "", type: "m.text", threadRoot: null, deletedBy: "ben", deletedAt: second(9) };
    expect(await history()).toMatchObject([row]);
    expect(store.matrixOf(ROOM)).toMatchObject([{ redacted: true }]);
  });

  test("of which a redaction came before it never shows its text", async () => {
    const { events, say, store, writer } = await matrixRoom();
    await writer.ingest(ingestRedaction(origin("$r", "ben", 5), "$1"));
    await say("$1", "ann", 1, "secret");
    expect(JSON.stringify([events(), store.matrixOf(ROOM)])).not.toContain("secret");
    expect(events().at(-1)).toMatchObject({ type: "DELETE_MSG", senderId: "ben", timeStamp: second(5).toISOString() });
  });

  test("does not make a former member join again", async () => {
    const { events, say, store, writer } = await matrixRoom();
    await writer.ingest(ingestMembership(origin("$j", "ann", 1), "ann", true));
    await writer.ingest(ingestMembership(origin("$l", "ann", 2), "ann", false));
    await say("$1", "ann", 3, "late");
    expect(events().at(-1)).toMatchObject({ type: "SEND_MSG", senderId: "ann" });
    expect(store.member(ROOM, "ann")).toMatchObject({ leftSeq: 3 });
    expect(store.room(ROOM)?.memberCount).toBe(0);
  });

  test("changes nothing in a room that was deleted here, nor in an unknown one", async () => {
    const { say, store, writer } = await matrixRoom();
    await say("$1", "ann", 1, "hello");
    await writer.deleteRoom({ userId: "backend", service: true }, ROOM);
    await say("$2", "ann", 2, "hello?");
    await writer.ingest(ingestMessage({ ...origin("$3", "ann", 3), roomId: idOf("other") }, message("$3", "hello?")));
    expect(store.eventsOf(ROOM).at(-1)).toMatchObject({ type: "DELETE_CHAT" });
    expect(store.eventsOf(idOf("other"))).toEqual([]);
  });
});

describe("a client id in an event of Matrix", () => {
  const clientMessageId = "c1";

  test("counts for a send that is under way, once", async () => {
    const { events, history, say, store } = await matrixRoom();
    await store.recordPendingWrite({ roomId: ROOM, senderId: "ann", clientMessageId });
    await say("$1", "ann", 1, "hello", { clientMessageId });
    await say("$2", "ann", 2, "hello", { clientMessageId });
    expect((await history()).map((row) => row.clientMessageId)).toEqual(["c1", null]);
    expect(events().at(-2)).toMatchObject({ clientMessageId });
  });

  test("does not count for another user, in another room, or without a send", async () => {
    const { history, say, store } = await matrixRoom();
    await store.recordPendingWrite({ roomId: ROOM, senderId: "ben", clientMessageId });
    await store.recordPendingWrite({ roomId: idOf("other"), senderId: "ann", clientMessageId });
    await say("$1", "ann", 1, "hello", { clientMessageId });
    await say("$2", "ben", 2, "hello", { clientMessageId: "c2" });
    expect((await history()).map((row) => row.clientMessageId)).toEqual([null, null]);
  });
});

describe("an edit in Matrix", () => {
  const edited = (target: string, eventId: string, at: number, content: string, senderId = "ann") =>
    ingestEdit(origin(eventId, senderId, at), target, text(content));

  test("replaces the content of the message, with the time of the edit", async () => {
    const { events, history, say, store, writer } = await matrixRoom();
    await say("$1", "ann", 1, "helo", { threadRoot: "$0" });
    const revision = text("look", { type: "m.image", file: PDF, mentions: ["ben"] });
    await writer.ingest(ingestEdit(origin("$2", "ann", 2), "$1", revision));
    expect(events().at(-1)).toMatchObject({
      type: "EDIT_MSG",
      senderId: "ann",
      messageId: idOf("$1"),
      message: "look",
      messageType: "m.image",
      file: PDF,
      threadRootEventId: "$0",
      editedAt: second(2).toISOString(),
      eventId: "$1",
    });
    expect(await history()).toMatchObject([{ ...revision, editedAt: second(2), editSeq: 4, threadRoot: "$0" }]);
    expect(store.matrixOf(ROOM)[0]).toMatchObject({ revision: text("helo") });
  });

  test("that is older than the one that counts changes nothing; of two at the same time the larger id counts", async () => {
    const { events, history, say, writer } = await matrixRoom();
    await say("$1", "ann", 1, "one");
    await writer.ingest(edited("$1", "$b", 5, "five"));
    await writer.ingest(edited("$1", "$c", 3, "three"));
    await writer.ingest(edited("$1", "$a", 5, "also five"));
    expect(await history()).toMatchObject([{ content: "five" }]);
    expect(events()).toHaveLength(4);
    await writer.ingest(edited("$1", "$d", 5, "five at last"));
    expect(await history()).toMatchObject([{ content: "five at last" }]);
  });

  test("to the present content is an event, because of its time", async () => {
    const { events, say, writer } = await matrixRoom();
    await say("$1", "ann", 1, "one");
    await writer.ingest(edited("$1", "$2", 2, "one"));
    expect(events().at(-1)).toMatchObject({ type: "EDIT_MSG", message: "one", editedAt: second(2).toISOString() });
  });

  test("counts only by the author, of a message, and not of an edit, a reaction or a deleted message", async () => {
    const { events, history, say, writer } = await matrixRoom();
    await say("$1", "ann", 1, "one");
    await say("$gone", "ann", 1, "gone");
    await writer.ingest(ingestRedaction(origin("$r", "ann", 2), "$gone"));
    await writer.ingest(edited("$1", "$2", 2, "two"));
    await writer.ingest(ingestReaction(origin("$3", "ann", 3), "$1", idOf("$3"), "a"));
    await writer.ingest(ingestMembership(origin("$j", "ben", 3), "ben", true));
    const before = [events(), (await history()).map(({ content }) => content)];
    await writer.ingest(edited("$1", "$x1", 9, "not mine", "ben"));
    for (const target of ["$2", "$3", "$gone", "$j", "$nowhere"])
      await writer.ingest(edited(target, `$x${target}`, 9, "nonsense"));
    expect([events(), (await history()).map(({ content }) => content)]).toEqual(before);
  });

  test("of an encrypted message is encrypted too, and of any other it is not", async () => {
    const { events, history, say, writer } = await matrixRoom();
    await say("$1", "ann", 1, "", { type: "m.room.encrypted" });
    await say("$2", "ann", 2, "clear");
    await writer.ingest(edited("$1", "$x1", 3, "clear"));
    await writer.ingest(ingestEdit(origin("$x2", "ann", 3), "$2", null));
    expect(events()).toHaveLength(4);
    await writer.ingest(ingestEdit(origin("$3", "ann", 4), "$1", null));
    expect(events().at(-1)).toMatchObject({ type: "EDIT_MSG", message: "", messageType: "m.room.encrypted" });
    const [sealed, clear] = await history();
    expect(sealed).toMatchObject({ type: "m.room.encrypted", content: "", editedAt: second(4) });
    expect(clear).toMatchObject({ type: "m.text", content: "clear", editedAt: null });
  });

  test("that is redacted gives way to the one before, and the first one to the first content", async () => {
    const { events, history, say, store, writer } = await matrixRoom();
    await say("$1", "ann", 1, "one", { mentions: ["ben"] });
    await writer.ingest(edited("$1", "$2", 2, "two"));
    await writer.ingest(edited("$1", "$3", 3, "three"));
    await writer.ingest(ingestRedaction(origin("$r3", "ann", 10), "$3"));
    expect(events().at(-1)).toMatchObject({ type: "EDIT_MSG", message: "two", editedAt: second(2).toISOString() });
    await writer.ingest(ingestRedaction(origin("$r2", "ann", 11), "$2"));
    expect(events().at(-1)).toMatchObject({ type: "EDIT_MSG", message: "one", editedAt: second(11).toISOString() });
    expect(await history()).toMatchObject([{ content: "one", mentions: ["ben"], editedAt: null, editSeq: null }]);
    expect(JSON.stringify(store.matrixOf(ROOM))).not.toMatch(/two|three/);
  });

  test("that is redacted while another counts changes nothing", async () => {
    const { events, say, writer } = await matrixRoom();
    await say("$1", "ann", 1, "one");
    await writer.ingest(edited("$1", "$2", 2, "two"));
    await writer.ingest(edited("$1", "$3", 3, "three"));
    await writer.ingest(ingestRedaction(origin("$r", "ann", 10), "$2"));
    expect(events()).toHaveLength(5);
  });

  test("that came before its message counts once that comes", async () => {
    const { events, history, say, writer } = await matrixRoom();
    await writer.ingest(edited("$1", "$3", 3, "three"));
    await writer.ingest(edited("$1", "$2", 2, "two"));
    await say("$1", "ann", 1, "one");
    expect(events().slice(-2)).toMatchObject([
      { type: "SEND_MSG", message: "three" },
      { type: "EDIT_MSG", message: "three" },
    ]);
    expect(await history()).toMatchObject([{ content: "three", editedAt: second(3) }]);
  });

  test("names members as a native one does", async () => {
    const { history, say, store, writer } = await matrixRoom();
    await store.putUser("ben", "Ben");
    await say("$0", "ben", 1, "hi");
    await say("$1", "ann", 1, "hello");
    await writer.ingest(edited("$1", "$2", 2, "hello @Ben"));
    expect((await history()).at(-1)).toMatchObject({ textMentions: ["ben"] });
  });
});

describe("a reaction in Matrix", () => {
  const reacted = (eventId: string, senderId = "ben", key = "a", target = "$1") =>
    ingestReaction(origin(eventId, senderId, 5), target, idOf(eventId), key);

  test("is one of ours with its own id and time", async () => {
    const { events, history, say, store, writer } = await matrixRoom();
    await say("$1", "ann", 1, "hello");
    await writer.ingest(reacted("$a"));
    expect(events().at(-1)).toMatchObject({
      type: "REACT",
      senderId: "ben",
      messageId: idOf("$a"),
      parentMessageId: idOf("$1"),
      message: "a",
      timeStamp: second(5).toISOString(),
      eventId: "$1",
    });
    expect((await history())[0]?.reactions).toMatchObject([{ reactionId: idOf("$a"), eventId: "$a" }]);
    expect(store.matrixOf(ROOM).at(-1)).toMatchObject({ kind: "reaction", subjectId: idOf("$a"), revision: null });
  });

  test("that repeats an active one is recorded as that one, and its redaction leaves that one", async () => {
    const { events, history, say, store, writer } = await matrixRoom();
    await say("$1", "ann", 1, "hello");
    await writer.ingest(reacted("$a"));
    await Promise.all([writer.ingest(reacted("$b")), writer.ingest(reacted("$c", "ann"))]);
    expect(store.matrixOf(ROOM).find(({ eventId }) => eventId === "$b")).toMatchObject({ subjectId: idOf("$a") });
    await writer.ingest(ingestRedaction(origin("$r", "ben", 6), "$b"));
    expect((await history())[0]?.reactions.map(({ eventId }) => eventId)).toEqual(["$a", "$c"]);
    expect(
      events()
        .map(({ type }) => type)
        .filter((type) => type.includes("REACT")),
    ).toEqual(["REACT", "REACT"]);
  });

  test("to an edit, to a reaction or to anything else that is no message is none", async () => {
    const { history, say, writer } = await matrixRoom();
    await say("$1", "ann", 1, "hello");
    await writer.ingest(ingestEdit(origin("$2", "ann", 2), "$1", text("hello!")));
    await writer.ingest(reacted("$a"));
    await writer.ingest(ingestOther(origin("$topic", "ann", 3)));
    for (const target of ["$2", "$a", "$topic"]) await writer.ingest(reacted(`$x${target}`, "ben", "b", target));
    expect((await history())[0]?.reactions.map(({ eventId }) => eventId)).toEqual(["$a"]);
  });

  test("that came before its message is active once that comes, under its own id", async () => {
    const { events, history, say, store, writer } = await matrixRoom();
    await writer.ingest(reacted("$a"));
    await writer.ingest(reacted("$b"));
    expect(store.matrixOf(ROOM)[0]).toMatchObject({ subjectId: null, revision: { content: "a" } });
    await say("$1", "ann", 1, "hello");
    expect((await history())[0]?.reactions).toMatchObject([{ reactionId: idOf("$a"), sentAt: second(5) }]);
    expect(events().slice(-2)).toMatchObject([{ type: "SEND_MSG" }, { type: "REACT" }]);
    expect(store.matrixOf(ROOM)).toMatchObject([
      { subjectId: idOf("$1") },
      { subjectId: idOf("$a") },
      { subjectId: idOf("$a") },
    ]);
  });

  test("is removed by its redaction, whichever is first", async () => {
    const { events, history, say, writer } = await matrixRoom();
    await say("$1", "ann", 1, "hello");
    await writer.ingest(reacted("$a"));
    await writer.ingest(ingestRedaction(origin("$ra", "ben", 6), "$a"));
    expect(events().at(-1)).toMatchObject({ type: "DELETE_REACT", messageId: idOf("$a"), parentMessageId: idOf("$1") });
    await writer.ingest(ingestRedaction(origin("$rb", "ben", 6), "$b"));
    await writer.ingest(reacted("$b"));
    expect((await history())[0]?.reactions).toEqual([]);
    await writer.ingest(reacted("$c"));
    expect((await history())[0]?.reactions).toMatchObject([{ eventId: "$c" }]);
  });
});

test("a redaction by Matrix leaves of a message only that it was there", async () => {
  const { events, history, say, store, writer } = await matrixRoom();
  await say("$0", "ann", 1, "question");
  await say("$1", "ann", 1, "secret", {
    type: "m.file",
    file: PDF,
    threadRoot: "$0",
    replyTo: "$0",
    mentions: ["ben"],
  });
  await writer.ingest(ingestEdit(origin("$2", "ann", 2), "$1", text("secret too")));
  await writer.ingest(ingestRedaction(origin("$r", "ben", 9), "$1"));
  await writer.ingest(ingestRedaction(origin("$r2", "ann", 10), "$1"));
  expect(events().at(-1)).toMatchObject({ type: "DELETE_MSG", senderId: "ben", messageId: idOf("$1") });
  expect((await history()).at(-1)).toMatchObject({
    content: "",
    type: "m.text",
    file: null,
    threadRoot: null,
    replyTo: null,
    mentions: null,
    textMentions: null,
    editedAt: null,
    editSeq: null,
    deletedBy: "ben",
    deletedAt: second(9),
  });
  await writer.ingest(ingestEdit(origin("$3", "ann", 11), "$1", text("secret again")));
  expect(JSON.stringify([await history(), store.matrixOf(ROOM)])).not.toContain("secret");
});
