/**
 * The wire, compared byte by byte with `vectors/`. A failure means that clients and nodes in use no longer understand each other.
 * For a new field, type or frame, append a vector. Never change a vector: use a new name instead (or a new version of the
 * subprotocol, `signalbox.v2`), and serve both.
 */
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { encodeMark, MARK_END } from "./cursor.ts";
import { DurableEvent, EVENT_TYPES, type EventBody, SessionFrame, Signal, type SignalBody } from "./down.ts";
import { encodeBody, encodeFrame, headOf, isAddressed, open } from "./encode.ts";
import { parse, parseJson } from "./parse.ts";
import { Action, Control } from "./up.ts";

const vectors = <T>(name: string): T =>
  JSON.parse(readFileSync(new URL(`../vectors/${name}.json`, import.meta.url), "utf8")) as T;

interface Seed {
  readonly type: string;
  readonly recipientId: string;
  readonly [field: string]: unknown;
}

const up = vectors<{ name: string; wire: string; parsed: unknown }[]>("up");
const events = vectors<{ name: string; recipientId: string; body: EventBody | SignalBody; wire: string }[]>("events");
const session = vectors<{ name: string; frame: SessionFrame; wire: string }[]>("session");
const seed = vectors<Seed[]>("seed-events");

const typesOf = (schema: { options: readonly { entries: { type: { literal: string } } }[] }) =>
  schema.options.map(({ entries }) => entries.type.literal);
const isAction = (type: string) => typesOf(Action).includes(type);
const isDurable = (type: string) => typesOf(DurableEvent).includes(type);
const written = (body: EventBody | SignalBody, recipientId: string) =>
  open(encodeBody(body), recipientId) + encodeBody(body);
const received = (wire: string): unknown => {
  const { type } = JSON.parse(wire) as { type: string };
  return parse(isDurable(type) ? DurableEvent : Signal, JSON.parse(wire));
};

describe("what a client sends", () => {
  test.each(up)("$name", ({ wire, parsed }) => {
    const sent = parseJson(wire) as { type: string };
    expect(parse(isAction(sent.type) ? Action : Control, sent)).toEqual(parsed);
  });

  test("every action and every other frame has a vector", () => {
    expect(new Set(up.map(({ parsed }) => (parsed as { type: string }).type))).toEqual(
      new Set([...typesOf(Action), ...typesOf(Control)]),
    );
  });
});

describe("what a session is sent", () => {
  test.each(events)("$name", ({ body, recipientId, wire }) => {
    expect(written(body, recipientId)).toBe(wire);
    expect(received(wire)).toEqual(JSON.parse(wire));
  });

  test.each(session)("$name", ({ frame, wire }) => {
    expect(encodeFrame(frame)).toBe(wire);
    expect(parse(SessionFrame, JSON.parse(wire))).toEqual(frame);
  });

  test("every event, signal and session frame has a vector", () => {
    const types = [...events.map(({ body }) => body.type), ...session.map(({ frame }) => frame.type)];
    expect(new Set<string>(types)).toEqual(
      new Set([...typesOf(DurableEvent), ...typesOf(Signal), ...typesOf(SessionFrame)]),
    );
  });

  test("a type's number on the engine's wire never changes: new ones are appended", () => {
    expect(EVENT_TYPES.slice(0, 11)).toEqual([
      "SEND_MSG",
      "EDIT_MSG",
      "DELETE_MSG",
      "REPLY",
      "REACT",
      "DELETE_REACT",
      "USER_JOIN",
      "USER_LEAVE",
      "NEW_CHAT",
      "DELETE_CHAT",
      "ROOM_STATE",
    ]);
    expect(new Set<string>(EVENT_TYPES)).toEqual(new Set(typesOf(DurableEvent)));
  });
});

describe("the examples of the document Realtime", () => {
  /** The required fields that the contract adds to those of the document. */
  const added = (type: string): Record<string, unknown> => ({
    ...(isDurable(type) ? { seq: 1 } : {}),
    ...(type === "DELETE_REACT" ? { parentMessageId: "770e8400-e29b-41d4-a716-446655440002" } : {}),
    ...(type === "READ_MSG" ? { timeStamp: "2024-01-15T10:41:00Z" } : {}),
  });

  test("there are twelve", () => {
    expect(new Set(seed.map(({ type }) => type)).size).toBe(12);
  });

  test.each(seed)("$type is valid once it has what the contract adds", (example) => {
    const complete = { ...example, ...added(example.type) };
    expect(parse(isDurable(example.type) ? DurableEvent : Signal, complete)).toEqual(complete);
  });

  test.each(seed)("$type as we write it has exactly the document's fields and what the contract adds", (example) => {
    const { recipientId, ...body } = { ...example, ...added(example.type) };
    const wire = JSON.parse(written(body as unknown as EventBody, recipientId)) as Record<string, unknown>;
    expect(wire).toEqual({ ...example, ...added(example.type) });
  });
});

