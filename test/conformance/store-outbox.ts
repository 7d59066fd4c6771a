/** What a store's outbox says, decoded. */
import type { OutboxRow } from "@signalbox/core/model/outbox";
import type { Receipt, ReceiptRow } from "@signalbox/core/model/rows";
import { decodeRoomFrame, decodeUserFrame } from "@signalbox/core/ports/engine-frames";
import type { Store } from "@signalbox/core/ports/store";
import { expect } from "vitest";

/** Every row of the outbox that is old enough to be read. */
export const rowsOf = async (store: Store): Promise<readonly OutboxRow[]> =>
  (await store.outbox(new Date(0), [], 10_000)).rows;

/** The frames to these channels, each with its channel; waits until the newest row is old enough, and `least` frames are there. */
export async function told(store: Store, channels: readonly string[], least = 1): Promise<[string, unknown][]> {
  const last = await store.outbox(null, [], 0);
  await expect
    .poll(async () => (await store.outbox(null, [], 0)).now.getTime() - last.now.getTime())
    .toBeGreaterThan(500);
  const frames = (await rowsOf(store))
    .flatMap((row) => row.frames)
    .filter(([, channelId]) => channels.includes(channelId))
    .map(([kind, id, frame]): [string, unknown] => [
      id,
      kind === "room" ? decodeRoomFrame(id, frame) : decodeUserFrame(frame),
    ]);
  expect(frames.length).toBeGreaterThanOrEqual(least);
  return frames;
}

/** A receipt as frames have it. */
export const receiptOf = ({ userId, messageId, eventId, messageSeq, readAt }: ReceiptRow): Receipt => ({
  userId,
  messageId,
  eventId,
  messageSeq,
  readAt,
});
