import type { Projection, ProjectionFilter, Statistics } from "@signalbox/core/ports/store";
import { describe, expect, it } from "vitest";
import { fakeApi, fakeMessage, MESSAGE, ROOM } from "../../api.fake.ts";

const OWN_EVENT_ID = "$AZKhsgAAcACAAAAAAAAACg:your-sphere.example.com";
const FILE = {
  filename: "architecture-diagram.pdf",
  mime_type: "application/pdf",
  size: 2048576,
  mxc_uri: "mxc://your-sphere.example.com/AbCdEfGhIjKlMnOp",
};
const NO_FILTER = {
  roomId: null,
  type: null,
  hasFile: null,
  senderId: null,
  threadRoot: null,
  from: null,
  until: null,
  words: null,
  after: null,
};

/** The API over a store of these messages that notes what it was asked for. */
function listing(messages: readonly Projection[] = []) {
  const asked: { filter: ProjectionFilter; limit: number; userId: string; service: boolean }[] = [];
  const fake = fakeApi({
    store: {
      headOf: async (room, userId) => (room === ROOM && userId === "ada" ? { seq: 3, mark: 1, from: 0 } : null),
      projections: async (userId, service, filter, limit) => {
        asked.push({ userId, service, filter, limit });
        return messages.slice(0, limit);
      },
      projection: async (_user, _service, id) =>
        messages.find(({ messageId, eventId }) => messageId === id || eventId === id) ?? null,
    },
  });
  const list = (query: string, userId = "ada") => fake.call(userId, "GET", `/core/api/v1/messages?${query}`);
  return { ...fake, asked, list };
}

describe("a projection", () => {
  const printed = async (message: Partial<Projection>) => {
    const { call } = listing([fakeMessage(message)]);
    const { data } = (await (await call("ada", "GET", `/core/api/v1/messages/msg-${MESSAGE}`)).json()) as {
      data: object;
    };
    return data;
  };

  it("has the fields of the source document, in their order", async () => {
    const data = await printed({ content: "Hey team,\n the deployment is ready." });
    expect(data).toEqual({
      id: `msg-${MESSAGE}`,
      matrix_event_id: OWN_EVENT_ID,
      conversation_id: ROOM,
      sender_user_id: "ada",
      message_type: "m.text",
      preview: "Hey team, the deployment is ready.",
      sent_at: "1970-01-01T00:00:00.000Z",
      has_attachment: false,
      is_encrypted: false,
      file_metadata: null,
      thread_metadata: null,
    });
    expect(Object.keys(data).slice(0, 5)).toEqual([
      "id",
      "matrix_event_id",
      "conversation_id",
      "sender_user_id",
      "message_type",
    ]);
  });

  it("of Matrix has Matrix's event id, its file and its thread", async () => {
    expect(await printed({ eventId: "$e", type: "m.file", file: FILE, threadRoot: "$root" })).toMatchObject({
      matrix_event_id: "$e",
      message_type: "m.file",
      has_attachment: true,
      file_metadata: FILE,
      thread_metadata: { is_thread_reply: true, thread_root_event_id: "$root" },
    });
  });

  it("has no preview when it is encrypted, and an empty one when it is deleted", async () => {
    expect(await printed({ type: "m.room.encrypted", content: "" })).toMatchObject({
      is_encrypted: true,
      preview: null,
    });
    expect(await printed({ content: "", deletedAt: new Date(1) })).toMatchObject({ is_encrypted: false, preview: "" });
  });

  it("is found by every form of its id, and not by what is none", async () => {
    const { call } = listing([fakeMessage()]);
    const statusOf = async (id: string) => (await call("ada", "GET", `/core/api/v1/messages/${id}`)).status;
    for (const id of [MESSAGE, `msg-${MESSAGE}`, `evt-${MESSAGE}`, encodeURIComponent(OWN_EVENT_ID)])
      expect(await statusOf(id)).toBe(200);
    for (const id of ["5", "msg-5", "$unknown", MESSAGE.replace(/a$/, "b")]) expect(await statusOf(id)).toBe(404);
  });
});

