/** CONTRACT section 8: the result of each event of Matrix in projections, on a WebSocket and on an SSE stream. */
import { describe, expect, test } from "vitest";
import type { Fields } from "../../../support/arrivals.ts";
import type { World } from "../../../support/world.ts";
import { bridge } from "../../stages/bridged-room.ts";
import { eventsUpToNow, messageIdOf, watched } from "../../stages/watched-room.ts";
import { matrixUser } from "../../support/homeserver.ts";
import { previewsOf, projectionOf } from "../../support/projections.ts";
import { ANY_MARK, ANY_UUID } from "../../support/shapes.ts";

const URL_OF_FILE = "mxc://matrix.example/AbC";
const FILE = { filename: "a.pdf", mime_type: "application/pdf", size: 5, mxc_uri: URL_OF_FILE };

export function bridgedMessages(world: World): void {
  describe("a message of Matrix", () => {
    messages(world);
    edits(world);
    relations(world);
    reactions(world);
    redactions(world);
  });
}

function messages(world: World): void {
  test("is a message like any other, with its Matrix event id", async () => {
    const chat = await watched(world);
    const { alice, bob, room, chatId, socket, stream } = chat;
    const message = room.says(alice, "hello from Matrix", { "m.mentions": { user_ids: [matrixUser(bob)] } });
    await room.pushes([message]);
    const { event_id } = message;
    const [event] = (await eventsUpToNow(chat)) as [Fields];
    const timeStamp = new Date(message.origin_server_ts).toISOString();
    expect(event).toStrictEqual({
      type: "SEND_MSG",
      recipientId: bob.id,
      chatId,
      senderId: alice.id,
      timeStamp,
      message: "hello from Matrix",
      messageId: ANY_UUID,
      mentions: [bob.id],
      eventId: event_id,
      seq: expect.any(Number),
      mark: ANY_MARK,
    });
    expect(stream.of("message")[0]).toStrictEqual({
      id: `msg-${event.messageId}`,
      event_id,
      sender_user_id: alice.id,
      message_type: "m.text",
      preview: "hello from Matrix",
      sent_at: timeStamp,
      has_attachment: false,
      is_encrypted: false,
      thread_metadata: null,
    });
    expect((await bob.history(chatId))[1]).toMatchObject({ messageId: event.messageId, eventId: event_id });
    expect(await socket.receives({ type: "NOTIFICATION", kind: "mention" })).toMatchObject({
      messageId: event.messageId,
    });
  });

  test.each(["m.file", "m.image", "m.audio", "m.video"])("of type %s has its file", async (msgtype) => {
    const chat = await watched(world);
    const { alice, bob, room, chatId } = chat;
    const info = { mimetype: "application/pdf", size: 5 };
    const message = room.says(alice, "see", { msgtype, filename: "a.pdf", url: URL_OF_FILE, info });
    const bare = room.says(alice, "b.pdf", { msgtype, url: URL_OF_FILE });
    await room.pushes([message, bare]);
    expect((await eventsUpToNow(chat))[0]).toMatchObject({ message: "see", messageType: msgtype, file: FILE });
    expect(chat.stream.of("message")[0]).toMatchObject({ message_type: msgtype, has_attachment: true });
    expect(await projectionOf(bob, message.event_id)).toMatchObject({ has_attachment: true, file_metadata: FILE });
    expect((await projectionOf(bob, bare.event_id)).file_metadata).toStrictEqual({
      filename: "b.pdf",
      mime_type: null,
      size: null,
      mxc_uri: URL_OF_FILE,
    });
    expect((await bob.history(chatId))[2]).toMatchObject({ messageType: msgtype, file: FILE });
  });

  test.each(["m.notice", "m.emote", "m.location"])("of type %s keeps its type", async (msgtype) => {
    const chat = await watched(world);
    const message = chat.room.says(chat.alice, "text", { msgtype });
    await chat.room.pushes([message]);
    expect((await eventsUpToNow(chat))[0]).toMatchObject({ messageType: msgtype });
    expect(await projectionOf(chat.bob, message.event_id)).toMatchObject({
      message_type: msgtype,
      preview: "text",
      has_attachment: false,
    });
  });

  test("that is encrypted has no preview anywhere", async () => {
    const chat = await watched(world);
    const { alice, bob, room } = chat;
    const message = room.event(alice, "m.room.encrypted", { algorithm: "m.megolm.v1.aes-sha2", ciphertext: "AwgA" });
    await room.pushes([message]);
    expect((await eventsUpToNow(chat))[0]).toMatchObject({ messageType: "m.room.encrypted", message: "" });
    const sealed = { message_type: "m.room.encrypted", is_encrypted: true, preview: null, has_attachment: false };
    expect(chat.stream.of("message")[0]).toMatchObject(sealed);
    expect(await projectionOf(bob, message.event_id)).toMatchObject(sealed);
  });
}

