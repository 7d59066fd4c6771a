import { expect, test } from "vitest";
import { preview } from "./preview.ts";

test("a short text is its own preview, on one line", () => {
  expect(preview("hello")).toBe("hello");
  expect(preview("  one\r\n\n two\tthree\u00a0four\n")).toBe("one two three four");
  expect(preview("")).toBe("");
});

test("a long text is cut behind 200 characters, none of them in two", () => {
  expect(preview("a".repeat(201))).toBe("a".repeat(200));
  expect(preview("\u{1f44d}".repeat(300))).toBe("\u{1f44d}".repeat(200));
  expect(preview(`a${"\u{1f44d}".repeat(300)}`)).toBe(`a${"\u{1f44d}".repeat(199)}`);
  expect(preview("\u{1f44d}".repeat(150))).toBe("\u{1f44d}".repeat(150));
});

test("white space counts as the one space that it becomes", () => {
  expect(preview(`${" \n".repeat(5000)}${"a \n ".repeat(300)}`)).toBe("a ".repeat(100));
});
