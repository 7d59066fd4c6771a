/** CONTRACT section 7: message projections, their lists and filters. */
import { describe, expect, test } from "vitest";
import { ask, expectProblem } from "../../../support/http.ts";
import { matrixId } from "../../../support/queries.ts";
import type { Person, World } from "../../../support/world.ts";
import { bridge } from "../../stages/bridged-room.ts";
import { FILE, messageKinds, URL_OF_FILE } from "../../stages/message-kinds.ts";
import { listed, MESSAGES, pageOf, previewsOf, projectionOf } from "../../support/projections.ts";
import { ANY_TIME, NOTHING } from "../../support/shapes.ts";

export function projections(world: World): void {
  describe("a message projection", () => oneProjection(world));
  describe("a list of message projections", () => {
    lists(world);
    filters(world);
    badInput(world);
  });
}

function oneProjection(world: World): void {
  test("has exactly the fields of the source document, and is found by every form of its id", async () => {
    const { alice, bob, chatId } = await world.chat();
    const { messageId, timeStamp } = await alice.says(chatId, "Hey team,\nthe deployment is ready for review.");
    const projection = {
      id: `msg-${messageId}`,
      matrix_event_id: matrixId(messageId),
      conversation_id: chatId,
      sender_user_id: alice.id,
      message_type: "m.text",
      preview: "Hey team, the deployment is ready for review.",
      sent_at: timeStamp,
      has_attachment: false,
      is_encrypted: false,
      file_metadata: null,
      thread_metadata: null,
    };
    for (const id of [`msg-${messageId}`, messageId, `evt-${messageId}`, matrixId(messageId)])
      expect(await projectionOf(bob, id)).toStrictEqual(projection);
    expect(await listed(bob, chatId)).toStrictEqual([projection]);
  });

  test("of a file in a thread has the file and the thread", async () => {
    const { alice, bob, room, chatId } = await bridge(world);
    const root = room.says(alice, "Hey team, the deployment is ready for review.");
    const thread = { "m.relates_to": { rel_type: "m.thread", event_id: root.event_id } };
    const file = { msgtype: "m.file", filename: "architecture-diagram.pdf", url: URL_OF_FILE, info: FILE, ...thread };
    const shared = room.says(bob, "Shared a file: architecture-diagram.pdf", file);
    await room.pushes([root, shared]);
    const projection = await projectionOf(alice, shared.event_id);
    expect(projection).toStrictEqual({
      id: expect.stringMatching(/^msg-[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f-]{21}$/),
      matrix_event_id: shared.event_id,
      conversation_id: chatId,
      sender_user_id: bob.id,
      message_type: "m.file",
      preview: "Shared a file: architecture-diagram.pdf",
      sent_at: new Date(shared.origin_server_ts).toISOString(),
      has_attachment: true,
      is_encrypted: false,
      file_metadata: {
        filename: "architecture-diagram.pdf",
        mime_type: "application/pdf",
        size: 2048576,
        mxc_uri: URL_OF_FILE,
      },
      thread_metadata: { is_thread_reply: true, thread_root_event_id: root.event_id },
    });
    expect(await projectionOf(bob, projection.id)).toStrictEqual(projection);
    expect((await projectionOf(bob, root.event_id)).thread_metadata).toBeNull();
  });

  test("has a preview of 200 characters on one line, of the newest text, empty when deleted", async () => {
    const { alice, chatId } = await world.chat();
    const { messageId } = await alice.says(chatId, `\u{1f600}  a\r\nb ${"l".repeat(300)}`);
    expect((await projectionOf(alice, messageId)).preview).toBe(`\u{1f600} a b ${"l".repeat(194)}`);
    await alice.acts({ type: "EDIT_MSG", chatId, messageId, message: "changed" });
    expect((await projectionOf(alice, messageId)).preview).toBe("changed");
    await alice.acts({ type: "DELETE_MSG", chatId, messageId });
    expect(await projectionOf(alice, messageId)).toMatchObject({ preview: "", message_type: "m.text" });
    expect(await previewsOf(alice, chatId)).toEqual([""]);
  });

  test("is not found by outsiders, or by an unknown id", async () => {
    const { alice, bob, carol, chatId } = await world.chat();
    const { messageId } = await alice.says(chatId, "secret");
    await alice.removes(chatId, bob);
    const unknown = await carol.asks("GET", `${MESSAGES}/${NOTHING}`);
    expectProblem(unknown, "not_found");
    for (const person of [bob, carol])
      for (const id of [messageId, `msg-${messageId}`, encodeURIComponent(matrixId(messageId)), "x", "$", "msg-"]) {
        const answer = await person.asks("GET", `${MESSAGES}/${id}`);
        expectProblem(answer, "not_found");
        expect(answer.text).toBe(unknown.text);
      }
    expectProblem(await ask(`${world.servers.api}${MESSAGES}/${messageId}`), "unauthenticated");
  });
}

