/** Transactions of a real Synapse, recorded by `test/matrix/record.ts`, and the messages that they become here. */
import { readdirSync, readFileSync } from "node:fs";
import type { ProjectionFilter } from "@signalbox/core/ports/store";

import { expect, test } from "vitest";
import { createBridge } from "./bridge.fake.ts";

interface Recorded {
  readonly transactionId: string;
  /** The answer at the time of the recording; after 503 the transaction came again. */
  readonly status: number;
  readonly body: { readonly events: readonly { readonly room_id: string }[] };
}

const FOLDER = new URL("../../../test/matrix/recorded/", import.meta.url);
const read = (name: string): unknown => JSON.parse(readFileSync(new URL(name, FOLDER), "utf8"));
const RECORDED = readdirSync(FOLDER)
  .filter((name) => /^\d/.test(name))
  .flatMap((name) => read(name) as readonly Recorded[]);

const EVERYTHING: ProjectionFilter = {
  roomId: null,
  type: null,
  hasFile: null,
  senderId: null,
  threadRoot: null,
  from: null,
  until: null,
  words: null,
  after: null,
};

/** The messages of all rooms as a reader sees them, oldest first, each with its reactions. */
async function messagesIn({ store }: ReturnType<typeof createBridge>): Promise<readonly object[]> {
  const projections = await store.projections("reader", true, EVERYTHING, 1000);
  const rooms = [...new Set(projections.map(({ roomId }) => roomId))];
  const history = (await Promise.all(rooms.map((roomId) => store.history(roomId, 1000, null)))).flat();
  const reactions = new Map(history.map((row) => [row.messageId, row.reactions.map(({ reaction }) => reaction)]));
  const texts = new Map(projections.map(({ messageId, content }) => [messageId, content]));
  return projections.toReversed().map(({ messageId, content, type, file, threadRoot, ...row }) => ({
    content,
    type,
    deleted: row.deleteSeq !== null,
    edited: row.editedAt !== null,
    answers: row.replyTo === null ? null : texts.get(row.replyTo),
    inThread: threadRoot !== null,
    file: file === null ? null : { ...file, mxc_uri: file.mxc_uri?.replace(/[^/]+$/, "…") },
    reactions: reactions.get(messageId) ?? [],
  }));
}

test("everything that Synapse pushed is ingested without a warning, and becomes the messages that its users saw", async () => {
  const bridge = createBridge();
  for (const { body } of RECORDED) await bridge.ingest.take(body);
  expect(bridge.warnings).toEqual([]);
  expect(await messagesIn(bridge)).toEqual(read("told.json"));
});

test("pushed again, at once and in another order it stays the same", async () => {
  const bridge = createBridge();
  const again = [...RECORDED.toReversed(), ...RECORDED];
  for (const { body } of RECORDED) await bridge.ingest.take(body);
  await Promise.all(again.map(({ body }) => bridge.ingest.take(body)));
  expect(bridge.warnings).toEqual([]);
  expect(await messagesIn(bridge)).toEqual(read("told.json"));
});
