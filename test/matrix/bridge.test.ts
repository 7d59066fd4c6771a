/** CONTRACT section 8 with a real Synapse: messages of either side appear on the other, once each, also when a side is killed. */
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Fields } from "../support/arrivals.ts";
import { expectProblem, jsonOf } from "../support/http.ts";
import { receiptsOf } from "../support/queries.ts";
import { until } from "../support/until.ts";
import type { Person } from "../support/world.ts";
import { agrees, BridgeStage, projected, RECOVERY_MS, streamed, type Views, WAY_MS } from "./bridge-stage.ts";
import type { MatrixClient, MatrixEvent } from "./matrix-client.ts";
import { looksOf, looksRebuilt } from "./rebuilt.ts";

const stage = new BridgeStage();
/** Two users of Matrix. Alice is mapped to a native user; Bob is not. */
let alice: MatrixClient;
let bob: MatrixClient;
let native: Person;
/** Bob, by a token with his derived user id. */
let derived: Person;
let room: string;
let views: Views;

beforeAll(async () => {
  await stage.start();
  [alice, bob] = await Promise.all([stage.synapse.register("alice"), stage.synapse.register("bob")]);
  native = await stage.mapped(alice, { name: "Alice" });
  room = await alice.createsRoom("Harbour", bob);
  await bob.joins(room);
  const chatId = await stage.roomOf(native, room);
  const [socket, stream] = await Promise.all([native.connects(), native.streams(chatId)]);
  views = { stage, viewer: native, chatId, matrixRoomId: room, socket, stream };
  const first = await projected(views, await bob.says(room, "Is this room open?"));
  derived = await stage.world.person({ sub: String(first.sender_user_id) });
}, 300_000);

afterAll(() => stage.stop(), 60_000);

/** The message of a Matrix event, as projections, the socket and the stream have it. */
async function said(eventId: string, sender: Person, preview: string, type = "SEND_MSG") {
  const projection = await projected(views, eventId, { preview });
  expect(projection).toMatchObject({ conversation_id: views.chatId, sender_user_id: sender.id });
  const fields = { eventId, senderId: sender.id, messageId: String(projection.id).slice(4) };
  const frame = await streamed(views, { type, ...fields }, "message", {
    id: projection.id,
    event_id: eventId,
    preview,
  });
  return { projection, frame, messageId: fields.messageId };
}

