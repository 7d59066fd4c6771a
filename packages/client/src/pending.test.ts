import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { type Action, createPending } from "./pending.ts";
import type { Answer } from "./ports.ts";

type Sent = Action & { readonly ref: string };

/** A server that keeps the frames, and answers when a test calls `ack` or `refuse`. */
function stage({ live = true } = {}) {
  const sent: Sent[] = [];
  const refs = new Map<unknown, string>();
  const connection = { live };
  const pending = createPending((frame) => {
    if (!connection.live) return false;
    sent.push(frame as Sent);
    refs.set((frame as Sent).message, (frame as Sent).ref);
    return true;
  });
  const refOf = (message: unknown) => refs.get(message) ?? "";
  const ack = (message: unknown) => pending.answer({ type: "ACK", ref: refOf(message), data: `done ${message}` });
  const refuse = (message: unknown, code: string, more: object = {}) =>
    pending.answer({ type: "ERROR", ref: refOf(message), code, detail: "a sentence", ...more } as Answer);
  /** The messages that were sent since this was asked last. */
  const messages = () => sent.splice(0).map(({ message }) => message);
  const say = (chatId: string, message: string) => pending.act({ type: "SEND_MSG", chatId, message });
  return { pending, sent, connection, ack, refuse, messages, say };
}

/** The value or the error code of a promise, once it has one. */
function outcome(promise: Promise<unknown>): { value?: unknown } {
  const seen: { value?: unknown } = {};
  promise.then(
    (value) => (seen.value = value),
    (error: { code: string }) => (seen.value = error.code),
  );
  return seen;
}
const settled = () => vi.advanceTimersByTimeAsync(0);

