import { encodeBody } from "@signalbox/protocol/encode";
import { expect, test } from "vitest";
import { toBytes } from "./bytes.ts";
import { messageRefOf } from "./message-ref.ts";

const row = { roomId: "room", seq: 1, type: "SEND_MSG", userId: "ann" } as const;
const body = (more: object) =>
  toBytes(
    encodeBody({
      type: "SEND_MSG",
      chatId: "room",
      seq: 1,
      senderId: "ann",
      messageId: "m1",
      message: '"mentions":["eve"],"eventId":"$no"',
      timeStamp: "2026-01-01T00:00:00.000Z",
      ...more,
    }),
  );

test("the reference that travels beside an event is taken as it is", () => {
  const message = { messageId: "m0", eventId: null, mentions: ["ben"] };
  expect(messageRefOf({ ...row, body: "", message })).toBe(message);
});

test("an event from the store is decoded; a text that looks like its fields changes nothing", () => {
  expect(messageRefOf({ ...row, body: body({}) })).toEqual({ messageId: "m1", eventId: null, mentions: [] });
  expect(messageRefOf({ ...row, body: body({ mentions: ["zoë"], eventId: '$é"\\' }) })).toEqual({
    messageId: "m1",
    eventId: '$é"\\',
    mentions: ["zoë"],
  });
});
