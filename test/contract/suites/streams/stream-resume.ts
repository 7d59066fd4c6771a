/** CONTRACT sections 2 and 5: the resume and the end of an event stream. */
import { describe, expect, test } from "vitest";
import { cursorOf, seqIn } from "../../../support/cursors.ts";
import { ask, expectProblem } from "../../../support/http.ts";
import { range, times } from "../../../support/lists.ts";
import { matrixId, snapshotOf, stateOf } from "../../../support/queries.ts";
import type { World } from "../../../support/world.ts";

export function streamResume(world: World): void {
  describe("a resumed stream", () => {
    test("from Last-Event-ID, by header or query, has exactly the later events, as they were sent first", async () => {
      const { alice, bob, chatId } = await world.chat();
      const witness = await bob.streams(chatId, 0);
      for (let index = 0; index < 8; index++) await alice.says(chatId, `message ${index}`);
      await witness.reaches(9);
      for (const [from, tune] of [
        [4, { headers: { "last-event-id": "4" } }],
        [4, { query: "?last_event_id=4" }],
        [0, { query: "?last_event_id=0" }],
        [9, { headers: { "last-event-id": "9" } }],
        // An EventSource reconnects with the URL of its page, and its cursor in the header.
        [6, { headers: { "last-event-id": "6" }, query: "?last_event_id=2" }],
      ] as const) {
        const stream = await world.opensStream(chatId, 1, { token: bob.token, ...tune });
        await alice.acts({ type: "TYPING", chatId });
        await stream.receives("typing");
        expect(stream.ids).toEqual(range(from + 1, 9));
        const expected = witness.of("message").slice(Math.max(0, from - 1));
        expect(stream.of("message")).toEqual(expected);
        stream.close();
        await alice.acts({ type: "STOP_TYPING", chatId });
      }
    });

    test("from a snapshot's cursor under load has all events that the snapshot lacks", async () => {
      const { alice, bob, chatId } = await world.chat();
      const sending = times(60, (index) => alice.says(chatId, `message ${index}`));
      const taken = await times(4, async (index) => {
        const { cursor } = index % 2 === 0 ? await snapshotOf(bob, chatId) : await stateOf(bob, chatId);
        return {
          cursor: seqIn(cursor),
          stream: await bob.streams(chatId, index % 2 === 0 ? 0 : 1, `?last_event_id=${cursor}`),
        };
      });
      await sending;
      const history = (await bob.history(chatId, "?limit=100")).map(({ messageId, seq }) => ({
        seq,
        id: `msg-${messageId}`,
      }));
      for (const { cursor, stream } of taken) {
        if (cursor < 61) await stream.reaches(61);
        expect(stream.ids).toEqual(range(cursor + 1, 61));
        const held = history.filter(({ seq }) => seq <= cursor).map(({ id }) => id);
        const streamed = stream.of("message").map(({ id }) => id);
        expect([...held.reverse(), ...streamed]).toEqual(history.map(({ id }) => id).reverse());
      }
    });

    test("has the receipts that changed since", async () => {
      const { alice, bob, chatId } = await world.chat();
      const { messageId, seq } = await alice.says(chatId, "read this");
      await bob.acts({ type: "READ_MSG", chatId, messageId });
      const stream = await alice.streams(chatId, 1, `?last_event_id=${seq - 1}`);
      await stream.receives("receipt", { user_id: bob.id, event_id: matrixId(messageId) });
    });

    test("from before the kept events, or from beyond the end, gets a reset, and is live", async () => {
      const { alice, bob, chatId } = await world.chat();
      const sent = await times(9, (index) => alice.says(chatId, `message ${index}`));
      await world.sql`delete from events where room_id = ${chatId} and seq <= 5`;
      const streams = await Promise.all([2, 1000].map((from) => bob.streams(chatId, 1, `?last_event_id=${from}`)));
      const cursor = cursorOf(sent.find(({ seq }) => seq === 10)!);
      for (const stream of streams) expect(await stream.receives("reset")).toStrictEqual({ reason: "too_old", cursor });
      const live = await alice.says(chatId, "live");
      for (const stream of streams) {
        await stream.receives("message", { id: `msg-${live.messageId}` });
        expect(stream.of("reset")).toHaveLength(1);
        expect(stream.of("message")).toHaveLength(1);
        // A resume from here misses nothing.
        expect(stream.cursors.at(-1)).toBe(cursorOf(live));
        expect(live.seq).toBe(11);
      }
    });

    test.each([
      "x",
      "-1",
      "1.5",
      "1e3",
      "0x1",
      " ",
      "99999999999999999999",
      "1,2",
      "null",
      "1-",
      "1-4f1d09c",
      "1-4f1d09c2-",
      "1-4F1D09C2",
      "1-80000000",
    ])("from %j is invalid, by header and by query", async (from) => {
      const { bob, chatId } = await world.chat();
      const { token } = bob;
      const byQuery = `${world.streamOf(chatId, 1)}?last_event_id=${encodeURIComponent(from)}`;
      expectProblem(await ask(byQuery, { token }), "invalid");
      // White space is no part of a header's value.
      if (from.trim() !== "")
        expectProblem(await ask(world.streamOf(chatId), { token, headers: { "last-event-id": from } }), "invalid");
    });
  });
}

/** Ends after which an EventSource reconnects first, after the stream's retry time. The tests run beside each other. */
export function streamEndOverTime(world: World): void {
  test.concurrent("the stream of a removed member ends with member_left, with nothing after it, and the EventSource gives up", async () => {
    const { alice, bob, chatId } = await world.chat();
    const streams = await Promise.all([bob.streams(chatId, 0), bob.streams(chatId, 1)]);
    const sending = times(30, (index) => alice.says(chatId, `message ${index}`));
    await Promise.all([sending, alice.removes(chatId, bob)]);
    await alice.acts({ type: "TYPING", chatId });
    await alice.says(chatId, "not for bob");
    for (const stream of streams) {
      await stream.receives("member_left", { user_id: bob.id });
      await stream.over;
      const types = stream.events.map(({ type }) => type).filter((type) => /^(message|member)/.test(type));
      expect(types.at(-1)).toBe("member_left");
      expect(stream.ids).toEqual(range(2, stream.ids.at(-1)!));
      expect(stream.of("typing")).toEqual([]);
      expect(stream.text).not.toContain("not for bob");
      expect(stream.requests.map(({ status }) => status)).toEqual([200, 404]);
      expect(stream.requests[1]?.from).toBe(stream.cursors.at(-1));
    }
  });

  test.concurrent("the stream of a deleted room ends with conversation_deleted", async () => {
    const { alice, bob, chatId } = await world.chat();
    const stream = await bob.streams(chatId, 1);
    await alice.asks("DELETE", `/v1/rooms/${chatId}`);
    await stream.receives("conversation_deleted");
    await stream.over;
    expect(stream.requests.map(({ status }) => status)).toEqual([200, 404]);
  });

  test.concurrent("the stream of a revoked user ends within a second, for good", async () => {
    const [service, { alice, bob, chatId }] = [await world.service(), await world.chat()];
    const [stream, others] = [await bob.streams(chatId, 0), await alice.streams(chatId, 0)];
    const since = Date.now();
    expect((await service.asks("POST", `/v1/users/${bob.id}/revoke`)).status).toBe(200);
    expect((await stream.ended) - since).toBeLessThan(1000);
    await stream.over;
    expect(stream.requests.at(-1)?.status).toBe(401);
    const { messageId } = await alice.says(chatId, "still here");
    await others.receives("message", { id: `msg-${messageId}` });
  });
}