beforeEach(() => vi.useFakeTimers());
afterEach(() => {
  // Nothing leaves a timer behind.
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

test("an action resolves with the data of its ACK", async () => {
  const { ack, say } = stage();
  const said = say("a", "1");
  ack("1");
  expect(await said).toBe("done 1");
});

test("a refused action rejects with its type and chat, the code and the reason, and without its text", async () => {
  const { refuse, say } = stage();
  const said = say("a", "1");
  refuse("1", "conflict");
  await expect(said).rejects.toMatchObject({
    name: "SignalboxError",
    code: "conflict",
    message: "SEND_MSG a: conflict: a sentence",
    detail: "a sentence",
  });
});

test("one action is under way in each chat, in the order of the calls", async () => {
  const { ack, say, sent, refuse } = stage();
  const all = [say("a", "1"), say("a", "2"), say("b", "3"), say("a", "4")];
  const outcomes = all.map(outcome);
  expect(sent.map(({ message }) => message)).toEqual(["1", "3"]);
  ack("1");
  expect(sent.map(({ message }) => message)).toEqual(["1", "3", "2"]);
  refuse("2", "invalid");
  expect(sent.map(({ message }) => message)).toEqual(["1", "3", "2", "4"]);
  ack("3");
  ack("4");
  await settled();
  expect(outcomes.map(({ value }) => value)).toEqual(["done 1", "invalid", "done 3", "done 4"]);
});

test("answers to no action are dropped", async () => {
  const { pending, ack, say, messages } = stage();
  const said = say("a", "1");
  pending.answer({ type: "ERROR", code: "invalid", detail: "a frame without a ref" });
  pending.answer({ type: "ACK", ref: "another", data: null });
  expect(messages()).toEqual(["1"]);
  const again = say("b", "2");
  ack("2");
  expect(await again).toBe("done 2");
  pending.clear();
  await expect(said).rejects.toMatchObject({ code: "disconnected" });
});

test("without a connection actions wait, and go out once there is one", () => {
  const { pending, connection, ack, say, messages } = stage({ live: false });
  for (const message of ["1", "2"]) void say("a", message);
  expect(messages()).toEqual([]);
  connection.live = true;
  pending.restart();
  expect(messages()).toEqual(["1"]);
  void say("b", "3");
  expect(messages()).toEqual(["3"]);
  ack("3");
});

test("after a lost connection the actions under way are sent again, unchanged, in the order of the calls", async () => {
  const { pending, connection, sent, ack, say, messages } = stage();
  void say("a", "1");
  void say("b", "2");
  ack("1");
  void say("a", "3");
  void say("b", "4");
  const before = sent.map((frame) => frame);
  messages();
  connection.live = false;
  void say("c", "5");
  connection.live = true;
  pending.restart();
  expect(sent.slice(0, 2)).toEqual([before[1], before[2]]);
  expect(messages()).toEqual(["2", "3", "5"]);
});

test("disconnecting rejects all that wait, and later actions are new", async () => {
  const { pending, say, ack } = stage();
  const all = [say("a", "1"), say("a", "2")].map(outcome);
  pending.clear();
  await settled();
  expect(all.map(({ value }) => value)).toEqual(["disconnected", "disconnected"]);
  const said = say("a", "3");
  ack("3");
  expect(await said).toBe("done 3");
});

test("a thousand actions may wait, one more is refused at once", async () => {
  const { say, messages } = stage();
  for (let n = 0; n < 1000; n++) void say(`chat ${n % 7}`, String(n));
  await expect(say("a", "one more")).rejects.toMatchObject({ code: "queue_full" });
  expect(messages()).toHaveLength(7);
});

test("an action that is too large is refused here: its frame would end the connection each time", async () => {
  const { say, sent } = stage();
  await expect(say("a", "é".repeat(131_072))).rejects.toMatchObject({ code: "too_large" });
  expect(sent).toEqual([]);
});

test("over the rate nothing is sent for as long as the server says, and then in the same order", async () => {
  const { refuse, say, messages } = stage();
  void say("a", "1");
  void say("a", "2");
  void say("b", "3");
  refuse("1", "rate_limited", { retryAfterMs: 300 });
  refuse("3", "rate_limited", { retryAfterMs: 310 });
  messages();
  void say("c", "4");
  vi.advanceTimersByTime(299);
  expect(messages()).toEqual([]);
  vi.advanceTimersByTime(1);
  expect(messages()).toEqual(["1", "3", "4"]);
});

test("a queue over the rate is not refused so often that its socket is closed for it", async () => {
  const { pending, sent, say } = stage();
  // A server that answers at once, with a bucket of 200 tokens that gains 50 a second.
  let spent = 0;
  const refusals: number[] = [];
  const begun = performance.now();
  const serve = () => {
    while (sent.length > 0) {
      const { ref } = sent.shift() as Sent;
      const left = 200 + (performance.now() - begun) / 20 - spent;
      if (left < 1) {
        refusals.push(performance.now() - begun);
        const retryAfterMs = Math.ceil((1 - left) * 20);
        pending.answer({ type: "ERROR", ref, code: "rate_limited", detail: "too many actions", retryAfterMs });
      } else {
        spent++;
        pending.answer({ type: "ACK", ref, data: null });
      }
    }
  };
  const all = Array.from({ length: 1000 }, (_, n) => say("a", String(n)));
  serve();
  for (let step = 0; step < 1000 && spent < 1000; step++) {
    vi.advanceTimersToNextTimer();
    serve();
  }
  await Promise.all(all);
  // Never refused for 10 s without 2 s of calm between.
  let since = 0;
  refusals.forEach((at, index) => {
    if (at - (refusals[index - 1] ?? at) > 2000) since = at;
    expect(at - since).toBeLessThan(10_000);
  });
  // And hardly slower than the rate allows, which is 16 s.
  expect(performance.now() - begun).toBeLessThan(19_000);
});

test("what the server is unable to do is sent again, five times at most, and holds up its own chat alone", async () => {
  const { refuse, say, messages } = stage();
  const [first] = [say("a", "1"), say("a", "2")].map(outcome);
  for (let time = 1; time <= 6; time++) {
    expect(messages()).toEqual(["1"]);
    refuse("1", "unavailable");
    void say(`another ${time}`, "meanwhile");
    expect(messages()).toContain("meanwhile");
    vi.runAllTimers();
  }
  await settled();
  expect(first?.value).toBe("unavailable");
  expect(messages()).toEqual([]);
});

test("disconnecting ends all waits for another attempt", async () => {
  const { pending, refuse, say, messages } = stage();
  const all = [say("a", "1"), say("b", "2")].map(outcome);
  refuse("1", "unavailable", { retryAfterMs: 60_000 });
  refuse("2", "rate_limited", { retryAfterMs: 60_000 });
  pending.clear();
  await settled();
  expect(all.map(({ value }) => value)).toEqual(["disconnected", "disconnected"]);
  messages();
  void say("b", "3");
  expect(messages()).toEqual(["3"]);
});

test("an action that waits for another attempt when the connection goes is sent when its time has come", () => {
  const { pending, connection, refuse, say, messages } = stage();
  void say("a", "1");
  refuse("1", "unavailable", { retryAfterMs: 500 });
  messages();
  pending.restart();
  expect(messages()).toEqual([]);
  connection.live = false;
  vi.advanceTimersByTime(500);
  connection.live = true;
  pending.restart();
  expect(messages()).toEqual(["1"]);
});

/** A message id made at this time. */
const idAt = (time: number) => `01900000-${String(time).padStart(4, "0")}-7abc-8000-000000000000`;

test("waiting READ_MSG of the same chat become the one of the latest message", async () => {
  const { pending, sent, say } = stage();
  const read = (chatId: string, time: number) =>
    pending.act({ type: "READ_MSG", chatId, messageId: idAt(time) }).then((data) => [time, data]);
  const first = read("a", 1);
  const all = [read("a", 2), say("a", "between"), read("b", 3), read("a", 4), read("a", 5), read("a", 5)];
  for (let at = 0; at < sent.length; at++) {
    const { ref, messageId, message } = sent[at] as Sent;
    pending.answer({ type: "ACK", ref, data: message ?? messageId });
  }
  expect(sent.map(({ chatId, messageId }) => [chatId, messageId])).toEqual([
    ["a", idAt(1)],
    ["b", idAt(3)],
    ["a", idAt(5)],
    ["a", undefined],
  ]);
  expect(await first).toEqual([1, idAt(1)]);
  const last = idAt(5);
  expect(await Promise.all(all)).toEqual([[2, last], "between", [3, idAt(3)], [4, last], [5, last], [5, last]]);
});

test("a READ_MSG is sent by itself where it is not known which of two messages is the later one", () => {
  const { pending, sent } = stage({ live: false });
  const read = (messageId: string) => void pending.act({ type: "READ_MSG", chatId: "a", messageId });
  const at2 = idAt(2);
  for (const id of [at2, `${at2.slice(0, -1)}1`, idAt(1), "$of:matrix", "no id"]) read(id);
  // Each takes a place of its own in the queue, so that 995 more fill it.
  for (let n = 0; n < 995; n++) void pending.act({ type: "SEND_MSG", chatId: "a" });
  expect(sent).toEqual([]);
  return expect(pending.act({ type: "SEND_MSG", chatId: "a" })).rejects.toMatchObject({ code: "queue_full" });
});
