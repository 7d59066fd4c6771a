import { type Client, type Events, type MessageSent, SignalboxError } from "@signalbox/client";
import { expect, test, vi } from "vitest";
import { SessionStore } from "./session-store.ts";

const me = { userId: "alice", name: "Alice" };

/** A client under the control of a test. */
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
      state: vi.fn(async () => ({ members: [], last_read_event_id: null, room: { seq: 0 }, cursor: "0-00000000" })),
    },
  };
  const emit = <Name extends keyof Events>(name: Name, event: Events[Name]) => handlers.get(name)?.(event);
  const store = new SessionStore({ client: client as unknown as Client, me, node: "Gateway 1" });
  return { client, realtime, emit, store };
}

async function started() {
  const all = fake();
  await all.store.start();
  all.emit("connection", { state: "live" });
  await vi.waitFor(() => expect(all.store.session.roomsLoaded).toBe(true));
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

test("a session signs in, connects, and loads its rooms once it is live", async () => {
  const { client, realtime } = await started();
  expect(client.signIn).toHaveBeenCalledWith(me);
  expect(realtime.connect).toHaveBeenCalledOnce();
});

test("the history of a chat that was open before is loaded with the first connection, and not again after a reconnect", async () => {
  const { client, emit, store } = fake();
  await store.start();
  store.open("room");
  expect(client.getMessages).not.toHaveBeenCalled();
  emit("connection", { state: "live" });
  emit("connection", { state: "waiting" });
  emit("connection", { state: "live" });
  expect(client.getMessages).toHaveBeenCalledOnce();
});

test("a refused message has its reason, and is sent again under the same id", async () => {
  const { realtime, store } = await started();
  realtime.sendMessage.mockRejectedValueOnce(new SignalboxError("conflict", "not now"));
  store.send("room", "hi");
  await vi.waitFor(() => expect(store.session.drafts[0]?.failed).toBe("not now"));
  const [draft] = store.session.drafts;
  store.send("room", "hi", undefined, draft?.key);
  expect(store.session.drafts).toMatchObject([{ failed: undefined }]);
  const keys = realtime.sendMessage.mock.calls.map(([, , options]) => options?.clientMessageId);
  expect(keys).toEqual([draft?.key, draft?.key]);
});

test("an own message is logged with the time from its call to its event", async () => {
  const { realtime, emit, store } = await started();
  store.send("room", "hi");
  const clientMessageId = realtime.sendMessage.mock.calls[0]?.[2]?.clientMessageId;
  emit("message", { ...event, clientMessageId });
  expect(store.session.log[0]).toMatchObject({ type: "SEND_MSG", seq: 2, node: "Gateway 1" });
  // By the event's own time it would be years.
  expect(store.session.log[0]?.latencyMs).toBeLessThan(60_000);
  expect(store.session.drafts).toEqual([]);
});

test("an expired token is replaced, once until the connection is live again", async () => {
  const { client, realtime, emit } = await started();
  emit("connection", { state: "stopped", code: 4401 });
  await vi.waitFor(() => expect(realtime.connect).toHaveBeenCalledTimes(2));
  emit("connection", { state: "stopped", code: 4401 });
  emit("connection", { state: "live" });
  emit("connection", { state: "stopped", code: 4409 });
  expect(client.signIn).toHaveBeenCalledTimes(2);
});

test.each(["too_old", "diverged"] as const)("events that a reset with %s names are loaded again", async (reason) => {
  const { client, emit, store } = await started();
  store.open("room");
  emit("message", { ...event, senderId: "bob" });
  await vi.waitFor(() => expect(client.rooms.list).toHaveBeenCalledTimes(2));
  emit("reset", { type: "RESET", chatId: "room", reason, seq: 9, cursor: "9-0000000a" });
  expect(store.session.chat?.entries).toEqual([]);
  expect(client.getMessages).toHaveBeenCalledTimes(2);
  await vi.waitFor(() => expect(client.rooms.list).toHaveBeenCalledTimes(3));
});

test("an event of an unknown room reloads the list", async () => {
  const { client, emit } = await started();
  emit("message", { ...event, senderId: "bob" });
  await vi.waitFor(() => expect(client.rooms.list).toHaveBeenCalledTimes(2));
});

test("a message is marked as read once", async () => {
  const { realtime, store } = await started();
  store.read("room", "id");
  store.read("room", "id");
  expect(realtime.markAsRead).toHaveBeenCalledOnce();
});

test("all handlers are removed at the end", async () => {
  const { realtime, store } = await started();
  store.stop();
  expect([realtime.disconnect, realtime.removeAllListeners].map(({ mock }) => mock.calls.length)).toEqual([1, 1]);
});