describe("an event of Matrix appears in projections, on a socket and on a stream", () => {
  test("text, with the native ids of the senders", async () => {
    const hers = await said(await alice.says(room, "Good morning"), native, "Good morning");
    expect(hers.projection).toMatchObject({ message_type: "m.text", has_attachment: false, thread_metadata: null });
    await said(await bob.says(room, "Good morning, Alice"), derived, "Good morning, Alice");
  });

  test("an uploaded file", async () => {
    const bytes = new TextEncoder().encode("%PDF-1.4 a plan");
    const url = await alice.uploads("plan.pdf", "application/pdf", bytes);
    const info = { mimetype: "application/pdf", size: bytes.length };
    const event = await alice.says(room, "plan.pdf", { msgtype: "m.file", filename: "plan.pdf", url, info });
    const { projection, frame } = await said(event, native, "plan.pdf");
    const file = { filename: "plan.pdf", mime_type: "application/pdf", size: bytes.length, mxc_uri: url };
    expect(projection).toMatchObject({ message_type: "m.file", has_attachment: true, file_metadata: file });
    expect(frame).toMatchObject({ messageType: "m.file", file });
    expect(views.stream.of("message").at(-1)).toMatchObject({ message_type: "m.file", has_attachment: true });
  });

  test("an edit", async () => {
    const event = await bob.says(room, "At none");
    const { messageId } = await said(event, derived, "At none");
    await bob.edits(room, event, "At noon");
    await projected(views, event, { preview: "At noon" });
    const edited = { type: "EDIT_MSG", messageId, message: "At noon" };
    await streamed(views, edited, "message_edited", { event_id: event, preview: "At noon" });
  });

  test("a reply", async () => {
    const event = await alice.says(room, "Which pier?");
    const { messageId } = await said(event, native, "Which pier?");
    const { frame } = await said(await bob.replies(room, event, "The north pier"), derived, "The north pier", "REPLY");
    expect(frame.replyTo).toMatchObject({ messageId, senderId: native.id, content: "Which pier?" });
  });

  test("a thread", async () => {
    const root = await alice.says(room, "The crew");
    await said(root, native, "The crew");
    const { projection, frame } = await said(await bob.threads(room, root, "Five of us"), derived, "Five of us");
    expect(projection.thread_metadata).toStrictEqual({ is_thread_reply: true, thread_root_event_id: root });
    expect(frame).toMatchObject({ threadRootEventId: root });
    const path = `/core/api/v1/messages?conversation_id=${views.chatId}&thread_root_event_id=${encodeURIComponent(root)}`;
    const thread = jsonOf(await native.asks("GET", path)) as { data: Fields[] };
    expect(thread.data.map(({ id }) => id)).toStrictEqual([projection.id]);
  });

  test("a reaction, and its redaction", async () => {
    const event = await alice.says(room, "We sail");
    const { messageId } = await said(event, native, "We sail");
    const reaction = await bob.reacts(room, event, "⛵");
    const added = { event_id: event, sender_user_id: derived.id };
    const match = { senderId: derived.id, parentMessageId: messageId };
    const frame = await streamed(views, { type: "REACT", ...match, message: "⛵" }, "reaction_added", added);
    const reactions = async () =>
      (await native.history(views.chatId)).find((m) => m.messageId === messageId)?.reactions;
    expect(await reactions()).toMatchObject([{ reactionId: frame.messageId, senderId: derived.id, reaction: "⛵" }]);
    await bob.redacts(room, reaction);
    await streamed(views, { type: "DELETE_REACT", ...match }, "reaction_removed", added);
    expect(await reactions()).toStrictEqual([]);
  });

  test("a redaction", async () => {
    const event = await bob.says(room, "A secret");
    const { messageId } = await said(event, derived, "A secret");
    await bob.redacts(room, event);
    await projected(views, event, { preview: "" });
    await streamed(views, { type: "DELETE_MSG", messageId }, "message_deleted", { event_id: event });
  });

  test("a receipt; a private one reaches only its own user", async () => {
    const first = await alice.says(room, "Read this");
    const second = await alice.says(room, "And this in private");
    const { messageId } = await said(first, native, "Read this");
    await said(second, native, "And this in private");
    await bob.reads(room, first);
    const receipt = { user_id: derived.id, event_id: first };
    await views.stream.receives("receipt", receipt, WAY_MS);
    await views.socket.receives({ type: "READ_MSG", senderId: derived.id, messageId }, WAY_MS);
    await bob.reads(room, second, "m.read.private");
    const unread = async () => (await derived.rooms()).data.find(({ id }) => id === views.chatId)?.unread_count;
    await until(
      async () => (await unread()) === 0,
      WAY_MS,
      async () => `${await unread()} unread`,
    );
    const bobs = (await receiptsOf(native, views.chatId)).filter(({ user_id }) => user_id === derived.id);
    expect(bobs).toMatchObject([{ last_read_event_id: first }]);
    expect(views.stream.of("receipt")).not.toContainEqual(expect.objectContaining({ event_id: second }));
  });

  test("typing, until Matrix ends it", async () => {
    await bob.types(room, true);
    await views.socket.receives({ type: "TYPING", chatId: views.chatId, senderId: derived.id }, WAY_MS);
    await views.stream.receives("typing", { user_id: derived.id, typing: true }, WAY_MS);
    await bob.types(room, false);
    await views.socket.receives({ type: "STOP_TYPING", chatId: views.chatId, senderId: derived.id }, WAY_MS);
    await views.stream.receives("typing", { user_id: derived.id, typing: false }, WAY_MS);
  });

  test("joins and leaves, which only Matrix decides", async () => {
    const carol = await stage.synapse.register("carol");
    const carols = await stage.mapped(carol);
    await carol.joins(room);
    await streamed(views, { type: "USER_JOIN", message: carols.id }, "member_joined", { user_id: carols.id });
    await carol.leaves(room);
    await streamed(views, { type: "USER_LEAVE", senderId: carols.id }, "member_left", { user_id: carols.id });
    const service = await stage.world.service();
    const path = `/v1/rooms/${views.chatId}/members/${carols.id}`;
    expectProblem(await service.asks("PUT", path, {}), "conflict");
    expectProblem(await service.asks("DELETE", `/v1/rooms/${views.chatId}/members/${derived.id}`), "conflict");
  });

  test("a new name of the room", async () => {
    await alice.renames(room, "Harbour office");
    await until(
      async () => (await native.rooms()).data.some(({ name }) => name === "Harbour office"),
      WAY_MS,
      () => "the name is the old one",
    );
  });
});

