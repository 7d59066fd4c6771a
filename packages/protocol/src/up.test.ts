import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Cursor } from "./cursor.ts";
import { Problem } from "./errors.ts";
import { CreateRoom } from "./http.ts";
import { matrixEventId, parseMessageId } from "./ids.ts";
import { parse, parseJson } from "./parse.ts";
import { Action, Control, Ref } from "./up.ts";

const ROOM = "660e8400-e29b-41d4-a716-446655440001";
const MESSAGE = "770e8400-e29b-41d4-a716-446655440002";
const sent = (fields: object) => ({ type: "SEND_MSG", chatId: ROOM, message: "hello", ...fields });

/** The problem that `input` is refused with; throws when it is accepted. */
function refusal(
  input: unknown,
  schema: typeof Action | typeof Control | typeof CreateRoom | typeof Ref = Action,
): Problem {
  try {
    parse(schema, input);
  } catch (error) {
    if (error instanceof Problem) return error;
    throw error;
  }
  throw new Error("it was accepted");
}
const paths = (input: unknown) => refusal(input).errors?.map(({ path }) => path);

describe("a message", () => {
  test.each([
    ["one byte", "a"],
    ["the most bytes there are", "a".repeat(32_768)],
    ["the most bytes of quotes and newlines, twice as long in JSON", '"\n'.repeat(16_384)],
    ["the most bytes in four-byte characters", "\u{1f44d}".repeat(8192)],
    ["the most bytes in three-byte characters and two ones", `${"\u20ac".repeat(10_922)}ab`],
    ["white space around a word", " \n a \t"],
    ["control characters other than U+0000", "\u0001\u001f\u007f"],
  ])("may be %s", (_, message) => {
    expect(parse(Action, parseJson(JSON.stringify(sent({ message }))))).toMatchObject({ message });
  });

  test.each([
    ["one byte too long", "a".repeat(32_769)],
    ["one byte too long by a two-byte character", `${"a".repeat(32_767)}\u00e9`],
    ["one byte too long in four-byte characters", `${"\u{1f44d}".repeat(8192)}a`],
    ["empty", ""],
    ["only white space", " \t\r\n\u00a0\u2003\u3000"],
    ["with U+0000", "a\0b"],
    ["with a lone high surrogate", "a\ud83d"],
    ["with a lone low surrogate", "\udc4da"],
    ["a number", 1],
    ["null", null],
    ["a list", ["hello"]],
    ["an object", { text: "hello" }],
    ["absent", undefined],
  ])("is not %s", (_, message) => {
    for (const action of [
      sent({ message }),
      { type: "EDIT_MSG", chatId: ROOM, messageId: MESSAGE, message },
      { type: "REPLY", chatId: ROOM, messageId: MESSAGE, message },
    ]) {
      expect(refusal(action).code).toBe("invalid");
      expect(paths(action)).toEqual(["message"]);
    }
  });
});

describe("a reaction", () => {
  const react = (reaction: unknown) => ({ type: "REACT", chatId: ROOM, messageId: MESSAGE, reaction });

  test.each(["a", "\u{1f44d}\u{1f3fd}", "a".repeat(64), "\u{1f44d}".repeat(16)])("may be %s", (reaction) => {
    expect(parse(Action, react(reaction))).toMatchObject({ reaction });
  });

  test.each(["", "a".repeat(65), `${"\u{1f44d}".repeat(16)}a`, "\0", "\ud83d", 1, null, undefined, []])(
    "is not %j",
    (reaction) => {
      expect(paths(react(reaction))).toEqual(["reaction"]);
    },
  );
});

describe("a client's id and mentions", () => {
  test.each([
    { clientMessageId: "a" },
    { clientMessageId: "x".repeat(64) },
    { mentions: [] },
    { mentions: Array(100).fill("@a:b") },
  ])("may be %j", (fields) => {
    expect(parse(Action, sent(fields))).toMatchObject(fields);
  });

  test.each([
    [{ clientMessageId: "" }, "clientMessageId"],
    [{ clientMessageId: "x".repeat(65) }, "clientMessageId"],
    [{ clientMessageId: "a\0" }, "clientMessageId"],
    [{ clientMessageId: 7 }, "clientMessageId"],
    [{ clientMessageId: null }, "clientMessageId"],
    [{ mentions: "ann" }, "mentions"],
    [{ mentions: { 0: "ann" } }, "mentions"],
    [{ mentions: Array(101).fill("ann") }, "mentions"],
    [{ mentions: ["ann", "not a user id"] }, "mentions.1"],
    [{ mentions: ["x".repeat(129)] }, "mentions.0"],
    [{ mentions: [1] }, "mentions.0"],
  ])("are not %j", (fields, path) => {
    expect(paths(sent(fields))).toEqual([path]);
  });
});

