import type { Signal } from "@signalbox/core/delivery/signal";
import { toBytes, toText } from "@signalbox/core/model/bytes";
import { encodeBody } from "@signalbox/protocol/encode";
import { parse } from "@signalbox/protocol/parse";
import { SseEvent } from "@signalbox/protocol/sse";
import { describe, expect, test } from "vitest";
import { createSse } from "./sse.ts";

const ROOM = "660e8400-e29b-41d4-a716-446655440001";
const MESSAGE = "770e8400-e29b-41d4-a716-446655440002";
const EVENT_ID = "$dw6EAOKbQdSnFkRmVUQAAg:chat.example.org";
const AT = new Date("2026-02-24T14:35:00Z");
const sse = createSse({ serverName: "chat.example.org" });

const live = (about: Signal["about"]): Signal => ({ key: "k", roomId: ROOM, body: "", about });
const row = (message: string) => {
  const body = {
    type: "SEND_MSG",
    seq: 7,
    chatId: ROOM,
    senderId: "ann",
    timeStamp: AT.toISOString(),
    messageId: MESSAGE,
    message,
  } as const;
  const place = { roomId: ROOM, seq: 7, mark: 10, prev: 9 };
  return { ...place, type: "SEND_MSG", userId: "ann", body: toBytes(encodeBody(body)) } as const;
};
const receipt = (userId: string) => ({ userId, messageId: MESSAGE, eventId: null, messageSeq: 7, readAt: AT });

describe("a signal", () => {
  test.each<[string, Signal["about"], string]>([
    [
      "of typing",
      { kind: "typing", userId: "ann", remainingMs: 4000 },
      'event: typing\ndata: {"user_id":"ann","typing":true,"expires_in_ms":4000}\n\n',
    ],
    [
      "of the end of typing",
      { kind: "typing", userId: "ann", remainingMs: 0 },
      'event: typing\ndata: {"user_id":"ann","typing":false,"expires_in_ms":0}\n\n',
    ],
    [
      "of presence",
      { kind: "presence", userId: "ann", status: "busy", activeAt: AT },
      'event: presence\ndata: {"user_id":"ann","status":"unavailable","last_active_at":"2026-02-24T14:35:00.000Z"}\n\n',
    ],
    [
      "of one's own presence while one appears offline",
      { kind: "presence", userId: "ann", status: "appear_offline", activeAt: null },
      'event: presence\ndata: {"user_id":"ann","status":"offline","last_active_at":null}\n\n',
    ],
    [
      "of several receipts",
      { kind: "receipts", receipts: [receipt("ann"), receipt("ben")] },
      `event: receipt\ndata: {"user_id":"ann","event_id":"${EVENT_ID}","read_at":"2026-02-24T14:35:00.000Z"}\n\n` +
        `event: receipt\ndata: {"user_id":"ben","event_id":"${EVENT_ID}","read_at":"2026-02-24T14:35:00.000Z"}\n\n`,
    ],
    [
      "of what is unread",
      { kind: "notification", why: "mention", messageId: MESSAGE, eventId: null, unread: 3, mentions: 1 },
      `event: notification\ndata: {"kind":"mention","event_id":"${EVENT_ID}","unread_count":3,"mention_count":1}\n\n`,
    ],
    [
      "of a message that Matrix gave its id",
      { kind: "receipts", receipts: [{ ...receipt("ann"), eventId: "$given" }] },
      'event: receipt\ndata: {"user_id":"ann","event_id":"$given","read_at":"2026-02-24T14:35:00.000Z"}\n\n',
    ],
    ["of a marker, which is not for streams", { kind: "marker", messageId: MESSAGE }, ""],
  ])("%s", (_, about, wire) => {
    expect(sse.signal(live(about))).toBe(wire);
    for (const block of wire.split("\n\n").slice(0, -1)) {
      const [, event, data = ""] = /^event: (.*)\ndata: (.*)$/.exec(block) ?? [];
      expect(() => parse(SseEvent, { event, data: JSON.parse(data) })).not.toThrow();
    }
  });
});

test("a message is printed with its beginning, on one line, as UTF-8", () => {
  const wire = toText(sse.event(row(`Caf\u00e9 \u{1f44d}\r\n\n${"x".repeat(300)}`)));
  expect(wire.split("\n").slice(0, 2)).toEqual(["id: 7-0000000a", "event: message"]);
  const { preview } = JSON.parse(/^data: (.*)$/m.exec(wire)?.[1] ?? "");
  expect(preview).toBe(`Caf\u00e9 \u{1f44d} ${"x".repeat(200 - 7)}`);
  expect(wire.split("\n")).toHaveLength(5);
});

test("what many streams are sent is printed once", () => {
  let read = 0;
  const once = row("hello");
  const counted = {
    ...once,
    get body() {
      read++;
      return once.body;
    },
  };
  const signal = live({ kind: "typing", userId: "ann", remainingMs: 4000 });
  const [first, second] = [sse.event(counted), sse.event(counted)];
  expect(first).toBe(second);
  expect(read).toBe(1);
  expect(sse.signal(signal)).toBe(sse.signal(signal));
});
