/** One WebSocket session over a raw socket: it counts frames and keeps none. */
import { randomBytes } from "node:crypto";
import { connect, type Socket } from "node:net";
import type { Head } from "@signalbox/core/model/rows";
import { parseCursor } from "@signalbox/protocol/cursor";
import { FrameScanner, type FrameSink, OPCODE } from "./scanner.ts";
import { nowMicros, readStamp } from "./stamp.ts";
import { SAMPLE_EVERY, type Tally, type Track } from "./tally.ts";

/** The read buffer of all sockets of a process: a chunk is scanned to its end before the next socket is read. */
const incoming = Buffer.allocUnsafeSlow(256 * 1024);
const CHAT_ID = '"chatId":"';
const LONGEST_HANDSHAKE = 16_384;

export interface SessionPlan {
  readonly userId: string;
  readonly token: string;
  /** `ws://host:port` of a gateway. */
  readonly gateway: string;
}

type State = "upgrading" | "greeting" | "open" | "ended";

export class Session implements FrameSink {
  readonly userId: string;
  /** Resolves with READY; rejects when the session ends before it. */
  readonly ready: Promise<void>;
  /** One for each room of READY. */
  tracks: readonly (Track & { readonly start: Head })[] = [];
  readonly #tally: Tally;
  readonly #onText: ((text: string) => void) | undefined;
  readonly #scanner: FrameScanner;
  readonly #socket: Socket;
  #only: Track | undefined;
  #byRoom: ReadonlyMap<number, Track> = new Map();
  #state: State = "upgrading";
  #answer = "";
  #settle: (problem?: Error) => void = () => {};

