import { expect, test } from "vitest";
import { Tally, type Track } from "./tally.ts";

function tallyOf(seqs: readonly number[]): Tally {
  const tally = new Tally();
  const track: Track = { room: "r", last: 0, absent: undefined };
  for (const seq of seqs) tally.event(track, seq);
  return tally;
}

const counts = ({ deliveries, missing, doubled, outOfOrder }: Tally) => ({ deliveries, missing, doubled, outOfOrder });

test("counts each seq in order as one delivery", () => {
  expect(counts(tallyOf([1, 2, 3]))).toEqual({ deliveries: 3, missing: 0, doubled: 0, outOfOrder: 0 });
});

test("counts a gap as missing", () => {
  expect(counts(tallyOf([1, 5]))).toEqual({ deliveries: 2, missing: 3, doubled: 0, outOfOrder: 0 });
});

test("counts a late event as out of order, and no longer as missing", () => {
  expect(counts(tallyOf([2, 3, 1]))).toEqual({ deliveries: 3, missing: 0, doubled: 0, outOfOrder: 1 });
});

test("counts a repeated event as doubled, a late one too", () => {
  expect(counts(tallyOf([2, 1, 1, 2, 3]))).toEqual({ deliveries: 3, missing: 0, doubled: 2, outOfOrder: 1 });
});
