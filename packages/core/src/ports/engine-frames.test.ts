/**
 * The frames between nodes, compared byte by byte with the protocol's `vectors/engine.json`. During a deployment nodes of two
 * versions exchange frames, and a changed vector breaks them. Give the frame a new letter instead, and append a vector.
 */
import { readFileSync } from "node:fs";
import { EVENT_TYPES } from "@signalbox/protocol/down";
import { encodeBody, open } from "@signalbox/protocol/encode";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { toBytes, toText } from "../model/bytes.ts";
import {
  decodeRoomFrame,
  decodeUserFrame,
  encodeEventFrame,
  encodeHeadFrame,
  encodeHiddenFrame,
  encodeJoinedFrame,
  encodeMarkerFrame,
  encodeMarkerMovedFrame,
  encodeOwnFrame,
  encodePresenceFrame,
  encodeReceiptsFrame,
  encodeRevokedFrame,
  encodeStopFrame,
  encodeTypingFrame,
  type RoomFrame,
  USER_CHANGED_FRAME,
  type UserFrame,
} from "./engine-frames.ts";
import type { Channel } from "./pub-sub.ts";

interface Vector {
  readonly name: string;
  readonly channel: Channel;
  readonly frame: RoomFrame | UserFrame;
  readonly wire: string;
}

const dated = (key: string, value: unknown) => (key === "readAt" || key === "at" ? new Date(value as string) : value);
const file = new URL("../../../protocol/vectors/engine.json", import.meta.url);
const vectors = JSON.parse(readFileSync(file, "utf8"), dated) as Vector[];

function encode(frame: RoomFrame | UserFrame): string {
  switch (frame.kind) {
    case "event":
      return encodeEventFrame(frame.event);
    case "typing":
      return encodeTypingFrame(frame.userId, frame.remainingMs);
    case "stop":
      return encodeStopFrame(frame.userId);
    case "receipts":
      return encodeReceiptsFrame(frame.receipts);
    case "joined":
      return encodeJoinedFrame(frame.roomId, frame.seq);
    case "revoked":
      return encodeRevokedFrame(frame.at);
    case "presence":
      return encodePresenceFrame(frame.people);
    case "own":
      return encodeOwnFrame(frame);
    case "receipt":
      return encodeHiddenFrame(frame.roomId, frame.receipt);
    case "marker":
      return encodeMarkerFrame(frame.roomId, frame.messageId);
    case "marker moved":
      return encodeMarkerMovedFrame(frame.roomId);
    case "user changed":
      return USER_CHANGED_FRAME;
    case "head":
      return encodeHeadFrame(frame.seq);
  }
}

const decode = ({ kind, id }: Channel, wire: string) =>
  kind === "room" ? decodeRoomFrame(id, wire) : decodeUserFrame(wire);

describe("between nodes", () => {
  test.each(vectors)("$name", ({ channel, frame, wire }) => {
    expect(encode(frame)).toBe(wire);
    expect(decode(channel, wire)).toEqual(frame);
  });

  test("every kind of frame has a vector", () => {
    const kinds: Record<(RoomFrame | UserFrame)["kind"], true> = {
      event: true,
      typing: true,
      stop: true,
      receipts: true,
      joined: true,
      revoked: true,
      presence: true,
      own: true,
      receipt: true,
      marker: true,
      "marker moved": true,
      "user changed": true,
      head: true,
    };
    expect(new Set(vectors.map(({ frame }) => frame.kind))).toEqual(new Set(Object.keys(kinds)));
  });

  test.each(["", "z", "zebra 1 2\n3", "e1 99 ann\n{}", "e1 x ann\n{}", "t4000"])(
    "%j, which another version may send, is passed over",
    (wire) => {
      expect(decodeRoomFrame("r", wire)).toBeUndefined();
    },
  );

  test.each(["", "z", "zebra"])("%j to a user, which another version may send, is passed over", (wire) => {
    expect(decodeUserFrame(wire)).toBeUndefined();
  });
});

const anyUser = fc.string({ unit: fc.constantFrom(..."azAZ09._~:@!$=+-"), minLength: 1, maxLength: 128 });
const anyText = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.constantFrom("\n", '"\r\n"', "e1 0 eve\n{}", "\u{1f44d}\u{10ffff}"),
);

test("an event with any text arrives as it was written", () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...EVENT_TYPES),
      anyUser,
      fc.integer({ min: 1 }),
      anyText,
      (type, userId, seq, message) => {
        const text = encodeBody({
          type: "EDIT_MSG",
          chatId: "r",
          senderId: userId,
          seq,
          message,
          messageId: "m",
          editedAt: "t",
        });
        const event = { roomId: "r", seq, mark: seq, prev: 0, type, userId, body: toBytes(text) };
        const frame = decodeRoomFrame("r", encodeEventFrame(event));
        expect(frame).toEqual({ kind: "event", event });
        const body = frame?.kind === "event" ? toText(frame.event.body) : "";
        expect(JSON.parse(open(body, userId) + body)).toMatchObject({ message, recipientId: userId });
      },
    ),
  );
});

test("receipts of any users arrive as they were written", () => {
  const receipt = fc.record({
    userId: anyUser,
    messageId: fc.uuid(),
    eventId: fc.constantFrom(null, "$given-by_Matrix", "$ünlich:example.org"),
    messageSeq: fc.integer({ min: 1 }),
    readAt: fc.date({ min: new Date(0), max: new Date("9999-01-01"), noInvalidDate: true }),
  });
  fc.assert(
    fc.property(fc.array(receipt, { minLength: 1, maxLength: 20 }), (receipts) => {
      expect(decodeRoomFrame("r", encodeReceiptsFrame(receipts))).toEqual({ kind: "receipts", receipts });
    }),
  );
});

test("text is the same after its way through bytes", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), (text) => {
      expect(toText(toBytes(text))).toBe(text);
    }),
  );
});