describe("ids", () => {
  test.each([ROOM, ROOM.toUpperCase(), `room-${ROOM}`])("%s is a room id", (chatId) => {
    expect(parse(Action, sent({ chatId }))).toMatchObject({ chatId: ROOM });
  });

  test.each([
    "",
    "room-",
    `msg-${ROOM}`,
    `room-room-${ROOM}`,
    `${ROOM} `,
    ROOM.slice(1),
    ROOM.replaceAll("-", ""),
    1,
    null,
    [ROOM],
  ])("%j is no room id", (chatId) => {
    expect(paths(sent({ chatId }))).toEqual(["chatId"]);
  });

  test.each([
    MESSAGE,
    MESSAGE.toUpperCase(),
    `msg-${MESSAGE}`,
    `evt-${MESSAGE}`,
    matrixEventId(MESSAGE, "example.org"),
  ])("%s is a message id", (messageId) => {
    expect(parse(Action, { type: "DELETE_MSG", chatId: ROOM, messageId })).toMatchObject({ messageId: MESSAGE });
  });

  test("an event id that Matrix gave stays as it is", () => {
    for (const id of ["$143273582443PhrSn:example.org", "$Rqnc-F-dvnEYJTyHq_iKxU2bZ1CI92-kuZq3a5lr5Zg"])
      expect(parseMessageId(id)).toBe(id);
  });

  test.each([
    "",
    "$",
    "$a b",
    "$\ud83d",
    `$${"x".repeat(255)}`,
    `room-${MESSAGE}`,
    `msg-evt-${MESSAGE}`,
    "hello",
    1,
    null,
  ])("%j is no message id", (messageId) => {
    expect(paths({ type: "DELETE_MSG", chatId: ROOM, messageId })).toEqual(["messageId"]);
  });

  test("every message id comes back from its Matrix event id", () => {
    fc.assert(
      fc.property(fc.uuid(), (id) => {
        expect(parseMessageId(matrixEventId(id, "localhost"))).toBe(id);
      }),
    );
  });

  test.each([`msg-${MESSAGE}`, "", 1, null])("%j is no reaction id", (reactionId) => {
    expect(paths({ type: "DELETE_REACT", reactionId })).toEqual(["reactionId"]);
  });
});

describe("an action", () => {
  test.each([
    null,
    undefined,
    1,
    "SEND_MSG",
    true,
    [],
    [sent({})],
    {},
    { type: "send_msg" },
    { type: 1 },
    { type: ["SEND_MSG"] },
  ])("is not %j", (input) => {
    expect(refusal(input).code).toBe("invalid");
  });

  test("with unknown fields is taken without them", () => {
    expect(parse(Action, sent({ senderId: "eve", __proto__: { admin: true }, extra: {} }))).toEqual(sent({}));
  });

  test("names every missing field", () => {
    expect(paths({ type: "SEND_MSG" })).toEqual(["chatId", "message"]);
    expect(paths({ type: "REACT" })).toEqual(["chatId", "messageId", "reaction"]);
  });

  test("text that is not JSON is invalid", () => {
    for (const json of ["", "{", "undefined", "{'a':1}", "\ufeff{}"])
      expect(() => parseJson(json)).toThrowError("the body is not JSON");
  });
});

