import { expect, test } from "vitest";
import {
  BUCKETS,
  bucketOf,
  channelName,
  endedKey,
  LEASE_KEYS,
  nodeKey,
  presenceKeys,
  tokensKey,
  typingKeys,
} from "./keys.ts";
import { SLOTS, slotOf } from "./slots.ts";

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

test("the keys and the channel of one room, or of one user, share a slot", () => {
  const id = "0c6ce2cc-8ae7-4bbd-8a46-6fb1f4a6f4b1";
  const room = [channelName({ kind: "room", id }), ...typingKeys(id)];
  expect(new Set(room.map(slotOf)).size).toBe(1);
  expect(slotOf(channelName({ kind: "user", id }))).toBe(slotOf(tokensKey(id)));
  expect(new Set(room).size).toBe(3);
});

test("the keys of one bucket share a slot, and so do those of all leases", () => {
  const node = "0c6ce2cc-8ae7-4bbd-8a46-6fb1f4a6f4b1";
  for (let bucket = 0; bucket < BUCKETS; bucket++) {
    const keys = [...presenceKeys(bucket), nodeKey(bucket, node), endedKey(bucket, node)];
    expect(new Set(keys.map(slotOf)).size).toBe(1);
    expect(new Set(keys).size).toBe(4);
  }
  expect(new Set(LEASE_KEYS.map(slotOf)).size).toBe(1);
});

test("users are spread over all buckets, and buckets over all servers", () => {
  const users = Array.from({ length: 100 * BUCKETS }, (_, number) => `user-${number}`);
  const sizes = Array.from({ length: BUCKETS }, () => 0);
  for (const user of users) sizes[bucketOf(user)]!++;
  expect(Math.min(...sizes)).toBeGreaterThan(50);
  expect(Math.max(...sizes)).toBeLessThan(200);
  for (const servers of [3, 6]) {
    const counts = Array.from({ length: servers }, () => 0);
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      counts[Math.floor((slotOf(presenceKeys(bucket)[0]) * servers) / SLOTS)]!++;
    }
    expect(Math.max(...counts)).toBeLessThan((2 * BUCKETS) / servers);
  }
});
