/** CONTRACT sections 2 and 5: the event stream of a conversation, read by a standard EventSource. */
import { describe, expect, test } from "vitest";
import { cursorOf } from "../../../support/cursors.ts";
import { ask, expectProblem } from "../../../support/http.ts";
import { range, times } from "../../../support/lists.ts";
import { conversation, matrixId } from "../../../support/queries.ts";
import { ORIGIN, type Person, type World } from "../../../support/world.ts";
import { NOTHING } from "../../support/shapes.ts";

export function streams(world: World): void {
  describe("a stream", () => {
    opening(world);
    events(world);
  });
  describe("a page of another origin", () => crossOrigin(world));
}

function opening(world: World): void {
  test("has its headers, begins with the retry time, and has no earlier events", async () => {
    const { alice, bob, chatId } = await world.chat();
    await alice.says(chatId, "before");
    const stream = await bob.streams(chatId, 1);
    const { headers } = stream.requests[0]!;
    expect(headers.get("content-type")).toMatch(/^text\/event-stream(;|$)/);
    expect(headers.get("cache-control")).toBe("no-cache");
    expect(headers.get("x-accel-buffering")).toBe("no");
    await alice.says(chatId, "live");
    await stream.reaches(3);
    expect(stream.text).toMatch(/^retry: ?\d+\n/);
    expect(stream.ids).toEqual([3]);
    expect(stream.of("message")).toMatchObject([{ preview: "live" }]);
  });

  test("takes the room's id with room-, and a service's token for any room", async () => {
    const { alice, bob, chatId } = await world.chat();
    const service = await world.service();
    const streams = await Promise.all([bob.streams(`room-${chatId}`, 0), service.streams(chatId, 1)]);
    const { messageId } = await alice.says(chatId, "for both");
    for (const stream of streams) await stream.receives("message", { id: `msg-${messageId}` });
  });

  test("is refused to outsiders as that of an unknown room, and without a token", async () => {
    const { alice, bob, carol, chatId } = await world.chat();
    await alice.removes(chatId, bob);
    const answers = await Promise.all(
      [carol, bob].flatMap(({ token }) =>
        [chatId, NOTHING].map((room) =>
          ask(world.streamOf(room, 1), { token, headers: { accept: "text/event-stream" } }),
        ),
      ),
    );
    for (const answer of answers) {
      expectProblem(answer, "not_found");
      expect(answer.text).toBe(answers[0]!.text);
    }
    expectProblem(await ask(world.streamOf("nowhere"), { token: alice.token }), "not_found");
    expectProblem(await ask(world.streamOf(chatId)), "unauthenticated");
    expectProblem(await ask(world.streamOf(chatId), { token: "nonsense" }), "unauthenticated");
    expectProblem(await ask(`${world.streamOf(chatId)}?token=${alice.token}`), "unauthenticated");
    const refused = await world.opensStream(chatId, 0, { token: carol.token });
    await refused.over;
    expect(refused.requests.map(({ status }) => status)).toEqual([404]);
  });
}

