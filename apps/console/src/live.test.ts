import { type Client, type Events, type MessageSent, SignalboxError } from "@signalbox/client";
import { expect, test, vi } from "vitest";
import { Live } from "./live.ts";

const me = { userId: "alice", name: "Alice" };

/** A client that does nothing by itself. */
function fake() {
  const handlers = new Map<string, (event: unknown) => void>();
  const realtime = {
    connect: vi.fn(async () => {}),
    disconnect: vi.fn(),
    removeAllListeners: vi.fn(),
    on: vi.fn((name: string, handler: (event: unknown) => void) => handlers.set(name, handler)),
    sendMessage: vi.fn<Client["realtime"]["sendMessage"]>(() => new Promise(() => {})),
    markAsRead: vi.fn(async () => {}),
  };
  const client = {
    realtime,
    signIn: vi.fn(async () => {}),
    getMessages: vi.fn(async () => ({ messages: [] })),
    rooms: {
      list: vi.fn(async () => ({ data: [], next_cursor: null })),
      state: vi.fn(async () => ({ members: [], last_read_event_id: null, cursor: 0 })),
    },
  };
  const emit = <Name extends keyof Events>(name: Name, event: Events[Name]) => handlers.get(name)?.(event);
  const live = new Live({ client: client as unknown as Client, me, node: "Gateway 1" });
  return { client, realtime, emit, live };
}

async function started() {
  const all = fake();
  await all.live.start();
  all.emit("connection", { state: "live" });
  await vi.waitFor(() => expect(all.live.session.listed).toBe(true));
  return all;
}

const event: MessageSent = {
  type: "SEND_MSG",
  recipientId: "alice",
  chatId: "room",
  senderId: "alice",
  seq: 2,
  timeStamp: "2026-01-05T10:00:00Z",
  message: "hi",
  messageId: "id",
};

test("a session signs in, connects, and has its rooms once it is live", async () => {
  const { client, realtime } = await started();
  expect(client.signIn).toHaveBeenCalledWith(me);
  expect(realtime.connect).toHaveBeenCalledOnce();
});

test("the history of a chat that was open before is loaded when the connection has begun, and not again when it comes back", async () => {
  const { client, emit, live } = fake();
  await live.start();
  live.open("room");
  expect(client.getMessages).not.toHaveBeenCalled();
  emit("connection", { state: "live" });
  emit("connection", { state: "waiting" });
  emit("connection", { state: "live" });
  expect(client.getMessages).toHaveBeenCalledOnce();
});

test("a message that is refused says why, and is sent again under the same id", async () => {
  const { realtime, live } = await started();
  realtime.sendMessage.mockRejectedValueOnce(new SignalboxError("conflict", "not now"));
  live.send("room", "hi");
  await vi.waitFor(() => expect(live.session.drafts[0]?.failed).toBe("not now"));
  const [draft] = live.session.drafts;
  live.send("room", "hi", undefined, draft?.key);
  expect(live.session.drafts).toMatchObject([{ failed: undefined }]);
  const keys = realtime.sendMessage.mock.calls.map(([, , options]) => options?.clientMessageId);
  expect(keys).toEqual([draft?.key, draft?.key]);
});

test("one's own message has the time from its call to its event on the wire", async () => {
  const { realtime, emit, live } = await started();
  live.send("room", "hi");
  const clientMessageId = realtime.sendMessage.mock.calls[0]?.[2]?.clientMessageId;
  emit("message", { ...event, clientMessageId });
  expect(live.session.wire[0]).toMatchObject({ type: "SEND_MSG", seq: 2, node: "Gateway 1" });
  // That of the event's own time would be years.
  expect(live.session.wire[0]?.latencyMs).toBeLessThan(60_000);
  expect(live.session.drafts).toEqual([]);
});

test("a token that came to its end is replaced, once until the connection is live again", async () => {
  const { client, realtime, emit } = await started();
  emit("connection", { state: "stopped", code: 4401 });
  await vi.waitFor(() => expect(realtime.connect).toHaveBeenCalledTimes(2));
  emit("connection", { state: "stopped", code: 4401 });
  emit("connection", { state: "live" });
  emit("connection", { state: "stopped", code: 4409 });
  expect(client.signIn).toHaveBeenCalledTimes(2);
});

test("events that were missed are loaded again", async () => {
  const { client, emit, live } = await started();
  live.open("room");
  emit("reset", { type: "RESET", chatId: "room", reason: "too_old", seq: 9 });
  expect(client.getMessages).toHaveBeenCalledTimes(2);
  await vi.waitFor(() => expect(client.rooms.list).toHaveBeenCalledTimes(2));
});

test("a room that nobody has heard of brings the list up to date", async () => {
  const { client, emit } = await started();
  emit("message", { ...event, senderId: "bob" });
  await vi.waitFor(() => expect(client.rooms.list).toHaveBeenCalledTimes(2));
});

test("a message is marked as read once", async () => {
  const { realtime, live } = await started();
  live.read("room", "id");
  live.read("room", "id");
  expect(realtime.markAsRead).toHaveBeenCalledOnce();
});

test("nothing is heard after the end", async () => {
  const { realtime, live } = await started();
  live.stop();
  expect([realtime.disconnect, realtime.removeAllListeners].map(({ mock }) => mock.calls.length)).toEqual([1, 1]);
});