describe("what else a socket takes", () => {
  test("a ref is a string or a finite number", () => {
    for (const ref of ["", "a".repeat(128), 0, -1.5, undefined]) expect(parse(Ref, ref)).toBe(ref);
    for (const ref of ["a".repeat(129), "\0", Number.NaN, Number.POSITIVE_INFINITY, null, {}, true])
      expect(refusal(ref, Ref).code).toBe("invalid");
  });

  test("RESUME takes room ids in all forms, each with a cursor or a bare seq", () => {
    const resumed = (cursor: unknown) => parse(Control, { type: "RESUME", rooms: { [`room-${ROOM}`]: cursor } });
    const parsed = (cursor: Cursor) => ({ type: "RESUME", rooms: { [ROOM]: cursor } });
    expect(resumed(0)).toEqual(parsed({ seq: 0, mark: null }));
    expect(resumed("17")).toEqual(parsed({ seq: 17, mark: null }));
    expect(resumed("17-4f1d09c2")).toEqual(parsed({ seq: 17, mark: 0x4f1d09c2 }));
    for (const cursor of [-1, 1.5, 2 ** 53, "", "x", "17-", "17-80000000", null, { seq: 1, mark: null }]) {
      const { errors } = refusal({ type: "RESUME", rooms: { [ROOM]: cursor } }, Control);
      expect(errors).toEqual([{ path: "rooms", message: "room ids with the cursor of each" }]);
    }
    for (const rooms of [null, "all", { general: 1 }, [1], undefined])
      expect(refusal({ type: "RESUME", rooms }, Control).code).toBe("invalid");
  });

  test("a token is at most 16 KiB", () => {
    expect(refusal({ type: "AUTH", token: "x".repeat(16_385) }, Control).code).toBe("invalid");
    expect(refusal({ type: "AUTH" }, Control).code).toBe("invalid");
  });
});

describe("a room's metadata", () => {
  const room = (metadata: unknown) => ({ name: "Project", metadata });

  test("is kept with any fields", () => {
    const metadata = { a: [1, { b: null }], "c d": "\u{1f44d}" };
    expect(parse(CreateRoom, room(metadata))).toMatchObject({ metadata });
  });

  test.each([
    ["text with U+0000 deep inside", { a: [{ b: "\0" }] }],
    ["a key with a lone surrogate", { "\ud83d": 1 }],
    ["more than 64 KiB", { a: "x".repeat(65_536) }],
    ["a text", "text"],
    ["null", null],
  ])("is not %s", (_, metadata) => {
    expect(refusal(room(metadata), CreateRoom).code).toBe("invalid");
  });

  test("nested too deeply is refused instead of ending the stack", () => {
    const json = `{"name":"a","metadata":${'{"a":'.repeat(20_000)}1${"}".repeat(20_001)}`;
    expect(refusal(JSON.parse(json), CreateRoom).code).toBe("invalid");
  });

  // `v.record` would turn a list into an object before the check for lists.
  test("is not a list", () => {
    expect(refusal(room(["a"]), CreateRoom).code).toBe("invalid");
  });
});

describe("errors never repeat what was sent", () => {
  const SECRET = "s3cr3t";
  const said = (problem: Problem) => JSON.stringify([problem.message, problem.errors]);

  test.each([
    ["a message", sent({ message: `${SECRET}\0` })],
    ["a client id", sent({ clientMessageId: SECRET.repeat(20) })],
    ["a mention", sent({ mentions: [`${SECRET} `] })],
    ["a room id", sent({ chatId: SECRET })],
    ["a type", { type: SECRET }],
    ["a wrong type", sent({ message: { [SECRET]: SECRET } })],
    ["a whole body", SECRET],
  ])("not %s", (_, input) => {
    expect(said(refusal(input))).not.toContain(SECRET);
  });

  test("not a token, and no JSON", () => {
    expect(said(refusal({ type: "AUTH", token: SECRET.repeat(3000) }, Control))).not.toContain(SECRET);
    expect(() => parseJson(`{"token":"${SECRET}"`)).not.toThrowError(SECRET);
  });

  // The default messages of valibot for `safeInteger` and `minValue` contain the value.
  test("not a number", () => {
    expect(said(refusal({ type: "RESUME", rooms: { [ROOM]: 12_345.5 } }, Control))).not.toContain("12345");
  });

  // The path of a wrong key is the key.
  test("not a key", () => {
    expect(said(refusal({ type: "RESUME", rooms: { [SECRET]: 1 } }, Control))).not.toContain(SECRET);
  });
});