function edits(world: World): void {
  test("has the text of its newest edit, in any order of arrival", async () => {
    const chat = await watched(world);
    const { alice, bob, room } = chat;
    const message = room.says(alice, "one");
    const [two, three] = [room.edits(alice, message, "two"), room.edits(alice, message, "three")];
    await room.pushes([message, three, two]);
    expect(await eventsUpToNow(chat)).toMatchObject([
      { type: "SEND_MSG", message: "one" },
      { type: "EDIT_MSG", message: "three", editedAt: new Date(three.origin_server_ts).toISOString() },
    ]);
    expect(chat.stream.of("message_edited")).toMatchObject([{ preview: "three", event_id: message.event_id }]);
    expect((await projectionOf(bob, message.event_id)).preview).toBe("three");
    const late = room.says(alice, "late");
    await room.pushes([room.edits(alice, late, "edited before it arrived")]);
    await room.pushes([late]);
    expect((await projectionOf(bob, late.event_id)).preview).toBe("edited before it arrived");
  });

  test("is not changed by edits of other users, of edits, or in another room", async () => {
    const chat = await watched(world);
    const { alice, bob, room } = chat;
    const other = await bridge(world);
    const message = room.says(alice, "mine");
    const edit = room.edits(alice, message, "mine, edited");
    await room.pushes([
      message,
      edit,
      room.edits(bob, message, "not yours"),
      room.edits(alice, edit, "edit of an edit"),
    ]);
    await other.room.pushes([other.room.edits(other.alice, message, "from elsewhere")]);
    expect((await eventsUpToNow(chat)).map(({ type }) => type)).toEqual(["SEND_MSG", "EDIT_MSG"]);
    expect((await projectionOf(bob, message.event_id)).preview).toBe("mine, edited");
  });

  test("reverts to the edit before when an edit is redacted", async () => {
    const chat = await watched(world);
    const { alice, bob, room } = chat;
    const message = room.says(alice, "one");
    const [two, three] = [room.edits(alice, message, "two"), room.edits(alice, message, "three")];
    await room.pushes([message, two, three, room.redacts(alice, three)]);
    expect((await projectionOf(bob, message.event_id)).preview).toBe("two");
    await room.pushes([room.redacts(alice, two)]);
    expect((await projectionOf(bob, message.event_id)).preview).toBe("one");
    expect((await eventsUpToNow(chat)).map((event) => event.message)).toEqual(["one", "two", "three", "two", "one"]);
  });
}

function relations(world: World): void {
  test("that answers another is a reply, without the quoted lines of old clients", async () => {
    const chat = await watched(world);
    const { alice, bob, room, chatId } = chat;
    const question = room.says(alice, "shall we?");
    const answer = room.says(bob, `> <${matrixUser(alice)}> shall we?\n\nyes`, {
      "m.relates_to": { "m.in_reply_to": { event_id: question.event_id } },
    });
    await room.pushes([question, answer]);
    const replyTo = { messageId: await messageIdOf(chat, question), senderId: alice.id, content: "shall we?" };
    expect((await eventsUpToNow(chat))[1]).toMatchObject({
      type: "REPLY",
      message: "yes",
      replyTo,
      eventId: answer.event_id,
    });
    expect((await bob.history(chatId))[1]).toMatchObject({ content: "yes", replyTo });
    expect((await projectionOf(alice, answer.event_id)).preview).toBe("yes");
  });

  test("in a thread has its root, and is a reply only when it is no fallback", async () => {
    const chat = await watched(world);
    const { alice, bob, room } = chat;
    const root = room.says(alice, "root");
    const thread = (is_falling_back: boolean) => ({
      "m.relates_to": {
        rel_type: "m.thread",
        event_id: root.event_id,
        is_falling_back,
        "m.in_reply_to": { event_id: root.event_id },
      },
    });
    const [falling, real] = [room.says(bob, "in the thread", thread(true)), room.says(bob, "to it", thread(false))];
    await room.pushes([root, falling, real]);
    const threadRootEventId = root.event_id;
    expect((await eventsUpToNow(chat)).slice(1)).toMatchObject([
      { type: "SEND_MSG", message: "in the thread", threadRootEventId },
      { type: "REPLY", message: "to it", threadRootEventId, replyTo: { content: "root" } },
    ]);
    const thread_metadata = { is_thread_reply: true, thread_root_event_id: root.event_id };
    expect(chat.stream.of("message").map((data) => data.thread_metadata)).toEqual([
      null,
      thread_metadata,
      thread_metadata,
      null,
    ]);
    expect(await previewsOf(bob, chat.chatId, { thread_root_event_id: root.event_id })).toEqual([
      "in the thread",
      "to it",
    ]);
  });
}

