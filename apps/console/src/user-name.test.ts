import { expect, test } from "vitest";
import { hue, initials, userNamed } from "./user-name.ts";

test.each([
  ["Alice", "alice"],
  ["  Ann Lee ", "ann-lee"],
  ["Zoë (2)", "zo=c3=ab--2-"],
  ["Жанна", "=d0=b6=d0=b0=d0=bd=d0=bd=d0=b0"],
])("%s has a user id of allowed characters", (name, userId) => {
  expect(userNamed(name)).toEqual({ userId, name: name.trim() });
  expect(userId).toMatch(/^[A-Za-z0-9._~:@!$=+-]{1,128}$/);
});

test("a blank name, or one that makes too long an id, has no user", () => {
  expect([userNamed("  "), userNamed("ж".repeat(64))]).toEqual([undefined, undefined]);
});

test("initials are those of the first and the last name", () => {
  expect(["Alice", "Ann van Lee", "élan", "😀 Bo", ""].map(initials)).toEqual(["A", "AL", "É", "😀B", "?"]);
});

test("a user always has the same colour", () => {
  expect(hue("alice", 6)).toBe(hue("alice", 6));
  expect(hue("bob", 6)).toBeLessThan(6);
});
