import type { Actor } from "@signalbox/core/model/actor";
import type { HistoryMessage } from "@signalbox/core/ports/store";
import { Problem } from "@signalbox/protocol/errors";
import type { Action } from "@signalbox/protocol/up";
import { describe, expect, it } from "vitest";
import { fakeApi, fakeMessage, MESSAGE, ROOM } from "../api.fake.ts";

const message: HistoryMessage = {
  ...fakeMessage({ seq: 7, clientMessageId: "c1", editSeq: 8, editedAt: new Date(1000) }),
  original: null,
  reactions: [
    {
      roomId: ROOM,
      messageId: MESSAGE,
      reactionId: "r1",
      senderId: "bob",
      reaction: "👍",
      seq: 9,
      sentAt: new Date(2000),
      removedSeq: null,
      eventId: null,
    },
  ],
};

describe("POST /api/chat", () => {
  it("hands the action to the writer, and answers with the event as it came", async () => {
    const acts: [Actor, Action][] = [];
    const event = Buffer.from('{"seq":1,"message":"grüße 👋"}').toString("latin1");
    const { call, metrics } = fakeApi({
      writer: {
        act: async (actor, action) => {
          acts.push([actor, action]);
          return event;
        },
      },
    });
    const response = await call("ada", "POST", "/api/chat", {
      type: "SEND_MSG",
      chatId: `room-${ROOM.toUpperCase()}`,
      message: "hi",
      extra: 1,
    });
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toBe("application/json; charset=utf-8");
    expect(await response.text()).toBe('{"data":{"seq":1,"message":"grüße 👋"}}');
    expect(acts).toEqual([
      [expect.objectContaining({ userId: "ada", service: false }), { type: "SEND_MSG", chatId: ROOM, message: "hi" }],
    ]);
    expect(await metrics.registry.metrics()).toContain('signalbox_actions_total{type="SEND_MSG",outcome="ok"} 1');
  });

  it("shows that its user is there, unless they stop typing", async () => {
    const { call, touched } = fakeApi({ writer: { act: async () => "{}" } });
    await call("ada", "POST", "/api/chat", { type: "STOP_TYPING", chatId: ROOM });
    expect(touched).toEqual([]);
    await call("ada", "POST", "/api/chat", { type: "TYPING", chatId: ROOM });
    expect(touched).toEqual(["ada"]);
  });

  it("tells the writer that its user appears offline", async () => {
    const actors: Actor[] = [];
    const { call } = fakeApi({
      writer: {
        act: async (actor) => {
          actors.push(actor);
          return "{}";
        },
      },
    });
    await call("hidden", "POST", "/api/chat", { type: "TYPING", chatId: ROOM });
    expect(actors).toMatchObject([{ userId: "hidden", hidden: true }]);
  });

  it("passes on what the writer refuses", async () => {
    const { call, metrics } = fakeApi({
      writer: { act: () => Promise.reject(new Problem("conflict", "the message is deleted")) },
    });
    const response = await call("ada", "POST", "/api/chat", {
      type: "DELETE_MSG",
      chatId: ROOM,
      messageId: `msg-${MESSAGE}`,
    });
    expect(response.status).toBe(409);
    expect(await metrics.registry.metrics()).toContain(
      'signalbox_actions_total{type="DELETE_MSG",outcome="conflict"} 1',
    );
  });

  it("refuses what is no action, and a room id of the wrong form, with 400", async () => {
    for (const action of [{}, { type: "SEND" }, { type: "TYPING", chatId: "room-5" }, [], null, "SEND_MSG"])
      expect((await fakeApi().call("ada", "POST", "/api/chat", action)).status).toBe(400);
  });

  it("asks the rate limit first", async () => {
    const { call } = fakeApi({
      rateLimit: { take: () => Promise.reject(new Problem("rate_limited", "too many", { retryAfterMs: 20 })) },
    });
    const response = await call("ada", "POST", "/api/chat", { type: "TYPING", chatId: ROOM });
    expect(response.status).toBe(429);
    expect(response.headers.get("retry-after")).toBe("1");
  });
});