/** Matches Alice's events in Matrix with this type and these fields of the content. */
const isHers = (type: string, fields: Fields) => (event: MatrixEvent) =>
  event.type === type &&
  event.sender === alice.userId &&
  Object.entries(fields).every(([name, value]) => event.content[name] === value);

describe("a native action appears in Matrix as its user's", () => {
  /** Sends as Alice; resolves with the native event and that of Matrix. */
  async function sends(message: string, more: Fields = {}) {
    const event = await native.says(views.chatId, message, more);
    return { event, inMatrix: await bob.sees(room, isHers("m.room.message", { body: message })) };
  }

  test("a message, once, with answer and echo in any order, and after repeats", async () => {
    const clientMessageId = randomUUID();
    const { event, inMatrix } = await sends("From here", { clientMessageId });
    expect(inMatrix.content["dev.signalbox.client_message_id"]).toBe(clientMessageId);
    expect(event).toMatchObject({ type: "SEND_MSG", senderId: native.id, clientMessageId, eventId: inMatrix.event_id });
    expect(await native.says(views.chatId, "From here", { clientMessageId })).toStrictEqual(event);
    await said(inMatrix.event_id, native, "From here");
    await agrees(views, bob);
  });

  test("a reply", async () => {
    const question = await said(await bob.says(room, "When?"), derived, "When?");
    const { chatId } = views;
    await native.acts({ type: "REPLY", chatId, messageId: question.messageId, message: "Now" });
    const { content } = await bob.sees(room, isHers("m.room.message", { body: "Now" }));
    const target = { event_id: question.projection.matrix_event_id };
    expect(content["m.relates_to"]).toMatchObject({ "m.in_reply_to": target });
  });

  test("an edit", async () => {
    const { event, inMatrix } = await sends("Now or never");
    await native.acts({ type: "EDIT_MSG", chatId: views.chatId, messageId: event.messageId, message: "Now" });
    await bob.sees(room, ({ sender, content }) => {
      const { rel_type, event_id } = (content["m.relates_to"] ?? {}) as Fields;
      const text = content["m.new_content"] as Fields | undefined;
      return (
        sender === alice.userId && rel_type === "m.replace" && event_id === inMatrix.event_id && text?.body === "Now"
      );
    });
    await projected(views, inMatrix.event_id, { preview: "Now" });
  });

  test("a reaction, and its end", async () => {
    const event = await bob.says(room, "All aboard");
    const { messageId } = await said(event, derived, "All aboard");
    const action = { type: "REACT", chatId: views.chatId, messageId, reaction: "👍" };
    const reaction = await native.acts(action);
    expect(await native.acts(action)).toMatchObject({ messageId: reaction.messageId });
    const inMatrix = await bob.sees(room, ({ type, sender, content }) => {
      const relation = content["m.relates_to"] as Fields | undefined;
      return type === "m.reaction" && sender === alice.userId && relation?.event_id === event && relation.key === "👍";
    });
    await native.acts({ type: "DELETE_REACT", reactionId: reaction.messageId });
    await bob.sees(room, isHers("m.room.redaction", { redacts: inMatrix.event_id }));
    await views.socket.receives({ type: "DELETE_REACT", messageId: reaction.messageId }, WAY_MS);
  });

  test("a deletion", async () => {
    const { event, inMatrix } = await sends("Never mind");
    await native.acts({ type: "DELETE_MSG", chatId: views.chatId, messageId: event.messageId });
    await bob.sees(room, isHers("m.room.redaction", { redacts: inMatrix.event_id }));
    await projected(views, inMatrix.event_id, { preview: "" });
  });

  test("reading and typing", async () => {
    const event = await bob.says(room, "Read this, Alice");
    const { messageId } = await said(event, derived, "Read this, Alice");
    await native.acts({ type: "READ_MSG", chatId: views.chatId, messageId });
    const item = (type: string, text: string) =>
      bob.awaits(room, ({ ephemeral }) =>
        ephemeral.find((each) => each.type === type && JSON.stringify(each.content).includes(text)),
      );
    expect((await item("m.receipt", alice.userId)).content).toMatchObject({
      [event]: { "m.read": { [alice.userId]: {} } },
    });
    // Repeated until Matrix is read in time: typing ends by itself after four seconds.
    let typing = true;
    const keepsTyping = (async () => {
      while (typing) await native.acts({ type: "TYPING", chatId: views.chatId });
    })();
    await item("m.typing", alice.userId).finally(() => {
      typing = false;
    });
    await keepsTyping;
  });

  test("unless it comes through a gateway, which has no token of the homeserver", async () => {
    const answer = await views.socket.asks({ type: "SEND_MSG", chatId: views.chatId, message: "By socket" }, WAY_MS);
    expect(answer).toMatchObject({ type: "ERROR", code: "unavailable" });
  });

  test("unless Matrix refuses: 403", async () => {
    const dora = await stage.synapse.register("dora");
    const service = await stage.mapped(dora, { roles: ["service"] });
    const answer = await service.posts({ type: "SEND_MSG", chatId: views.chatId, message: "I am not in the room" });
    expectProblem(answer, "forbidden");
  });
});