describe("a list of projections", () => {
  it("asks for one more than 50, of all rooms, without any filter", async () => {
    const { list, asked } = listing();
    expect(await (await list("")).json()).toEqual({ data: [], next_cursor: null });
    expect(asked).toEqual([{ userId: "ada", service: false, filter: NO_FILTER, limit: 51 }]);
  });

  it("hands every filter to the store", async () => {
    const { list, asked } = listing();
    const query = new URLSearchParams({
      conversation_id: `room-${ROOM}`,
      message_type: "m.room.encrypted",
      has_attachment: "false",
      sender_user_id: "@bob:example.org",
      thread_root_event_id: "$root:example.org",
      sent_after: "2026-02-24T14:35:00Z",
      sent_before: "2026-02-25T00:00:00.5Z",
      q: "ready for review",
      limit: "100",
    });
    expect((await list(query.toString())).status).toBe(200);
    expect(asked[0]).toMatchObject({
      limit: 101,
      filter: {
        roomId: ROOM,
        type: "m.room.encrypted",
        hasFile: false,
        senderId: "@bob:example.org",
        threadRoot: "$root:example.org",
        from: new Date("2026-02-24T14:35:00Z"),
        until: new Date("2026-02-25T00:00:00.5Z"),
        words: "ready for review",
      },
    });
  });

  it("takes a thread's root by our id of it, too", async () => {
    const native = MESSAGE.replace(/a$/, "b");
    const { list, asked } = listing([fakeMessage({ eventId: "$root" }), fakeMessage({ messageId: native })]);
    for (const id of [MESSAGE, `msg-${MESSAGE}`, OWN_EVENT_ID, "$root", native, MESSAGE.replace(/a$/, "c")])
      await list(new URLSearchParams({ thread_root_event_id: id }).toString());
    const roots = asked.map(({ filter }) => filter.threadRoot);
    expect(roots.slice(0, 4)).toEqual(["$root", "$root", "$root", "$root"]);
    for (const root of roots.slice(4)) expect(root).toMatch(/^\$[\w-]{22}:your-sphere\.example\.com$/);
  });

  it("goes on from page to page until there is no more", async () => {
    const ids = ["d", "c", "b", "a"].map((last) => MESSAGE.replace(/a$/, last));
    const { call } = fakeApi({
      store: {
        projections: async (_user, _service, { after }, limit) =>
          ids
            .filter((id) => after === null || id < after)
            .slice(0, limit)
            .map((messageId) => fakeMessage({ messageId })),
      },
    });
    const seen: string[] = [];
    for (let query = "limit=2"; ; ) {
      const page = await (await call("ada", "GET", `/core/api/v1/messages?${query}`)).json();
      const { data, next_cursor } = page as { data: { id: string }[]; next_cursor: string | null };
      seen.push(...data.map(({ id }) => id));
      if (next_cursor === null) break;
      query = `limit=2&cursor=${next_cursor}`;
    }
    expect(seen).toEqual(ids.map((id) => `msg-${id}`));
  });

  it.each([
    ["conversation_id", "5"],
    ["conversation_id", ""],
    ["message_type", "m.reaction"],
    ["message_type", "text"],
    ["has_attachment", "yes"],
    ["has_attachment", "1"],
    ["sender_user_id", "a b"],
    ["thread_root_event_id", "root"],
    ["sent_after", "yesterday"],
    ["sent_after", "2026-02-24"],
    ["sent_before", "2026-02-24T14:35:00+01:00"],
    ["q", ""],
    ["q", "  "],
    ["q", "\0"],
    ["q", "x".repeat(201)],
    ["cursor", "5"],
    ["cursor", ""],
    ["cursor", MESSAGE],
    ["limit", "0"],
    ["limit", "101"],
    ["limit", "ten"],
    ["limit", "1.5"],
  ])("refuses %s=%s, and names it", async (path, value) => {
    const { list, asked } = listing();
    const response = await list(new URLSearchParams({ [path]: value }).toString());
    expect(await response.json()).toMatchObject({ status: 400, errors: [{ path }] });
    expect(asked).toEqual([]);
  });

  it("of a conversation is not found by strangers, as if it were not there", async () => {
    const { list } = listing();
    const answers = await Promise.all([
      list(`conversation_id=${ROOM}`, "bob"),
      list(`conversation_id=${ROOM.replace(/1$/, "2")}`, "bob"),
    ]);
    expect(answers.map(({ status }) => status)).toEqual([404, 404]);
    expect(await answers[0]?.text()).toBe(await answers[1]?.text());
  });
});

describe("statistics", () => {
  const counting = (statistics: Partial<Statistics>) =>
    fakeApi({
      store: {
        statistics: async (_room, userId) =>
          userId === "ada"
            ? { total: 0, byType: new Map(), attachments: 0, threads: 0, firstAt: null, lastAt: null, ...statistics }
            : null,
      },
    });
  const path = `/core/api/v1/messages/stats?conversation_id=${ROOM}`;

  it("of an empty room are zeros, and a period of nulls", async () => {
    expect(await (await counting({}).call("ada", "GET", path)).json()).toEqual({
      data: {
        conversation_id: ROOM,
        total_messages: 0,
        by_type: { "m.text": 0, "m.image": 0, "m.file": 0, "m.audio": 0, "m.video": 0 },
        attachments_count: 0,
        encrypted_count: 0,
        threads_count: 0,
        period: { first_message_at: null, last_message_at: null },
      },
    });
  });

  it("print types besides the five when there are some, and how many are encrypted", async () => {
    const { call } = counting({
      total: 6,
      byType: new Map([
        ["m.text", 3],
        ["m.room.encrypted", 2],
        ["m.notice", 1],
      ]),
      threads: 1,
      firstAt: new Date(0),
      lastAt: new Date(1000),
    });
    expect(await (await call("ada", "GET", path)).json()).toMatchObject({
      data: {
        total_messages: 6,
        by_type: { "m.text": 3, "m.image": 0, "m.room.encrypted": 2, "m.notice": 1 },
        encrypted_count: 2,
        threads_count: 1,
        period: { first_message_at: "1970-01-01T00:00:00.000Z", last_message_at: "1970-01-01T00:00:01.000Z" },
      },
    });
  });

  it("need a conversation, and one that the caller is in", async () => {
    const { call } = counting({});
    for (const query of ["", "?conversation_id=", "?conversation_id=5"]) {
      const response = await call("ada", "GET", `/core/api/v1/messages/stats${query}`);
      expect(await response.json()).toMatchObject({ status: 400, errors: [{ path: "conversation_id" }] });
    }
    expect((await call("bob", "GET", path)).status).toBe(404);
  });
});
