import { connect, type Socket } from "node:net";
import type { Signal } from "@signalbox/core/delivery/signal";
import type { Subscriber } from "@signalbox/core/delivery/subscriber";
import { afterEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { closeGateways, eventually } from "./gateway.fake.ts";
import { Heartbeat } from "./heartbeat.ts";
import { openStreams } from "./reader.fake.ts";

afterEach(closeGateways);

describe("a stream's peer", () => {
  test.each<[string, (socket: Socket) => void]>([
    ["that closes", (socket) => socket.destroy()],
    ["that resets", (socket) => socket.resetAndDestroy()],
    ["that says no more, but would read on", (socket) => socket.end()],
  ])("%s is given back once", async (_, leaves) => {
    const { authorization, gateway, hub, metrics, pathOf, port, roomOf, say } = await openStreams();
    const chatId = await roomOf("ann");
    const { Authorization } = await authorization("ann");
    const leave = vi.spyOn(hub, "leave");
    const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
    socket.on("error", () => {});
    let text = "";
    socket.on("data", (chunk) => (text += chunk));
    // The end of the connection is noticed even behind a body, which no stream has.
    socket.write(
      `GET ${pathOf(chatId)} HTTP/1.1\r\nHost: a\r\nAuthorization: ${Authorization}\r\nContent-Length: 200000\r\n\r\n`,
    );
    socket.write("x".repeat(200_000));
    await eventually(() => expect(text).toContain("retry: "));
    leaves(socket);
    for (let count = 0; count < 3; count++) await say("ann", chatId);
    await eventually(() => expect([gateway.sessions(), hub.counts().users]).toEqual([0, 0]));
    expect(leave).toHaveBeenCalledTimes(1);
    expect((await metrics.closed.get()).values).toEqual([{ labels: { code: "1006" }, value: 1 }]);
    socket.destroy();
  });

  test("that reads too slowly is cut, others get everything, and it comes back to the rest", async () => {
    const { roomOf, read, say, gateway, store } = await openStreams({ session: { bufferBytes: 65_536 } });
    const chatId = await roomOf("ann", "ben");
    const [slow, quick] = await Promise.all([read("ann", chatId), read("ben", chatId)]);
    slow.response?.pause();
    let said = 0;
    while (gateway.sessions() === 2 && said < 60_000) {
      await Promise.all(Array.from({ length: 20 }, () => say("ben", chatId, "\u{1f44d}".repeat(200))));
      said += 20;
      await eventually(() => expect(quick.text).toContain(`id: ${said + 1}-`));
    }
    expect(gateway.sessions()).toBe(1);
    slow.response?.resume();
    expect(await slow.ends()).toBe("cut");
    await quick.receives("message", said);
    const seen = slow.of("message").map(({ id }) => Number.parseInt(id ?? "", 10));
    expect(seen).toEqual(seen.map((_, index) => index + 2));
    const { lastSeq = 0 } = store.room(chatId) ?? {};
    const again = await read("ann", chatId, "", { "Last-Event-ID": String(seen.at(-1) ?? 1) });
    await eventually(() => expect(Number.parseInt(again.of("message").at(-1)?.id ?? "", 10)).toBe(lastSeq));
    expect(again.of("message")).toHaveLength(lastSeq - (seen.at(-1) ?? 1));
  }, 60_000);

  test("hears a comment every 15 s, and is cut when it takes nothing between two of them", async () => {
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
    onTestFinished(() => void vi.useRealTimers());
    const { roomOf, read, hub, gateway, metrics, deps } = await openStreams({
      session: { heartbeat: new Heartbeat() },
    });
    const subscribers: Subscriber[] = [];
    const attach = hub.joining.attach.bind(hub.joining);
    vi.spyOn(hub.joining, "attach").mockImplementation((subscriber, service) => {
      subscribers.push(subscriber);
      return attach(subscriber, service);
    });
    const chatId = await roomOf("ann", "ben");
    const [gone, there] = [await read("ann", chatId), await read("ben", chatId)];
    const comments = async (count: number) => {
      vi.advanceTimersByTime(15_000);
      await eventually(() => expect(there.blocks.filter((block) => block === ":")).toHaveLength(count));
    };
    for (let count = 1; count <= 4; count++) await comments(count);
    gone.response?.pause();
    // More than the system keeps for a peer that is not there, and less than a slow one may have waiting.
    const userId = "x".repeat(100_000);
    const long: Signal = { key: "k", roomId: chatId, body: "", about: { kind: "typing", userId, remainingMs: 4000 } };
    const sink = subscribers[0]?.sink;
    while (sink?.ready()) {
      const { flushes } = deps.written;
      sink.signal(long);
      await eventually(() => expect(deps.written.flushes).toBeGreaterThan(flushes));
      await new Promise((resolve) => setImmediate(resolve));
    }
    // Bytes taken before the first of these comments still count in its favour.
    for (let count = 5; count <= 7; count++) await comments(count);
    expect(gateway.sessions()).toBe(2);
    await comments(8);
    await eventually(() => expect(gateway.sessions()).toBe(1));
    expect((await metrics.closed.get()).values).toEqual([{ labels: { code: "4002" }, value: 1 }]);
    expect(there.over).toBeUndefined();
  });
});