describe("GET /api/chat/{chatId}/messages", () => {
  const membersOnly = {
    headOf: async (room: string, userId: string, service: boolean) =>
      userId === "ada" || (service && room === ROOM) ? { seq: 7, mark: 1, from: 0 } : null,
  };

  it("prints the fields of the contract", async () => {
    const { call } = fakeApi({ store: { ...membersOnly, history: async () => [message] } });
    const response = await call("ada", "GET", `/api/chat/${ROOM}/messages`);
    expect(await response.json()).toEqual({
      messages: [
        {
          messageId: MESSAGE,
          chatId: ROOM,
          senderId: "ada",
          content: "hello",
          timeStamp: "1970-01-01T00:00:00.000Z",
          edited: true,
          editedAt: "1970-01-01T00:00:01.000Z",
          seq: 7,
          replyTo: null,
          deleted: false,
          reactions: [{ reactionId: "r1", senderId: "bob", reaction: "👍", timeStamp: "1970-01-01T00:00:02.000Z" }],
        },
      ],
    });
  });

  it("prints what only messages of Matrix have, as their events do", async () => {
    const file = { filename: "a.pdf", mime_type: "application/pdf", size: 5, mxc_uri: "mxc://example.org/AbC" };
    const pushed = { ...message, type: "m.file", file, threadRoot: "$root", eventId: "$event" };
    const { call } = fakeApi({ store: { ...membersOnly, history: async () => [pushed, message] } });
    const { messages } = (await (await call("ada", "GET", `/api/chat/${ROOM}/messages`)).json()) as {
      messages: object[];
    };
    const more = { eventId: "$event", messageType: "m.file", file, threadRootEventId: "$root" };
    expect(messages[0]).toEqual({ ...messages[1], ...more });
  });

  it("finds a message by Matrix's id of it, in this room", async () => {
    const asked: unknown[][] = [];
    const { call } = fakeApi({
      store: {
        ...membersOnly,
        messageIds: async (...ask) => {
          asked.push(ask);
          return new Map([["$event", MESSAGE]]);
        },
        history: async (...read) => {
          asked.push(read);
          return [];
        },
      },
    });
    expect((await call("ada", "GET", `/api/chat/${ROOM}/messages?before=$event`)).status).toBe(200);
    expect(asked).toEqual([
      [ROOM, ["$event"]],
      [ROOM, 50, MESSAGE],
    ]);
    expect((await call("ada", "GET", `/api/chat/${ROOM}/messages?before=$other`)).status).toBe(404);
  });

  it("reads 50 from the end, or as many as asked for before a message in any form", async () => {
    const reads: unknown[] = [];
    const history = async (...read: unknown[]) => {
      reads.push(read);
      return [];
    };
    const { call } = fakeApi({ store: { ...membersOnly, history } });
    await call("ada", "GET", `/api/chat/${ROOM}/messages`);
    await call("ada", "GET", `/api/chat/room-${ROOM}/messages?limit=2&before=evt-${MESSAGE}`);
    expect(reads).toEqual([
      [ROOM, 50, null],
      [ROOM, 2, MESSAGE],
    ]);
  });

  it.each(["limit=0", "limit=101", "limit=x", "limit=", "before=5"])("refuses ?%s", async (query) => {
    const { call } = fakeApi({ store: membersOnly });
    expect((await call("ada", "GET", `/api/chat/${ROOM}/messages?${query}`)).status).toBe(400);
  });

  it("answers a stranger, an impossible room and a room that is not there byte for byte alike", async () => {
    const { call } = fakeApi({ store: membersOnly });
    const answers = await Promise.all([
      call("bob", "GET", `/api/chat/${ROOM}/messages`),
      call("bob", "GET", "/api/chat/nowhere/messages"),
      call("bob", "GET", `/api/chat/${ROOM.replace("1", "2")}/messages`),
    ]);
    expect(answers.map(({ status }) => status)).toEqual([404, 404, 404]);
    expect(new Set(await Promise.all(answers.map((answer) => answer.text()))).size).toBe(1);
  });

  it("shows a service every room that stands", async () => {
    const { call } = fakeApi({ store: { ...membersOnly, history: async () => [] } });
    expect((await call("service", "GET", `/api/chat/${ROOM}/messages`)).status).toBe(200);
    expect((await call("service", "GET", `/api/chat/${ROOM.replace("1", "2")}/messages`)).status).toBe(404);
  });
});
