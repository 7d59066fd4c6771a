import { afterEach, describe, expect, test, vi } from "vitest";
import { closeGateways, eventually } from "./gateway.fake.ts";
import { openStreams } from "./reader.fake.ts";

afterEach(closeGateways);

const user = (userId: string) => ({ userId, service: false });

/** The seq in the id of a durable event. */
const seqIn = (id: string | undefined): string | undefined => /^(\d+)-[0-9a-f]{8}$/.exec(id ?? "")?.[1];

describe("a stream", () => {
  test("begins with what happens from then on, and prints every durable event under its seq", async () => {
    const { roomOf, read, say, writer } = await openStreams();
    const chatId = await roomOf("ann", "ben");
    const reader = await read("ann", chatId);
    const { messageId } = JSON.parse(await say("ben", chatId, "one\ntwo"));
    const act = (action: object) => writer.act(user("ben"), { chatId, messageId, ...action } as never);
    const { messageId: reactionId } = JSON.parse(await act({ type: "REACT", reaction: "+1" }));
    await act({ type: "EDIT_MSG", message: "three" });
    await act({ type: "DELETE_REACT", reactionId });
    await act({ type: "REPLY", message: "four" });
    await act({ type: "DELETE_MSG" });
    await writer.putMember(user("ann"), chatId, "cleo", undefined).catch(() => undefined);
    await reader.receives("message_deleted");
    const durable = reader.events.filter(({ id }) => id !== undefined);
    expect(durable.slice(0, 6).map(({ id, event }) => `${seqIn(id)} ${event}`)).toEqual([
      "2 message",
      "3 reaction_added",
      "4 message_edited",
      "5 reaction_removed",
      "6 message",
      "7 message_deleted",
    ]);
    expect(durable[0]?.data).toMatchObject({ id: `msg-${messageId}`, sender_user_id: "ben", preview: "one two" });
    expect(durable[0]?.data.event_id).toMatch(/^\$[\w-]{22}:chat\.example\.org$/);
  });

  test("goes on behind Last-Event-ID, and the header counts for more than the query that its page began with", async () => {
    const { roomOf, read, say } = await openStreams();
    const chatId = await roomOf("ann");
    for (let count = 0; count < 5; count++) await say("ann", chatId);
    const readers = await Promise.all([
      read("ann", chatId, "?last_event_id=0"),
      read("ann", chatId, "", { "Last-Event-ID": "3" }),
      read("ann", chatId, "?last_event_id=1", { "Last-Event-ID": "5" }),
      read("ann", chatId, "?last_event_id=6"),
    ]);
    await say("ann", chatId);
    const ids = await Promise.all(
      readers.map((reader) =>
        eventually(() => {
          const seen = reader.events.flatMap(({ id }) => (id === undefined ? [] : seqIn(id)));
          expect(seen.at(-1)).toBe("7");
          return seen.join(" ");
        }),
      ),
    );
    expect(ids).toEqual(["1 2 3 4 5 6 7", "4 5 6 7", "6 7", "7"]);
    expect(readers[0]?.events[0]?.event).toBe("conversation_created");
  });

  test("says where it goes on when it cannot go on from where its reader was", async () => {
    const { roomOf, read, say, store } = await openStreams();
    const chatId = await roomOf("ann");
    for (let count = 0; count < 5; count++) await say("ann", chatId);
    store.forget(chatId, 4);
    const [late, early] = await Promise.all([
      read("ann", chatId, "?last_event_id=99"),
      read("ann", chatId, "?last_event_id=1"),
    ]);
    for (const reader of [late, early])
      expect(await reader.receives("reset")).toEqual({
        event: "reset",
        id: undefined,
        data: { reason: "too_old", cursor: expect.stringMatching(/^6-[0-9a-f]{8}$/) },
      });
    await say("ann", chatId);
    for (const reader of [late, early]) expect(seqIn((await reader.receives("message")).id)).toBe("7");
  });

  test("tells of its room and its user, and of nothing else", async () => {
    const { roomOf, read, say, writer } = await openStreams();
    const [chatId, other] = [await roomOf("ann", "ben"), await roomOf("ann", "ben")];
    const { messageId } = JSON.parse(await say("ben", chatId));
    const reader = await read("ann", chatId);
    const elsewhere = JSON.parse(await say("ben", other)).messageId;
    await writer.act(user("ben"), { type: "TYPING", chatId: other });
    await writer.act(user("ben"), { type: "READ_MSG", chatId: other, messageId: elsewhere });
    await writer.setMarker(user("ann"), chatId, messageId);
    await writer.act(user("ben"), { type: "TYPING", chatId });
    expect((await reader.receives("typing")).data).toEqual({ user_id: "ben", typing: true, expires_in_ms: 4000 });
    await writer.act(user("ben"), { type: "STOP_TYPING", chatId });
    expect((await reader.receives("typing", 2)).data).toEqual({ user_id: "ben", typing: false, expires_in_ms: 0 });
    await writer.act(user("ben"), { type: "READ_MSG", chatId, messageId });
    expect((await reader.receives("receipt")).data).toMatchObject({ user_id: "ben", read_at: expect.any(String) });
    await say("ben", chatId, "hello");
    expect((await reader.receives("notification")).data).toMatchObject({
      kind: "unread",
      unread_count: 2,
      mention_count: 0,
    });
    expect(
      [reader.of("message"), reader.of("typing"), reader.of("receipt"), reader.of("notification")].map(
        ({ length }) => length,
      ),
    ).toEqual([1, 2, 1, 1]);
    expect(reader.events.filter(({ id, event }) => (id !== undefined) !== /message/.test(event))).toEqual([]);
  });

  test("counts as a session of its user, and others see the user in the three words of this surface", async () => {
    const { roomOf, read, deps } = await openStreams();
    const chatId = await roomOf("ann", "ben");
    const reader = await read("ann", chatId);
    await read("ben", chatId);
    const told = (status: string) =>
      eventually(() =>
        expect(
          reader
            .of("presence")
            .filter(({ data }) => data.user_id === "ben")
            .at(-1)?.data,
        ).toMatchObject({ status, last_active_at: expect.any(String) }),
      );
    await told("online");
    await deps.presence.choose("ben", "busy");
    await told("unavailable");
  });
});