function lists(world: World): void {
  test("is newest first, 50 by default, and at most 100", async () => {
    const { alice, room, chatId } = await bridge(world);
    await room.pushes(Array.from({ length: 120 }, (_, index) => room.says(alice, `message ${index}`)));
    const all = Array.from({ length: 120 }, (_, index) => `message ${119 - index}`);
    const texts = async (more: Record<string, string>) =>
      (await listed(alice, chatId, more)).map(({ preview }) => preview);
    expect(await texts({})).toEqual(all.slice(0, 50));
    expect(await texts({ limit: "20" })).toEqual(all.slice(0, 20));
    expect(await texts({ limit: "100" })).toEqual(all.slice(0, 100));
    const sent = (await listed(alice, chatId)).map(({ sent_at }) => String(sent_at));
    expect(sent).toEqual([...sent].sort().reverse());
    expect(sent[0]).toEqual(ANY_TIME);
  });

  test("without a conversation has those of all rooms of the caller, and of no other", async () => {
    const { alice, bob, carol, chatId } = await world.chat();
    const other = await alice.makesRoom();
    await alice.says(chatId, "to both");
    await alice.says(other, "to myself");
    await carol.says(await carol.makesRoom(), "to no other member");
    const texts = async (asker: Person) => (await pageOf(asker, {})).data.map(({ preview }) => preview);
    expect(await texts(alice)).toEqual(["to myself", "to both"]);
    expect(await texts(bob)).toEqual(["to both"]);
    expect(await texts(carol)).toEqual(["to no other member"]);
    await alice.removes(chatId, bob);
    expect(await texts(bob)).toEqual([]);
    await alice.asks("DELETE", `/v1/rooms/${other}`);
    expect(await texts(alice)).toEqual(["to both"]);
  });

  test("of a conversation is for its members and services, and not found by outsiders", async () => {
    const { alice, carol, chatId } = await world.chat();
    const service = await world.service();
    await alice.says(chatId, "hello");
    expect(await previewsOf(service, `room-${chatId}`)).toEqual(["hello"]);
    const answers = await Promise.all(
      [chatId, NOTHING].map((id) => carol.asks("GET", `${MESSAGES}?conversation_id=${id}`)),
    );
    for (const answer of answers) {
      expectProblem(answer, "not_found");
      expect(answer.text).toBe(answers[0]!.text);
    }
    expectProblem(await ask(`${world.servers.api}${MESSAGES}`), "unauthenticated");
  });
}

