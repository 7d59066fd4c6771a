import type { Writable } from "node:stream";
import { toBytes } from "@signalbox/core/model/bytes";
import { expect, test } from "vitest";
import * as ws from "ws";
import { textFrame } from "./frame.ts";

/** The messages that a client's receiver reads from bytes off the wire; its types are not published. */
const { Receiver } = ws as unknown as { Receiver: new (options: { isServer: boolean }) => Writable };

function received(bytes: string): string[] {
  const messages: string[] = [];
  const receiver = new Receiver({ isServer: false });
  receiver.on("message", (message: Buffer, binary: boolean) => messages.push(binary ? "binary" : message.toString()));
  receiver.on("error", (error) => {
    throw error;
  });
  receiver.write(Buffer.from(bytes, "latin1"));
  return messages;
}

test.each([0, 1, 125, 126, 127, 255, 256, 65_535, 65_536, 65_537, 262_144, 16_777_216])(
  "a frame of %i bytes is read as it was written, and so is the next one",
  (length) => {
    const payload = "x".repeat(length);
    expect(received(textFrame(payload) + textFrame("next")).map((each) => each === payload || each)).toEqual([
      true,
      "next",
    ]);
  },
);

test("text above one byte arrives, at any length in bytes", () => {
  const texts = ["é", "€", "👍🏽", "ÿ\u0080", "é".repeat(62), "é".repeat(63), "é".repeat(32_768), "👍".repeat(16_384)];
  expect(received(texts.map((text) => textFrame(toBytes(text))).join(""))).toEqual(texts);
});

test("a frame is as long as its bytes are", () => {
  const heads = [0, 125, 126, 65_535, 65_536].map((length) => textFrame("x".repeat(length)).length - length);
  expect(heads).toEqual([2, 2, 4, 4, 10]);
});
