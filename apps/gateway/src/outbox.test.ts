import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { Writable } from "node:stream";
import { expect, onTestFinished, test } from "vitest";
import { eventually } from "./gateway.fake.ts";
import { Flusher, Outbox } from "./outbox.ts";

const LIMIT = 1000;

/** A socket that keeps everything waiting until it is let go on. */
class Stalled extends Writable {
  readonly written: string[] = [];
  #resume: ((error?: Error) => void) | undefined;

  constructor(highWaterMark = 16) {
    super({ decodeStrings: false, highWaterMark });
  }

  override _write(chunk: string, _encoding: string, done: () => void): void {
    this.written.push(chunk);
    this.#resume = done;
  }

  /** Takes what it was given; resolves when that is known. */
  async goOn(): Promise<void> {
    while (this.#resume !== undefined) {
      const resume = this.#resume;
      this.#resume = undefined;
      resume();
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}

function stalled(highWaterMark?: number) {
  const socket = new Stalled(highWaterMark);
  const written = { frames: 0, bytes: 0, flushes: 0 };
  const outbox = new Outbox({ outlet: socket, flusher: new Flusher(), limit: LIMIT, written });
  return { socket, written, outbox };
}

test("frames of one flush leave in one write, in their order", () => {
  const { socket, outbox, written } = stalled();
  for (const frame of ["a", "b", "c"]) expect(outbox.push(frame)).toBe(true);
  expect(outbox.signal("key", "d")).toBe(true);
  outbox.flush();
  outbox.flush();
  expect(socket.written).toEqual(["abcd"]);
  expect(written).toEqual({ frames: 4, bytes: 4, flushes: 1 });
});

test("above half, signals wait outside, newest per key, while events go in", async () => {
  const { socket, outbox } = stalled();
  outbox.push("x".repeat(501));
  for (const [key, frame] of Object.entries({ ann: "1", ben: "2" })) outbox.signal(key, frame);
  outbox.signal("ann", "3");
  outbox.push("event");
  outbox.flush();
  await socket.goOn();
  outbox.flush();
  await socket.goOn();
  expect(socket.written).toEqual([`${"x".repeat(501)}event`, "23"]);
});

test("a signal never overtakes one that waits", async () => {
  const { socket, outbox } = stalled();
  outbox.push("x".repeat(501));
  outbox.signal("ann", "1");
  outbox.flush();
  // There is room again, but the first is not released yet.
  outbox.signal("ben", "2");
  await socket.goOn();
  outbox.flush();
  expect(socket.written.slice(1)).toEqual(["12"]);
});

test("what does not fit when signals are released waits on", async () => {
  const { socket, outbox } = stalled();
  outbox.push("x".repeat(501));
  for (const key of ["a", "b", "c"]) outbox.signal(key, key.repeat(400));
  outbox.flush();
  await socket.goOn();
  outbox.flush();
  await socket.goOn();
  outbox.flush();
  await socket.goOn();
  expect(socket.written.slice(1).join("")).toBe(["a", "b", "c"].map((key) => key.repeat(400)).join(""));
});

test("above all of the limit, push says so", () => {
  const { outbox } = stalled();
  expect(outbox.push("x".repeat(LIMIT))).toBe(true);
  expect(outbox.push("y")).toBe(true);
  expect(outbox.push("z")).toBe(false);
});

test("one frame above the limit goes through when nothing waits before it: its session would never get past it", () => {
  const { outbox } = stalled();
  expect(outbox.push("x".repeat(LIMIT * 3))).toBe(true);
  expect(outbox.push("y")).toBe(false);
});

test("more keys than may wait outside are too much", () => {
  const { outbox } = stalled();
  outbox.push("x".repeat(501));
  const taken = Array.from({ length: 10_001 }, (_, key) => outbox.signal(String(key), "s"));
  expect(taken.indexOf(false)).toBe(10_000);
  expect(outbox.signal("0", "s")).toBe(false);
});

test("a replay may go on below a quarter, and is told so", async () => {
  const { socket, outbox } = stalled();
  expect(outbox.ready()).toBe(true);
  outbox.push("x".repeat(251));
  expect(outbox.ready()).toBe(false);
  const drained = outbox.drained();
  outbox.flush();
  expect(outbox.ready()).toBe(false);
  await socket.goOn();
  expect(await drained).toBe(true);
  expect(await outbox.drained()).toBe(true);
});

test("a replay is told also when the socket itself would have taken more", async () => {
  const { socket, outbox } = stalled(65_536);
  outbox.push("x".repeat(600));
  outbox.signal("ann", "later");
  const drained = outbox.drained();
  outbox.flush();
  await socket.goOn();
  expect(await drained).toBe(true);
  outbox.flush();
  await socket.goOn();
  expect(socket.written.at(-1)).toBe("later");
});

test("an end releases waiting replays, and nothing is taken or written after it", async () => {
  const { socket, outbox } = stalled();
  outbox.push("x".repeat(501));
  outbox.flush();
  outbox.signal("ann", "1");
  const waiting = [outbox.drained(), outbox.drained()];
  outbox.close();
  outbox.close();
  expect(await Promise.all(waiting)).toEqual([false, false]);
  expect([outbox.push("y".repeat(5000)), outbox.signal("ann", "2"), outbox.ready()]).toEqual([true, true, false]);
  expect(await outbox.drained()).toBe(false);
  outbox.flush();
  await socket.goOn();
  expect(socket.written).toEqual(["x".repeat(501)]);
});

test("a reader is stuck when something waits and nothing was taken since that was last asked", async () => {
  const { socket, outbox } = stalled();
  expect(outbox.stuck()).toBe(false);
  outbox.push("a");
  expect(outbox.stuck()).toBe(false);
  outbox.flush();
  expect([outbox.stuck(), outbox.stuck()]).toEqual([true, true]);
  outbox.push("b");
  outbox.flush();
  await socket.goOn();
  outbox.push("c");
  outbox.flush();
  expect([outbox.stuck(), outbox.stuck()]).toEqual([false, true]);
  await socket.goOn();
  expect([outbox.stuck(), outbox.stuck()]).toEqual([false, false]);
});

test("nothing is written to a socket that has ended", async () => {
  const { socket, outbox } = stalled();
  const errors: Error[] = [];
  socket.on("error", (error) => errors.push(error));
  socket.end();
  outbox.push("too late");
  outbox.flush();
  await socket.goOn();
  expect([socket.written, errors]).toEqual([[], []]);
});

/** Two ends of a connection. */
async function pair(): Promise<[Socket, Socket]> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const near = connect((server.address() as AddressInfo).port, "127.0.0.1");
  const [far] = (await once(server, "connection")) as [Socket];
  onTestFinished(() => {
    near.destroy();
    far.destroy();
    server.close();
  });
  return [near, far];
}

test("a reader that stops and goes on gets everything, and a replay goes at its speed", async () => {
  const [near, far] = await pair();
  near.pause();
  const limit = 65_536;
  const outbox = new Outbox({
    outlet: far,
    flusher: new Flusher(),
    limit,
    written: { frames: 0, bytes: 0, flushes: 0 },
  });
  const frame = "x".repeat(10_000);
  const replay = async (count: number) => {
    for (let sent = 0; sent < count; sent++) {
      if (!outbox.ready() && !(await outbox.drained())) return sent;
      expect(outbox.push(frame)).toBe(true);
      expect(far.writableLength).toBeLessThanOrEqual(limit);
    }
    return count;
  };
  const done = replay(2000);
  // The mark at which the replay waits is the outbox's own: the socket's, a default of Node's, differs between its versions.
  await eventually(() => expect(far.writableLength).toBeGreaterThan(limit / 4));
  outbox.signal("ann", "END");
  let received = 0;
  let tail = "";
  near.on("data", (chunk: Buffer) => {
    received += chunk.length;
    tail = chunk.toString("latin1").slice(-3);
  });
  near.resume();
  expect(await done).toBe(2000);
  outbox.signal("ann", "END");
  await eventually(() => expect(tail).toBe("END"));
  expect(received).toBeGreaterThanOrEqual(2000 * 10_000 + 3);
});