function reactions(world: World): void {
  test("has one reaction per user and key, until it is redacted", async () => {
    const chat = await watched(world);
    const { alice, bob, room, chatId, stream } = chat;
    const message = room.says(alice, "react");
    const [thumb, twice, heart] = [
      room.reacts(bob, message, "\u{1f44d}"),
      room.reacts(bob, message, "\u{1f44d}"),
      room.reacts(alice, message, "\u2764"),
    ];
    await room.pushes([message, thumb, twice, heart]);
    const history = async () => (await bob.history(chatId)).at(-1)!.reactions;
    expect(await history()).toMatchObject([
      { reaction: "\u{1f44d}", senderId: bob.id },
      { reaction: "\u2764", senderId: alice.id },
    ]);
    await room.pushes([room.redacts(bob, thumb)]);
    expect(await history()).toMatchObject([{ reaction: "\u2764" }]);
    const events = await eventsUpToNow(chat);
    expect(events.map(({ type }) => type)).toEqual(["SEND_MSG", "REACT", "REACT", "DELETE_REACT"]);
    expect(events[3]).toMatchObject({ messageId: events[1]!.messageId, eventId: message.event_id });
    expect(stream.of("reaction_added")[0]).toMatchObject({ event_id: message.event_id, reaction: "\u{1f44d}" });
    expect(stream.of("reaction_removed")).toMatchObject([{ event_id: message.event_id, id: events[1]!.messageId }]);
  });

  test("has reactions that arrived before it, and none to its edits", async () => {
    const chat = await watched(world);
    const { alice, bob, room, chatId } = chat;
    const message = room.says(alice, "late");
    await room.pushes([room.reacts(bob, message, "+")]);
    await room.pushes([message]);
    const edit = room.edits(alice, message, "edited");
    await room.pushes([edit, room.reacts(bob, edit, "-")]);
    expect((await eventsUpToNow(chat)).map(({ type }) => type)).toEqual(["SEND_MSG", "REACT", "EDIT_MSG"]);
    expect((await bob.history(chatId)).at(-1)!.reactions).toMatchObject([{ reaction: "+" }]);
  });
}

function redactions(world: World): void {
  /** The rest of a redacted message. */
  const GONE = {
    preview: "",
    message_type: "m.text",
    has_attachment: false,
    is_encrypted: false,
    file_metadata: null,
    thread_metadata: null,
  };

  test("is deleted by its redaction, with the target in either place", async () => {
    const chat = await watched(world);
    const { alice, bob, room } = chat;
    const sent = ["old", "new"].map((text) => room.says(bob, text, { msgtype: "m.file", url: URL_OF_FILE }));
    const [old, young] = sent.map(({ event_id: redacts }) => redacts);
    await room.pushes([
      ...sent,
      room.event(alice, "m.room.redaction", {}, { redacts: old }),
      room.event(alice, "m.room.redaction", { redacts: young }),
    ]);
    for (const { event_id } of sent) expect(await projectionOf(bob, event_id)).toMatchObject(GONE);
    expect((await eventsUpToNow(chat)).slice(2)).toMatchObject([
      { type: "DELETE_MSG", senderId: alice.id, eventId: old },
      { type: "DELETE_MSG", senderId: alice.id, eventId: young },
    ]);
    expect(chat.stream.of("message_deleted").map(({ event_id }) => event_id)).toEqual([old, young]);
  });

  test("is deleted also when the redaction arrives before it, or within it", async () => {
    const chat = await watched(world);
    const { alice, bob, room } = chat;
    const late = room.says(bob, "secret");
    const redacted_because = room.event(alice, "m.room.redaction", {});
    const stripped = room.event(bob, "m.room.message", {}, { unsigned: { redacted_because } });
    const encrypted = room.event(bob, "m.room.encrypted", {}, { unsigned: { redacted_because } });
    await room.pushes([room.redacts(alice, late)]);
    await room.pushes([late, stripped, encrypted]);
    for (const { event_id } of [late, stripped, encrypted])
      expect(await projectionOf(bob, event_id)).toMatchObject({ ...GONE, sender_user_id: bob.id });
    expect((await eventsUpToNow(chat)).map(({ type, message = "" }) => [type, message])).toEqual(
      [1, 2, 3].flatMap(() => [
        ["SEND_MSG", ""],
        ["DELETE_MSG", ""],
      ]),
    );
    expect(JSON.stringify(await bob.history(chat.chatId))).not.toContain("secret");
  });
}