function filters(world: World): void {
  test("is filtered by each type", async () => {
    const { bob, chatId } = await messageKinds(world);
    for (const [message_type, previews] of [
      ["m.text", ["The deployment is ready for review", "Looks good, merging now"]],
      ["m.image", ["screen.png"]],
      ["m.file", ["plan.pdf"]],
      ["m.audio", ["voice.ogg"]],
      ["m.video", ["demo.mp4"]],
      ["m.notice", ["a notice"]],
      ["m.emote", ["waves"]],
      ["m.location", ["here"]],
      ["m.sticker", ["a sticker"]],
      ["m.room.encrypted", [null]],
    ] as const)
      expect(await previewsOf(bob, chatId, { message_type })).toEqual(previews);
  });

  test("is filtered by attachment and by sender", async () => {
    const { alice, bob, chatId } = await messageKinds(world);
    const files = await listed(bob, chatId, { has_attachment: "true" });
    expect(files.map(({ message_type }) => message_type).reverse()).toEqual([
      "m.image",
      "m.file",
      "m.audio",
      "m.video",
      "m.sticker",
    ]);
    expect(files.every(({ file_metadata }) => file_metadata !== null)).toBe(true);
    expect(await listed(bob, chatId, { has_attachment: "false" })).toHaveLength(6);
    expect(await listed(bob, chatId, { sender_user_id: alice.id })).toHaveLength(6);
    expect(await previewsOf(bob, chatId, { sender_user_id: bob.id, has_attachment: "false" })).toEqual([
      "Looks good, merging now",
    ]);
    expect(await listed(bob, chatId, { sender_user_id: "no-user" })).toEqual([]);
  });

  test("is filtered by thread, with the root's id in every form", async () => {
    const { bob, chatId } = await messageKinds(world);
    const [root] = await listed(bob, chatId, { q: "deployment" });
    const uuid = root!.id.slice("msg-".length);
    for (const thread_root_event_id of [root!.matrix_event_id, root!.id, uuid, `evt-${uuid}`, matrixId(uuid)])
      expect(await previewsOf(bob, chatId, { thread_root_event_id })).toEqual(["Looks good, merging now"]);
    for (const thread_root_event_id of ["$unknown", NOTHING])
      expect(await listed(bob, chatId, { thread_root_event_id })).toEqual([]);
  });

  test("is filtered by time", async () => {
    const { bob, chatId } = await messageKinds(world);
    const all = [...(await listed(bob, chatId))].reverse();
    const at = (index: number) => String(all[index]!.sent_at);
    const ids = async (more: Record<string, string>) => (await listed(bob, chatId, more)).map(({ id }) => id).reverse();
    expect(await ids({ sent_after: at(3) })).toEqual(all.slice(3).map(({ id }) => id));
    expect(await ids({ sent_before: at(3) })).toEqual(all.slice(0, 3).map(({ id }) => id));
    expect(await ids({ sent_after: at(2), sent_before: at(5) })).toEqual(all.slice(2, 5).map(({ id }) => id));
    expect(await ids({ sent_after: at(5), sent_before: at(2) })).toEqual([]);
  });

  test("is filtered by words of the present text", async () => {
    const { alice, bob, chatId } = await messageKinds(world);
    expect(await previewsOf(bob, chatId, { q: "DEPLOYMENT review" })).toEqual(["The deployment is ready for review"]);
    expect(await previewsOf(bob, chatId, { q: "merging" })).toEqual(["Looks good, merging now"]);
    for (const q of ["deployment merging", "absent", "' OR 1=1 --", ":*", "& | !", "%"])
      expect(await listed(bob, chatId, { q })).toEqual([]);
    const { messageId } = await alice.says(chatId, "a pelican");
    expect(await previewsOf(bob, chatId, { q: "pelican" })).toEqual(["a pelican"]);
    await alice.acts({ type: "EDIT_MSG", chatId, messageId, message: "a heron" });
    expect(await listed(bob, chatId, { q: "pelican" })).toEqual([]);
    expect(await previewsOf(bob, chatId, { q: "heron" })).toEqual(["a heron"]);
    await alice.acts({ type: "DELETE_MSG", chatId, messageId });
    expect(await listed(bob, chatId, { q: "heron" })).toEqual([]);
  });
}

function badInput(world: World): void {
  test.each<[string, readonly string[]]>([
    ["conversation_id", ["", "x", "room-", "$a"]],
    ["message_type", ["", "text", "m.reaction", "M.TEXT", "m.text,m.image"]],
    ["has_attachment", ["", "1", "yes", "TRUE"]],
    ["sender_user_id", ["", "a b", "u".repeat(129)]],
    ["thread_root_event_id", ["", "x", "$"]],
    ["sent_after", ["", "yesterday", "2026-02-24", "2026-13-01T00:00:00Z", "2026-02-24T14:35:00+01:00"]],
    ["sent_before", ["", "5", "2026-02-24T14:35:00"]],
    ["q", ["", "  ", "\u0000", "x".repeat(201)]],
    ["cursor", ["", "x", NOTHING, "x".repeat(1000)]],
    ["limit", ["", "0", "-1", "101", "1.5", "ten", "1e1"]],
  ])("is refused for an invalid %s, with the name of the field", async (field, values) => {
    const alice = await world.person();
    for (const value of values) {
      const answer = await alice.asks("GET", `${MESSAGES}?${new URLSearchParams({ [field]: value })}`);
      expect(expectProblem(answer, "invalid"), value).toMatchObject({ errors: [{ path: field }] });
    }
  });
}
