import { expect, test } from "vitest";
import { channelName, tokensKey, typingKeys } from "./keys.ts";
import { slotOf } from "./slots.ts";

test("a key's slot is the one that Redis computes", () => {
  // CLUSTER KEYSLOT of a server; the first is the check value of the CRC, 0x31C3.
  expect(slotOf("123456789")).toBe(12_739);
  expect(slotOf("foo")).toBe(12_182);
  expect(slotOf("")).toBe(0);
});

test("only the first pair of braces with something in it counts", () => {
  expect(slotOf("any:{foo}:thing")).toBe(slotOf("foo"));
  expect(slotOf("{foo}{bar}")).toBe(slotOf("foo"));
  expect(slotOf("foo{}")).not.toBe(slotOf("foo"));
  expect(slotOf("foo{}{bar}")).not.toBe(slotOf("bar"));
  expect(slotOf("{{foo}")).toBe(slotOf("{foo"));
});

test("what belongs to one room, or to one user, lies together", () => {
  const id = "0c6ce2cc-8ae7-4bbd-8a46-6fb1f4a6f4b1";
  const room = [channelName({ kind: "room", id }), ...typingKeys(id)];
  expect(new Set(room.map(slotOf)).size).toBe(1);
  expect(slotOf(channelName({ kind: "user", id }))).toBe(slotOf(tokensKey(id)));
  expect(new Set(room).size).toBe(3);
});
