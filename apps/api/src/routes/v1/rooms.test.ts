import type { RoomSummary } from "@signalbox/core/ports/store";
import { Problem } from "@signalbox/protocol/errors";
import { describe, expect, it } from "vitest";
import {
  CURSOR,
  fakeApi,
  fakeMessage,
  limitedApi,
  MESSAGE,
  printedRoom as printed,
  ROOM,
  room,
} from "../../api.fake.ts";

/** The API over a writer that records its calls in `asked`, and answers each with `answer`. */
function recordingApi(answer: unknown) {
  const asked: unknown[][] = [];
  const record =
    (name: string) =>
    async (_: unknown, ...rest: unknown[]) => {
      asked.push([name, ...rest]);
      return answer as never;
    };
  const names = ["createRoom", "updateRoom", "deleteRoom"] as const;
  const writer = Object.fromEntries(names.map((name) => [name, record(name)]));
  return { asked, ...fakeApi({ writer }) };
}

describe("rooms", () => {
  it("are made with 201", async () => {
    const { call, asked, touched } = recordingApi(room);
    const response = await call("ada", "POST", "/v1/rooms", { name: "Den", members: ["bob"] });
    expect(response.status).toBe(201);
    expect(await response.json()).toEqual({ data: printed });
    expect(asked).toEqual([["createRoom", { name: "Den", members: ["bob"], metadata: {} }]]);
    expect(touched).toEqual(["ada"]);
  });

  it("are bridged by a service alone, to what is a room of Matrix", async () => {
    const { call, asked } = recordingApi({ ...room, matrixRoomId: "!den:example.org" });
    const bridged = (matrix_room_id: unknown) => ({ name: "Den", matrix_room_id });
    const response = await call("service", "POST", "/v1/rooms", bridged("!den:example.org"));
    expect(await response.json()).toEqual({ data: { ...printed, matrix_room_id: "!den:example.org" } });
    expect(asked).toEqual([["createRoom", { ...bridged("!den:example.org"), members: [], metadata: {} }]]);
    expect((await call("ada", "POST", "/v1/rooms", bridged("!den:example.org"))).status).toBe(403);
    for (const wrong of ["", "!", "den", "#den:example.org", "!d n", `!${"n".repeat(255)}`, 5, null])
      expect((await call("service", "POST", "/v1/rooms", bridged(wrong))).status).toBe(400);
    expect(asked).toHaveLength(1);
  });

  it("are changed and deleted under any form of their id", async () => {
    const { call, asked } = recordingApi(room);
    expect(await (await call("ada", "PATCH", `/v1/rooms/room-${ROOM}`, { name: "Lair" })).json()).toEqual({
      data: printed,
    });
    expect(await (await call("ada", "DELETE", `/v1/rooms/${ROOM.toUpperCase()}`)).json()).toEqual({
      message: "Room deleted",
    });
    expect(asked).toEqual([
      ["updateRoom", ROOM, { name: "Lair" }],
      ["deleteRoom", ROOM],
    ]);
  });

  it("that cannot exist are not found, like those that do not", async () => {
    const { call } = fakeApi({
      writer: { deleteRoom: () => Promise.reject(new Problem("not_found", "no such room")) },
    });
    const answers = await Promise.all([
      call("ada", "DELETE", `/v1/rooms/${ROOM}`),
      call("ada", "DELETE", "/v1/rooms/5"),
    ]);
    expect(answers.map(({ status }) => status)).toEqual([404, 404]);
    expect(await answers[0]?.text()).toBe(await answers[1]?.text());
  });

  it("ask the rate limit before they change", async () => {
    const { call, touched } = limitedApi();
    const changes = [
      ["POST", "/v1/rooms"],
      ["PATCH", `/v1/rooms/${ROOM}`],
      ["DELETE", `/v1/rooms/${ROOM}`],
    ] as const;
    for (const [method, path] of changes) expect((await call("ada", method, path)).status).toBe(429);
    expect(touched).toEqual([]);
  });
});

describe("GET /v1/rooms", () => {
  const ids = ["c", "b", "a"].map((last) => ROOM.replace(/1$/, last));
  const lastMessage = fakeMessage({
    senderId: "bob",
    content: "",
    deleteSeq: 3,
    deletedAt: new Date(1),
    deletedBy: "bob",
  });
  /** A store with three rooms of ada's, newest first. */
  const roomPage = async (userId: string, limit: number, before: string | null): Promise<RoomSummary[]> =>
    ids
      .filter((roomId) => userId === "ada" && (before === null || roomId < before))
      .slice(0, limit)
      .map((roomId) => ({
        ...room,
        roomId,
        role: "owner",
        unread: 4,
        lastMessage: roomId === ids[0] ? lastMessage : null,
      }));

  const page = async (query: string) => {
    const response = await fakeApi({ store: { roomPage } }).call("ada", "GET", `/v1/rooms?${query}`);
    return (await response.json()) as { data: Record<string, unknown>[]; next_cursor: string | null };
  };

  it("prints what is new in each room", async () => {
    const { data, next_cursor } = await page("");
    expect(next_cursor).toBeNull();
    expect(data).toHaveLength(3);
    expect(data[1]).toEqual({
      ...printed,
      id: ids[1],
      last_message: null,
      unread_count: 4,
      cursor: CURSOR,
      role: "owner",
    });
    expect(data[0]?.last_message).toMatchObject({
      messageId: MESSAGE,
      senderId: "bob",
      content: "",
      deleted: true,
      edited: false,
    });
  });

  it("goes on from page to page until there is no more", async () => {
    const seen: unknown[] = [];
    for (let query = "limit=2"; ; ) {
      const { data, next_cursor } = await page(query);
      seen.push(...data.map(({ id }) => id));
      if (next_cursor === null) break;
      query = `limit=2&cursor=${next_cursor}`;
    }
    expect(seen).toEqual(ids);
  });

  it("refuses a cursor that it did not give", async () => {
    const response = await fakeApi().call("ada", "GET", "/v1/rooms?cursor=5");
    expect(await response.json()).toMatchObject({ status: 400, errors: [{ path: "cursor" }] });
  });
});