const anyText = fc.string({ unit: "binary" });
const anyUser = fc.string({ unit: fc.constantFrom(..."azAZ09._~:@!$=+-"), minLength: 1, maxLength: 128 });
const awkward = fc.oneof(
  anyText,
  fc.constantFrom('"', "\\", "\n", "\r\n", "\u2028", "\u{1f44d}\u{1f3fd}", "\u{10ffff}", '",{"recipientId":"'),
);

test("an event with any text is read as it was written, on one line, with its recipient first", () => {
  const original = fc.record({ content: awkward, edited: fc.boolean() });
  fc.assert(
    fc.property(
      awkward,
      anyUser,
      anyUser,
      original,
      fc.nat(),
      (message, senderId, recipientId, { content, edited }, seq) => {
        const time = "2024-01-15T10:30:00.000Z";
        const replyTo = {
          chatId: "r",
          timeStamp: time,
          messageId: "m",
          senderId,
          content,
          edited,
          editedAt: edited ? time : null,
        };
        const body = {
          type: "REPLY",
          chatId: "r",
          messageId: "n",
          message,
          senderId,
          replyTo,
          timeStamp: time,
          seq: seq + 1,
        } as const;
        const wire = written(body, recipientId);
        expect(received(wire)).toEqual({ ...body, recipientId });
        expect(wire).not.toMatch(/[\r\n]/);
        expect(wire.startsWith(`{"recipientId":"${recipientId}","seq":${seq + 1},"type":"REPLY"`)).toBe(true);
      },
    ),
  );
});

test("the events of all types with any text are read as they were written", () => {
  fc.assert(
    fc.property(fc.constantFrom(...events), awkward, anyUser, ({ body }, text, recipientId) => {
      const changed = { ...body, ...("message" in body ? { message: text } : {}) } as typeof body;
      const addressed = isAddressed(encodeBody(changed));
      expect(received(written(changed, recipientId))).toEqual(addressed ? { ...changed, recipientId } : changed);
    }),
  );
});

const anyMark = fc.integer({ min: 0, max: MARK_END - 1 });

test("the head of an event is its seq and its mark, behind the comma of an addressed one", () => {
  expect(headOf(17, 0x4f1d09c2)).toBe('"seq":17,"mark":"4f1d09c2",');
  const durable = events.filter(({ body }) => "seq" in body).map(({ body }) => body as EventBody);
  fc.assert(
    fc.property(fc.constantFrom(...durable), fc.nat(), anyMark, (body, seq, number) => {
      const marked = encodeBody({ ...body, seq, mark: encodeMark(number) });
      const { seq: _seq, mark: _mark, ...rest } = body;
      const tail = encodeBody(rest as EventBody).replace(/^,/, "");
      expect(marked).toBe(`${isAddressed(marked) ? "," : ""}${headOf(seq, number)}${tail}`);
      expect(tail.startsWith(`"type":"${body.type}"`)).toBe(true);
    }),
  );
});

test.each(["4f1d09c", "4F1D09C2", "80000000", "4f1d09c2 ", 7, null])("%j is no mark of an event", (mark) => {
  const sent = events.find(({ name }) => name === "SEND_MSG, marked");
  expect(() => parse(DurableEvent, { ...JSON.parse(sent?.wire ?? ""), mark })).toThrow("mark: ");
});

test.each(["17-4f1d09c", "17-80000000", "x", "", 17, null])("%j is no cursor of a room in READY or RESET", (cursor) => {
  for (const name of ["READY", "RESET, diverged"]) {
    const frame = session.find((vector) => vector.name === name)?.frame;
    expect(() => parse(SessionFrame, { ...frame, cursor, rooms: { r: cursor } })).toThrow(/^(rooms\.r|cursor): /);
  }
});

test("a session frame with any text is read as it was written", () => {
  fc.assert(
    fc.property(awkward, awkward, fc.jsonValue(), (detail, ref, data) => {
      for (const frame of [
        { type: "ERROR", code: "invalid", detail },
        { type: "ACK", ref: 1, data },
        { type: "PONG", ref: "p" },
        { type: "READY", sessionId: ref, userId: "u", heartbeatMs: 25_000, rooms: { r: "1-0000000a" } },
      ] as SessionFrame[])
        expect(parse(SessionFrame, JSON.parse(encodeFrame(frame)))).toEqual(JSON.parse(JSON.stringify(frame)));
    }),
  );
});
