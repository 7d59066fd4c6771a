import { encodeBody, encodeFrame, open } from "@signalbox/protocol/encode";
import { expect, test } from "vitest";
import { FrameScanner, type FrameSink, OPCODE } from "./scanner.ts";

const USER = "0f0e3b1c-5a70-4c6e-9d2e-7f3f6c1b2a90";
const ROOM = "01890a5d-ac96-774b-bcce-b302099a8057";

/** A sink that records its calls. */
class RecordingSink implements FrameSink {
  readonly lines: string[] = [];
  event(seq: number, chunk: Buffer, at: number, end: number): void {
    this.lines.push(`event ${seq} ${chunk.toString("utf8", at, end)}`);
  }
  text(chunk: Buffer, start: number, end: number): void {
    this.lines.push(`text ${chunk.toString("utf8", start, end)}`);
  }
  control(opcode: number, chunk: Buffer, start: number, end: number): void {
    this.lines.push(`control ${opcode} ${chunk.toString("utf8", start, end)}`);
  }
}

function frame(opcode: number, payload: string): Buffer {
  const body = Buffer.from(payload);
  if (body.length < 126) return Buffer.concat([Buffer.from([0x80 | opcode, body.length]), body]);
  const short = body.length < 65_536;
  const header = Buffer.alloc(short ? 4 : 10);
  header[0] = 0x80 | opcode;
  header[1] = short ? 126 : 127;
  if (short) header.writeUInt16BE(body.length, 2);
  else header.writeBigUInt64BE(BigInt(body.length), 2);
  return Buffer.concat([header, body]);
}

function message(seq: number, text: string): string {
  const timeStamp = "2025-01-01T00:00:00.000Z";
  const body = encodeBody({
    type: "SEND_MSG",
    chatId: ROOM,
    senderId: "b",
    seq,
    mark: "4f1d09c2",
    timeStamp,
    message: text,
    messageId: "m",
  });
  return open(body, USER) + body;
}

function scanAll(chunks: readonly Buffer[]): string[] {
  const sink = new RecordingSink();
  const scanner = new FrameScanner(USER, sink);
  for (const chunk of chunks) scanner.scan(chunk, 0, chunk.length);
  return sink.lines;
}

test("finds the seq of an addressed event at its fixed place", () => {
  const [line] = scanAll([frame(OPCODE.text, message(1207, "hello"))]);
  expect(line).toMatch(/^event 1207 ,"mark":"4f1d09c2","type":"SEND_MSG",/);
});

test("finds the seq of an event without a recipient", () => {
  const body = encodeBody({ type: "ROOM_STATE", chatId: ROOM, seq: 8, changed: ["plan"] });
  expect(scanAll([frame(OPCODE.text, open(body, USER) + body)])[0]).toMatch(/^event 8 ,"type":"ROOM_STATE"/);
});

test("passes on signals and session frames as text", () => {
  const body = encodeBody({ type: "TYPING", chatId: ROOM, senderId: "b" });
  const typing = open(body, USER) + body;
  const ack = encodeFrame({ type: "ACK", ref: 1, data: { recipientId: USER, seq: 9 } });
  const chunk = Buffer.concat([frame(OPCODE.text, typing), frame(OPCODE.text, ack)]);
  expect(scanAll([chunk])).toEqual([`text ${typing}`, `text ${ack}`]);
});

test("takes no text for a seq", () => {
  const pong = encodeFrame({ type: "PONG", ref: '{"seq":77' });
  expect(scanAll([frame(OPCODE.text, pong)])).toEqual([`text ${pong}`]);
});

test("passes on pings and closes with their payload", () => {
  const chunk = Buffer.concat([frame(OPCODE.ping, "are you there"), frame(OPCODE.close, "xx")]);
  expect(scanAll([chunk])).toEqual(["control 9 are you there", "control 8 xx"]);
});

test("reads the same frames at any split of the stream", () => {
  const frames = [
    frame(OPCODE.text, message(1, "a")),
    frame(OPCODE.ping, ""),
    frame(OPCODE.text, message(2, "b".repeat(300))),
    frame(OPCODE.text, '{"type":"RESUMED"}'),
    frame(OPCODE.text, message(3, "ü")),
  ];
  const stream = Buffer.concat(frames);
  const whole = scanAll([stream]);
  expect(whole).toHaveLength(frames.length);
  for (let at = 1; at < stream.length; at++)
    expect(scanAll([stream.subarray(0, at), stream.subarray(at)])).toEqual(whole);
  expect(scanAll(Array.from(stream, (byte) => Buffer.from([byte])))).toEqual(whole);
});

test("reads a frame longer than 64 KiB from many chunks", () => {
  const stream = Buffer.concat([
    frame(OPCODE.text, message(4, "x".repeat(100_000))),
    frame(OPCODE.text, message(5, "y")),
  ]);
  const chunks: Buffer[] = [];
  for (let at = 0; at < stream.length; at += 1000) chunks.push(stream.subarray(at, at + 1000));
  expect(scanAll(chunks).map((line) => line.slice(0, 7))).toEqual(["event 4", "event 5"]);
});

test("refuses fragments, masked frames and absurd lengths", () => {
  expect(() => scanAll([Buffer.from([0x01, 1, 65])])).toThrow("neither whole text nor control");
  expect(() => scanAll([Buffer.from([0x81, 0x81, 0, 0, 0, 0, 65])])).toThrow("masked");
  expect(() => scanAll([Buffer.from([0x81, 127, 0, 0, 1, 0, 0, 0, 0, 0])])).toThrow("too large");
});