describe("nothing is lost or doubled", () => {
  const sends = (message: string, clientMessageId: string) =>
    native.posts({ type: "SEND_MSG", chatId: views.chatId, message, clientMessageId });

  /** Repeats a send until it is taken. */
  async function insists(message: string, clientMessageId: string): Promise<void> {
    let last = "";
    await until(
      async () => {
        const answer = await sends(message, clientMessageId).catch((error: unknown) => String(error));
        last = typeof answer === "string" ? answer : `${answer.status} ${answer.text}`;
        return typeof answer !== "string" && answer.status === 200;
      },
      WAY_MS,
      () => stage.lastWords(last),
    );
  }

  test("when Synapse is killed and comes back", async () => {
    await insists("Before the storm", randomUUID());
    await said(await bob.says(room, "Clouds"), derived, "Clouds");
    await stage.synapse.kill();
    const clientMessageId = randomUUID();
    expect((await sends("In the storm", clientMessageId)).status).toBe(503);
    expect((await sends("In the storm", clientMessageId)).status).toBe(503);
    await stage.synapse.start();
    await insists("In the storm", clientMessageId);
    await insists("After the storm", randomUUID());
    await bob.says(room, "Blue sky");
    await agrees(views, bob);
    const bodies = (await bob.allEvents(room)).map(({ content }) => content.body);
    expect(bodies.filter((body) => body === "In the storm")).toHaveLength(1);
  });

  test("when the API node is killed and comes back", async () => {
    const kept = await bob.says(room, "Before the fire");
    await said(kept, derived, "Before the fire");
    const clientMessageId = randomUUID();
    // Its answer is lost, and its progress unknown.
    const lost = sends("In the fire", clientMessageId).catch(() => undefined);
    await stage.api.kill();
    await lost;
    const during = await alice.says(room, "In the smoke");
    await bob.edits(room, kept, "Long before the fire");
    const gone = await bob.says(room, "Ashes");
    await bob.redacts(room, gone);
    await stage.startApi();
    await insists("In the fire", clientMessageId);
    await bob.says(room, "After the fire");
    await agrees(views, bob);
    await projected(views, kept, { preview: "Long before the fire" });
    await projected(views, gone, { preview: "" });
    await projected(views, during, { preview: "In the smoke" });
    const bodies = (await bob.allEvents(room)).map(({ content }) => content.body);
    expect(bodies.filter((body) => body === "In the fire")).toHaveLength(1);
  });

  test(
    "when both are killed with something undelivered between them",
    async () => {
      await stage.api.kill();
      const last = await bob.says(room, "Still on its way");
      await stage.synapse.owes(last);
      await stage.synapse.kill();
      await Promise.all([stage.synapse.start(), stage.startApi()]);
      // A restarted Synapse retries its transactions with the next event that it has to push, not before.
      await bob.says(room, "Is it there?");
      await agrees(views, bob);
      await projected(views, last, { preview: "Still on its way" });
    },
    RECOVERY_MS * 2,
  );
});

describe("a rebuild into an empty database", () => {
  test("gives the same projections and the same history, ids included", async () => {
    // The bridge's user reads the history and must be in the room: an empty database has no member to read it as.
    await (await stage.bridgeUser()).joins(room);
    const live = await looksOf(native, views.chatId);
    expect(await looksRebuilt(stage, { ...views, mapped: alice })).toStrictEqual(live);
  }, 300_000);
});