  /** Connects. `onText` receives text frames other than durable events. */
  constructor(plan: SessionPlan, tally: Tally, onText?: (text: string) => void) {
    this.userId = plan.userId;
    this.#tally = tally;
    this.#onText = onText;
    this.#scanner = new FrameScanner(plan.userId, this);
    this.ready = new Promise((resolve, reject) => {
      this.#settle = (problem) => (problem === undefined ? resolve() : reject(problem));
    });
    const { hostname, port } = new URL(plan.gateway);
    const onread = { buffer: incoming, callback: (length: number) => this.#read(length) };
    this.#socket = connect({ host: hostname.replace(/^\[|\]$/g, ""), port: Number(port || 80), noDelay: true, onread });
    this.#socket.on("error", (error) => this.#ended(`1006 ${error.message}`)).on("close", () => this.#ended("1006"));
    this.#socket.write(upgradeRequest(plan));
  }

  /** Sends a text frame. Frames of one tick leave in one write. */
  send(text: string): void {
    this.#write(OPCODE.text, Buffer.from(text));
  }

  event(seq: number, chunk: Buffer, at: number, end: number): void {
    const track = this.#only ?? this.#byRoom.get(roomKey(chunk, chunk.indexOf(CHAT_ID, at, "latin1") + CHAT_ID.length));
    const tally = this.#tally;
    if (track === undefined) {
      tally.others++;
      return;
    }
    tally.event(track, seq);
    if (--tally.untilSample > 0) return;
    tally.untilSample = SAMPLE_EVERY;
    const sentAt = readStamp(chunk, at, end);
    if (!Number.isNaN(sentAt)) tally.latency.record(nowMicros() - sentAt);
  }

  text(chunk: Buffer, start: number, end: number): void {
    if (this.#state === "greeting") {
      this.#greeted(chunk.toString("utf8", start, end));
      return;
    }
    this.#tally.others++;
    this.#onText?.(chunk.toString("utf8", start, end));
  }

  control(opcode: number, chunk: Buffer, start: number, end: number): void {
    if (opcode === OPCODE.ping) this.#write(OPCODE.pong, Buffer.from(chunk.subarray(start, end)));
    if (opcode !== OPCODE.close) return;
    this.#ended(`${end - start >= 2 ? chunk.readUInt16BE(start) : 1005}`);
    this.#socket.destroy();
  }

  /** Always true: the socket goes on reading. */
  #read(length: number): boolean {
    try {
      if (this.#state === "upgrading") this.#upgrade(length);
      else if (this.#state !== "ended") {
        const before = this.#tally.deliveries;
        this.#scanner.scan(incoming, 0, length);
        if (this.#tally.deliveries !== before) this.#tally.lastAt = nowMicros();
      }
    } catch (error) {
      this.#socket.destroy(error as Error);
    }
    return true;
  }

  #upgrade(length: number): void {
    this.#answer += incoming.toString("latin1", 0, length);
    const end = this.#answer.indexOf("\r\n\r\n");
    if (end < 0 && this.#answer.length < LONGEST_HANDSHAKE) return;
    if (!this.#answer.startsWith("HTTP/1.1 101 ")) throw new Error(`answered ${this.#answer.slice(0, 12)}`);
    const rest = Buffer.from(this.#answer.slice(end + 4), "latin1");
    this.#answer = "";
    this.#state = "greeting";
    this.#scanner.scan(rest, 0, rest.length);
  }

  #greeted(text: string): void {
    const frame = JSON.parse(text) as { type: string; rooms: Record<string, string> };
    if (frame.type !== "READY") throw new Error(`greeted with ${frame.type}`);
    this.tracks = Object.entries(frame.rooms).map(([room, cursor]) => ({
      room,
      start: endIn(cursor),
      last: endIn(cursor).seq,
      absent: undefined,
    }));
    if (this.tracks.length === 1) this.#only = this.tracks[0];
    this.#byRoom = new Map(this.tracks.map((track) => [roomKey(Buffer.from(track.room), 0), track]));
    if (this.#byRoom.size !== this.tracks.length) throw new Error("two rooms whose ids end alike");
    this.#state = "open";
    this.#settle();
  }

  #write(opcode: number, payload: Buffer): void {
    if (this.#socket.writableCorked === 0) {
      this.#socket.cork();
      process.nextTick(() => this.#socket.uncork());
    }
    this.#socket.write(frameHeader(opcode, payload.length));
    this.#socket.write(payload);
  }

  #ended(reason: string): void {
    if (this.#state === "ended") return;
    this.#state = "ended";
    this.#tally.closed[reason] = (this.#tally.closed[reason] ?? 0) + 1;
    this.#settle(new Error(`a session ended before it was ready: ${reason}`));
  }
}

function endIn(cursor: string): Head {
  const parsed = parseCursor(cursor);
  if (parsed === undefined || parsed.mark === null) throw new Error("a room of READY without a cursor");
  return { seq: parsed.seq, mark: parsed.mark };
}

function upgradeRequest({ gateway, token }: SessionPlan): string {
  const lines = [
    "GET /realtime HTTP/1.1",
    `Host: ${new URL(gateway).host}`,
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Version: 13",
    `Sec-WebSocket-Key: ${randomBytes(16).toString("base64")}`,
    `Authorization: Bearer ${token}`,
  ];
  return `${lines.join("\r\n")}\r\n\r\n`;
}

/** A client's frame must be masked; a mask of zeros leaves the payload as it is, which saves the work. */
function frameHeader(opcode: number, length: number): Buffer {
  const extended = length < 126 ? 0 : length < 65_536 ? 2 : 8;
  const header = Buffer.alloc(2 + extended + 4);
  header[0] = 0x80 | opcode;
  header[1] = 0x80 | (extended === 0 ? length : extended === 2 ? 126 : 127);
  if (extended === 2) header.writeUInt16BE(length, 2);
  if (extended === 8) header.writeBigUInt64BE(BigInt(length), 2);
  return header;
}

/** The last twelve hexadecimal digits of the UUID at `at`, as a number: cheaper to look up than a string. */
function roomKey(chunk: Buffer, at: number): number {
  let key = 0;
  for (let index = at + 24; index < at + 36; index++) {
    const byte = chunk[index]!;
    key = key * 16 + (byte < 58 ? byte - 48 : byte - 87);
  }
  return key;
}
