import fc from "fast-check";
import { expect, test } from "vitest";
import type { Command } from "../commands/command.ts";
import { idOf, matrixRoom, message, origin, second, text } from "../testing/matrix-room.fake.ts";
import { ingestEdit, ingestMessage, ingestReaction, ingestRedaction } from "./rules.ts";

/** The events of Matrix about one message; each call makes a new command. */
const EVENTS = {
  message: () => ingestMessage(origin("$m", "ann", 1), message("$m", "first", { threadRoot: "$0" })),
  /** The same message, read again after it was redacted. */
  stripped: () =>
    ingestMessage(origin("$m", "ann", 1), message("$m", "", { redacted: { by: "cleo", at: second(20) } })),
  edit1: () => ingestEdit(origin("$e1", "ann", 2), "$m", text("second", { type: "m.notice" })),
  edit2: () => ingestEdit(origin("$e2", "ann", 3), "$m", text("third", { mentions: ["ben"] })),
  /** At the same time as the one before, with a larger id. */
  edit3: () => ingestEdit(origin("$e3", "ann", 3), "$m", text("fourth")),
  forged: () => ingestEdit(origin("$f", "ben", 9), "$m", text("not by its author")),
  sealed: () => ingestEdit(origin("$s", "ann", 9), "$m", null),
  nested: () => ingestEdit(origin("$n", "ann", 9), "$e1", text("an edit of an edit")),
  unedit1: () => ingestRedaction(origin("$re1", "ann", 11), "$e1"),
  unedit2: () => ingestRedaction(origin("$re2", "ann", 12), "$e2"),
  unedit3: () => ingestRedaction(origin("$re3", "ann", 13), "$e3"),
  reaction: () => ingestReaction(origin("$a", "ben", 4), "$m", idOf("$a"), "a"),
  other: () => ingestReaction(origin("$b", "cleo", 5), "$m", idOf("$b"), "a"),
  misled: () => ingestReaction(origin("$c", "ben", 5), "$e1", idOf("$c"), "a"),
  unreact: () => ingestRedaction(origin("$ra", "ben", 14), "$a"),
  redaction: () => ingestRedaction(origin("$rm", "cleo", 20), "$m"),
} satisfies Record<string, () => Command<void>>;
type Name = keyof typeof EVENTS;
const NAMES = Object.keys(EVENTS) as Name[];

/** The row of the message after these events, in any order. */
function expected(names: ReadonlySet<Name>): object[] {
  if (!names.has("message") && !names.has("stripped")) return [];
  const edits = [
    { name: "edit3", undo: "unedit3", says: { content: "fourth", type: "m.text", mentions: null }, at: 3 },
    { name: "edit2", undo: "unedit2", says: { content: "third", type: "m.text", mentions: ["ben"] }, at: 3 },
    { name: "edit1", undo: "unedit1", says: { content: "second", type: "m.notice", mentions: null }, at: 2 },
  ] as const;
  const winner = edits.find(({ name, undo }) => names.has(name) && !names.has(undo));
  const first = { content: "first", type: "m.text", mentions: null };
  const active = { ...(winner?.says ?? first), editedAt: winner ? second(winner.at) : null, threadRoot: "$0" };
  const gone = { content: "", type: "m.text", mentions: null, editedAt: null, threadRoot: null };
  const deleted = names.has("redaction") || names.has("stripped");
  const by = deleted ? { deletedBy: "cleo", deletedAt: second(20) } : { deletedBy: null, deletedAt: null };
  const reactions = [
    ...(names.has("reaction") && !names.has("unreact") ? [idOf("$a")] : []),
    ...(names.has("other") ? [idOf("$b")] : []),
  ];
  return [{ ...(deleted ? gone : active), ...by, sentAt: second(1), messageId: idOf("$m"), reactions }];
}

/** The history after these batches: the events of a batch are ingested at once, the next batch follows its commit. */
async function outcome(batches: readonly (readonly Name[])[]) {
  const { events, history, writer } = await matrixRoom();
  for (const batch of batches) await Promise.all(batch.map((name) => writer.ingest(EVENTS[name]())));
  const rows = (await history()).map((row) => ({
    content: row.content,
    type: row.type,
    mentions: row.mentions,
    editedAt: row.editedAt,
    threadRoot: row.threadRoot,
    deletedBy: row.deletedBy,
    deletedAt: row.deletedAt,
    sentAt: row.sentAt,
    messageId: row.messageId,
    reactions: row.reactions.map(({ reactionId }) => reactionId).sort(),
  }));
  return { rows, seqs: events().map((event) => event.seq) };
}

/** Some of the events in any order, some of them twice, cut anywhere into batches. */
const arrivals = fc
  .tuple(
    fc.shuffledSubarray(NAMES, { minLength: 3 }),
    fc.array(fc.constantFrom(...NAMES), { maxLength: 6 }),
    fc.infiniteStream(fc.nat(3)),
  )
  .map(([some, more, cuts]) => {
    const repeated = more.filter((name) => some.includes(name));
    const batches: Name[][] = [];
    let left = [...some, ...repeated];
    for (const size of cuts) {
      if (left.length === 0) break;
      batches.push(left.slice(0, size + 1));
      left = left.slice(size + 1);
    }
    return batches;
  });

test("the order, the repetition and the grouping of the events of a message change nothing about the outcome", async () => {
  await fc.assert(
    fc.asyncProperty(arrivals, async (batches) => {
      const { rows, seqs } = await outcome(batches);
      expect(rows).toEqual(expected(new Set(batches.flat())));
      expect(seqs).toEqual(seqs.map((_, index) => index + 1));
    }),
    { numRuns: 1000 },
  );
}, 30_000);

function orders<T>(items: readonly T[]): T[][] {
  if (items.length === 0) return [[]];
  return items.flatMap((item, at) => orders(items.toSpliced(at, 1)).map((rest) => [item, ...rest]));
}

test("all orders of a message, two edits, the redaction of one, a reaction and the redaction of all are one outcome", async () => {
  const all = ["message", "edit1", "edit2", "unedit2", "reaction", "redaction"] as const;
  for (const names of [all, all.slice(0, -1), all.slice(0, 3)])
    for (const order of orders(names)) {
      const { rows } = await outcome(order.map((name) => [name]));
      expect({ order, rows }).toEqual({ order, rows: expected(new Set(order)) });
    }
});
