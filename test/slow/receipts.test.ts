/** A thousand readers of the same message at once. */
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { WebSocket } from "ws";
import { Stage } from "../support/cluster/stage.ts";
import type { Frame } from "../support/socket-client.ts";
import { passed, until } from "../support/until.ts";
import type { Person } from "../support/world.ts";

const READERS = 1000;
const AT_ONCE = 50;
/** The reads come in waves. With more of them the sending falls behind: it shares a core with the arriving frames. */
const WAVES = 5;
const WAVE_MS = 200;
/** Milliseconds in which all must have been sent. */
const SENT_MS = 1000;
/** Frames with receipts for each session, at most. */
const FRAMES = 30;

const stage = new Stage();
beforeAll(() => stage.start());
afterAll(() => stage.stop());

/**
 * A session that keeps only its counts. A million frames arrive: they are parsed in `look`, so that parsing does not delay the
 * sending.
 */
class Reader {
  /** The readers of its receipts. */
  readonly read = new Set<string>();
  /** Frames with receipts. */
  frames = 0;
  presences = 0;
  messageId: string | undefined;
  closed: number | undefined;
  ready = false;
  readonly #ws: WebSocket;
  #unread: Buffer[] = [];

  constructor(url: string, { token }: Person) {
    this.#ws = new WebSocket(url, { headers: { authorization: `Bearer ${token}` }, perMessageDeflate: false });
    this.#ws.on("message", (bytes: Buffer) => void this.#unread.push(bytes));
    this.#ws.on("close", (code) => {
      this.closed = code;
    });
    this.#ws.on("error", () => {});
  }

  reads(chatId: string): void {
    this.#ws.send(JSON.stringify({ type: "READ_MSG", chatId, messageId: this.messageId }));
  }

  /** Parses the frames that have arrived. */
  look(): void {
    const arrived = this.#unread;
    this.#unread = [];
    for (const bytes of arrived) this.#take(bytes.toString("utf8"));
  }

  close(): void {
    this.#ws.terminate();
  }

  #take(json: string): void {
    // Most frames are of this type, and need no parsing.
    if (json.startsWith('{"type":"PRESENCE"')) return void this.presences++;
    const frame = JSON.parse(json) as Frame & { readonly receipts: readonly { readonly senderId: string }[] };
    if (frame.type === "READY") this.ready = true;
    if (frame.type === "SEND_MSG") this.messageId = frame.messageId;
    if (frame.type !== "READ_MSG" && frame.type !== "RECEIPTS") return;
    this.frames++;
    for (const { senderId } of frame.type === "READ_MSG" ? [frame] : frame.receipts) this.read.add(senderId);
  }
}

const all = (readers: readonly Reader[], holds: (reader: Reader) => boolean, ms: number, what: string) =>
  until(
    () => {
      for (const reader of readers) reader.look();
      return readers.every(holds);
    },
    ms,
    () => {
      const not = readers.filter((reader) => !holds(reader));
      const [one] = not;
      const closed = not.filter((reader) => reader.closed !== undefined).map((reader) => reader.closed);
      const told = `${one?.read.size} receipts in ${one?.frames} frames, ${one?.presences} presences`;
      return stage.report([], [`${not.length} sessions ${what}; closed: ${closed.join()}; one has ${told}`]);
    },
  );

test("a thousand sessions that read one message within a second get every receipt, in few frames", async () => {
  const [owner, ...people] = (await stage.people(1 + READERS)) as [Person, ...Person[]];
  const chatId = await owner.makesRoom(...people);
  const readers: Reader[] = [];
  stage.afterwards(() => readers.forEach((reader) => void reader.close()));
  for (let at = 0; at < READERS; at += AT_ONCE) {
    const some = people.slice(at, at + AT_ONCE);
    readers.push(...some.map((person, index) => new Reader(stage.gateways[index % 2]!.realtime, person)));
    await all(readers, ({ ready }) => ready, 20_000, "are not READY");
  }
  // Each is told once of each: after that, only receipts are on their way.
  await all(readers, ({ presences }) => presences >= READERS, 60_000, "lack presences");
  await owner.says(chatId, "to be read");
  await all(readers, ({ messageId }) => messageId !== undefined, 10_000, "have no message");

  const began = Date.now();
  for (let wave = 0; wave < WAVES; wave++) {
    const size = READERS / WAVES;
    await pause(Math.max(0, began + wave * WAVE_MS - Date.now()));
    for (const reader of readers.slice(wave * size, (wave + 1) * size)) reader.reads(chatId);
  }
  const within = Date.now() - began;
  expect(within).toBeLessThan(SENT_MS);
  await all(readers, ({ read }) => read.size === READERS, 30_000, "lack receipts");
  const took = Date.now() - began;
  // The last ones may come again: the gateways read the store once a second.
  await passed(began + took, 2500);
  for (const reader of readers) reader.look();
  const frames = readers.reduce((sum, reader) => sum + reader.frames, 0);
  process.stdout.write(
    `${READERS} sessions read one message within ${within} ms: all have all ${READERS} receipts after ${took} ms, ` +
      `in ${frames} frames, ${(frames / READERS).toFixed(1)} each\n`,
  );
  expect(readers.map(({ closed }) => closed).filter((code) => code !== undefined)).toEqual([]);
  expect(frames).toBeLessThan(READERS * FRAMES);
});