function events(world: World): void {
  test("has every durable event once, with its cursor as its id, and ids on no other event", async () => {
    const { alice, bob, carol, chatId } = await world.chat();
    const [stream, socket] = await Promise.all([bob.streams(chatId, 1), bob.connects(0)]);
    const { messageId, timeStamp } = await alice.says(chatId, "Hello!\nSecond line");
    const edit = await alice.acts({ type: "EDIT_MSG", chatId, messageId, message: "Hello again!" });
    const reply = await bob.acts({ type: "REPLY", chatId, messageId, message: "Hi" });
    const reaction = await bob.acts({ type: "REACT", chatId, messageId, reaction: "\u{1f44d}" });
    await bob.acts({ type: "DELETE_REACT", reactionId: reaction.messageId });
    await alice.acts({ type: "DELETE_MSG", chatId, messageId });
    await alice.adds(chatId, carol);
    await alice.asks("PATCH", `/v1/rooms/${chatId}`, { name: "Another name" });
    await alice.removes(chatId, carol);
    await alice.acts({ type: "TYPING", chatId });
    await bob.acts({ type: "READ_MSG", chatId, messageId: reply.messageId });
    await stream.receives("typing");
    await stream.receives("receipt");
    await alice.asks("DELETE", `/v1/rooms/${chatId}`);
    await stream.receives("conversation_deleted");

    const message = {
      id: `msg-${messageId}`,
      event_id: matrixId(messageId),
      sender_user_id: alice.id,
      message_type: "m.text",
      preview: "Hello! Second line",
      sent_at: timeStamp,
      has_attachment: false,
      is_encrypted: false,
      thread_metadata: null,
    };
    expect(stream.of("message")[0]).toStrictEqual(message);
    expect(stream.of("message")[1]).toMatchObject({
      id: `msg-${reply.messageId}`,
      sender_user_id: bob.id,
      preview: "Hi",
    });
    expect(stream.of("message_edited")).toMatchObject([{ id: `msg-${messageId}`, preview: "Hello again!" }]);
    expect(JSON.stringify(stream.of("message_edited"))).toContain(edit.editedAt);
    expect(stream.of("message_deleted")).toMatchObject([{ id: `msg-${messageId}` }]);
    expect(JSON.stringify(stream.of("reaction_added"))).toContain("\u{1f44d}");
    for (const type of ["reaction_added", "reaction_removed"] as const)
      expect(JSON.stringify(stream.of(type))).toContain(reaction.messageId);
    expect(stream.of("member_joined")).toMatchObject([{ user_id: carol.id }]);
    expect(stream.of("member_left")).toMatchObject([{ user_id: carol.id }]);

    expect(stream.ids).toEqual(range(2, 11));
    await socket.receives({ type: "DELETE_CHAT" });
    expect(stream.cursors).toEqual(socket.events(chatId).map(cursorOf));
    const durable = /^(message|reaction|member|conversation)/;
    const blocks = stream.text.split("\n\n").filter((block) => /^event:/m.test(block));
    for (const block of blocks) expect(/^id:/m.test(block)).toBe(durable.test(/^event: ?(.*)$/m.exec(block)![1]!));
    expect(stream.events.map(({ type }) => type).filter((type) => durable.test(type))).toEqual([
      "message",
      "message_edited",
      "message",
      "reaction_added",
      "reaction_removed",
      "message_deleted",
      "member_joined",
      "conversation_updated",
      "member_left",
      "conversation_deleted",
    ]);
  });

  test("has a preview of one line and at most 200 characters, for any text", async () => {
    const { alice, bob, chatId } = await world.chat();
    const stream = await bob.streams(chatId, 0);
    for (const [text, preview] of [
      ["a\r\nb\n\n  c\td", "a b c d"],
      ["data: x\n\nevent: reset\ndata: {}", "data: x event: reset data: {}"],
      ["l".repeat(1000), "l".repeat(200)],
      ['\u{1f600} "quoted" \u2028 ü', '\u{1f600} "quoted" ü'],
    ] as const) {
      const { messageId } = await alice.says(chatId, text);
      expect((await stream.receives("message", { id: `msg-${messageId}` })).preview).toBe(preview);
    }
    expect(stream.of("reset")).toEqual([]);
  });

  test("has the events of one room only", async () => {
    const { alice, bob, chatId } = await world.chat();
    const other = await alice.makesRoom(bob);
    const stream = await bob.streams(chatId, 1);
    const elsewhere = await alice.says(other, "elsewhere", { mentions: [bob.id] });
    await alice.acts({ type: "TYPING", chatId: other });
    await bob.acts({ type: "READ_MSG", chatId: other, messageId: elsewhere.messageId });
    await alice.acts({ type: "TYPING", chatId });
    await alice.says(chatId, "here");
    await stream.receives("notification");
    expect(stream.of("message")).toMatchObject([{ preview: "here" }]);
    expect(stream.of("notification")).toHaveLength(1);
    expect(stream.of("receipt")).toEqual([]);
    expect(stream.text).not.toContain(elsewhere.messageId);
  });

  test("under load has consecutive ids, from all authors", async () => {
    const { alice, bob, chatId } = await world.chat();
    const streams = await Promise.all([bob.streams(chatId, 0), bob.streams(chatId, 1)]);
    await Promise.all([times(40, () => alice.says(chatId, "alice's")), times(40, () => bob.says(chatId, "bob's"))]);
    for (const stream of streams) {
      await stream.reaches(81);
      expect(stream.ids).toEqual(range(2, 81));
    }
  });
}

function crossOrigin(world: World): void {
  const opened = async (person: Person, chatId: string, origin: string) =>
    (await world.opensStream(chatId, 1, { token: person.token, headers: { origin } })).requests[0]!;

  test("that is allowed may read every answer, with a token or a cursor in a header", async () => {
    const { bob, carol, chatId } = await world.chat();
    for (const reader of [bob, carol]) {
      const { status, headers } = await opened(reader, chatId, ORIGIN);
      expect(status).toBe(reader === bob ? 200 : 404);
      expect(headers.get("access-control-allow-origin")).toBe(ORIGIN);
      expect(headers.get("vary")?.toLowerCase()).toContain("origin");
    }
    const wanted = ["authorization", "last-event-id"];
    const preflight = await ask(world.streamOf(chatId, 0), {
      method: "OPTIONS",
      headers: {
        origin: ORIGIN,
        "access-control-request-method": "GET",
        "access-control-request-headers": wanted.join(","),
      },
    });
    expect([200, 204]).toContain(preflight.status);
    expect(preflight.headers.get("access-control-allow-origin")).toBe(ORIGIN);
    for (const name of wanted)
      expect(preflight.headers.get("access-control-allow-headers")?.toLowerCase()).toContain(name);
    const snapshot = await bob.asks("GET", `${conversation(chatId)}/signals/snapshot`, undefined, { origin: ORIGIN });
    expect(snapshot.headers.get("access-control-allow-origin")).toBe(ORIGIN);
  });

  test.each(["https://evil.example.org", "null", "http://chat.example.org"])("%s may not read it", async (origin) => {
    const { bob, chatId } = await world.chat();
    const { headers } = await opened(bob, chatId, origin);
    expect(headers.get("access-control-allow-origin")).toBeNull();
  });
}