describe("a stream ends", () => {
  test("behind its user's own leave and behind the room's end, and is not found from then on", async () => {
    const { roomOf, read, writer, ask, pathOf, authorization, gateway } = await openStreams();
    const chatId = await roomOf("ann", "ben", "cleo");
    const [ann, ben] = await Promise.all([read("ann", chatId), read("ben", chatId)]);
    const service = { userId: "service", service: true };
    await writer.removeMember(service, chatId, "cleo");
    await writer.removeMember(service, chatId, "ann");
    expect(await ann.ends()).toBe("end");
    expect(ann.events.at(-1)).toMatchObject({ event: "member_left", data: { user_id: "ann" } });
    expect(await ask(pathOf(chatId, "?last_event_id=3"), await authorization("ann")).problem()).toMatchObject({
      status: 404,
    });
    expect(ben.over).toBeUndefined();
    await writer.deleteRoom(service, chatId);
    expect(await ben.ends()).toBe("end");
    expect(ben.events.at(-1)).toMatchObject({ event: "conversation_deleted", id: expect.stringMatching(/^4-/) });
    expect(await ask(pathOf(chatId), await authorization("ben")).problem()).toMatchObject({ status: 404 });
    await eventually(() => expect(gateway.sessions()).toBe(0));
  });

  test("not behind a leave of which its user has come back", async () => {
    const { roomOf, read, say, writer } = await openStreams();
    const chatId = await roomOf("ann", "ben");
    const service = { userId: "service", service: true };
    await writer.removeMember(service, chatId, "ann");
    await writer.putMember(service, chatId, "ann", undefined);
    const reader = await read("ann", chatId, "?last_event_id=0");
    await reader.receives("member_joined");
    await say("ben", chatId);
    await reader.receives("message");
    expect(reader.over).toBeUndefined();
  });

  test("with its token, and with its revocation, as it should", async () => {
    const { ask, authorization, pathOf, read, roomOf, writer, metrics } = await openStreams();
    const chatId = await roomOf("ann", "ben");
    const brief = ask(pathOf(chatId), await authorization("ann", 3));
    expect(await brief.answered()).toMatchObject({ status: 200 });
    const reader = await read("ben", chatId);
    await writer.revoke("ben");
    expect(await Promise.all([brief.ends(), reader.ends()])).toEqual(["end", "end"]);
    const counted = async () => (await metrics.closed.get()).values.map(({ labels, value }) => [labels.code, value]);
    const both = [
      ["4401", 1],
      ["4409", 1],
    ];
    await vi.waitFor(async () => expect(await counted()).toEqual(expect.arrayContaining(both)), { timeout: 10_000 });
  });

  test("when its node stops: with a time to come back at, spread, and no new ones", async () => {
    const { ask, authorization, gateway, pathOf, read, roomOf } = await openStreams();
    const chatId = await roomOf("a", "b", "c");
    const readers = await Promise.all(["a", "b", "c"].map((userId) => read(userId, chatId)));
    const endedAt = readers.map(() => 0);
    const began = performance.now();
    for (const [index, reader] of readers.entries())
      reader.response?.on("end", () => (endedAt[index] = performance.now() - began));
    const drained = gateway.drain();
    expect(await ask(pathOf(chatId), await authorization("a")).problem()).toMatchObject({ status: 503 });
    await drained;
    expect(gateway.sessions()).toBe(0);
    expect(await Promise.all(readers.map((reader) => reader.ends()))).toEqual(["end", "end", "end"]);
    const waits = readers.map(({ blocks }) => Number(/^retry: (\d+)$/.exec(blocks.at(-1) ?? "")?.[1]));
    for (const wait of waits) expect(wait >= 500 && wait <= 5000).toBe(true);
    expect(new Set(waits).size).toBeGreaterThan(1);
    expect(Math.max(...endedAt) - Math.min(...endedAt)).toBeGreaterThan(2500);
  }, 15_000);

  test.each<["while its token is checked" | "while it enters", "users" | "headOf"]>([
    ["while its token is checked", "users"],
    ["while it enters", "headOf"],
  ])("%s, and gives its subscriber back", async (_, method) => {
    const { ask, authorization, gateway, hub, pathOf, roomOf, store } = await openStreams();
    const chatId = await roomOf("ann");
    let release: () => void = () => {};
    const held = new Promise<void>((resolve) => (release = resolve));
    store.underway = (called) => (called === method ? held : undefined);
    const leave = vi.spyOn(hub, "leave");
    const reader = ask(pathOf(chatId), await authorization("ann"));
    await eventually(() => expect(store.calls.get(method)).toBe(1));
    reader.request.destroy();
    await eventually(() => expect(gateway.sessions()).toBe(0));
    release();
    await eventually(() => expect(hub.counts()).toMatchObject({ users: 0, rooms: 0 }));
    expect(leave).toHaveBeenCalledTimes(1);
  });
});
