import { expect, test } from "vitest";
import { matrixRoom, message, origin } from "../testing/matrix-room.fake.ts";
import { ingestMessage } from "./rules.ts";

const ROOMS = Array.from({ length: 8 }, (_, index) => `018f0000-0000-8000-8000-00000000000${index}`);
/** The delays of the store's commits, in turns of the event loop. */
const DELAYS = [7, 0, 3, 1, 5, 0, 0, 2];

test("events of several rooms are committed side by side, and of each room in order", async () => {
  const { store, writer } = await matrixRoom();
  const rooms = ROOMS.map((roomId, index) => ({ roomId, matrixRoomId: `!${index}:example.org` }));
  await store.bridge(rooms, []);
  let [underWay, most, turn] = [0, 0, 0];
  const commit = store.commit.bind(store);
  store.commit = async (reads, decide) => {
    underWay++;
    most = Math.max(most, underWay);
    for (let wait = DELAYS[turn++ % DELAYS.length]!; wait > 0; wait--) await new Promise(setImmediate);
    await commit(reads, decide);
    underWay--;
  };
  const ids = Array.from({ length: 200 }, (_, index) => `$${index}`);
  const sent = ids.map(async (eventId, index) => {
    // Not all in one tick: one group would prove nothing.
    for (let wait = Math.floor(index / 10); wait > 0; wait--) await new Promise(setImmediate);
    const command = ingestMessage(
      { ...origin(eventId, "ann", index), roomId: ROOMS[index % ROOMS.length]! },
      message(eventId, eventId),
    );
    await writer.ingest(command);
  });
  const closed = Promise.all(sent).then(() => writer.close());
  await closed;
  expect(most).toBeGreaterThan(1);
  for (const [index, roomId] of ROOMS.entries()) {
    const contents = (await store.history(roomId, 100, null)).map(({ content }) => content).reverse();
    expect(contents).toEqual(ids.filter((_, each) => each % ROOMS.length === index));
  }
});
