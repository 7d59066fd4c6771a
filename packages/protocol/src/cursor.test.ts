import { expect, test } from "vitest";
import { encodeCursor, encodeMark, MARK_END, parseCursor } from "./cursor.ts";

test("a mark is 8 hex digits", () => {
  expect(encodeMark(0)).toBe("00000000");
  expect(encodeMark(0x4f1d09c2)).toBe("4f1d09c2");
  expect(encodeMark(MARK_END - 1)).toBe("7fffffff");
});

test("a cursor is its seq and its mark, and is read back", () => {
  expect(encodeCursor(17, 0x4f1d09c2)).toBe("17-4f1d09c2");
  expect(encodeCursor(0, 0)).toBe("0-00000000");
  for (const [seq, mark] of [
    [0, 0],
    [17, 0x4f1d09c2],
    [Number.MAX_SAFE_INTEGER, MARK_END - 1],
  ] as const) {
    expect(parseCursor(encodeCursor(seq, mark))).toEqual({ seq, mark });
  }
});

test("a bare seq, as a number or a text, has no mark", () => {
  for (const seq of [0, 17, Number.MAX_SAFE_INTEGER]) {
    expect(parseCursor(seq)).toEqual({ seq, mark: null });
    expect(parseCursor(`${seq}`)).toEqual({ seq, mark: null });
  }
});

test.each([
  -1,
  1.5,
  2 ** 53,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  "",
  "-1",
  "+1",
  "1.5",
  "1e3",
  " 1",
  "1\n",
  "x",
  "9007199254740992",
  "00000000000000017",
  "17-",
  "-4f1d09c2",
  "17-4f1d09c",
  "17-4f1d09c22",
  "17-4F1D09C2",
  "17-4f1d09cg",
  "17-80000000",
  "17-ffffffff",
  "9007199254740992-4f1d09c2",
  "17_4f1d09c2",
  null,
  undefined,
  true,
  {},
  ["17"],
])("%s is no cursor", (given) => {
  expect(parseCursor(given)).toBeUndefined();
});
