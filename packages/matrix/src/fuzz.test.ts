import { utf8Length } from "@signalbox/protocol/text";
import fc from "fast-check";
import { expect, test } from "vitest";
import { ADA, BEN, createBridge, openRoom, ROOM, roomId } from "./bridge.fake.ts";
import type { Json } from "./events.ts";

const relates = {
  "m.relates_to": { rel_type: "m.replace", event_id: "$1", key: "x", "m.in_reply_to": { event_id: "$2" } },
};
const attached = {
  filename: "a.pdf",
  url: "mxc://a/b",
  info: { mimetype: "a/b", size: 1 },
  "m.mentions": { user_ids: [BEN] },
};
const words = {
  msgtype: "m.file",
  body: "words",
  "m.new_content": { msgtype: "m.text", body: "new" },
  ...attached,
  ...relates,
};

/** An event with every field that is read of any kind. */
const event = (type: string, more: Json): Json => ({
  ...{ event_id: `$strange-${type}`, room_id: ROOM, type, sender: ADA, origin_server_ts: 1_763_740_800_000 },
  ...{
    content: { ...words, membership: "join", displayname: "Ben", name: "Room", redacts: "$1" },
    redacts: "$1",
    ...more,
  },
});
const { "m.relates_to": _, ...plain } = words;
const EVENTS = [
  ...["m.room.message", "m.room.encrypted", "m.sticker", "m.reaction", "m.room.redaction"].map((type) =>
    event(type, {}),
  ),
  ...["m.room.message", "m.sticker"].map((type) => event(type, { content: plain, event_id: "$plain" })),
  ...["m.room.member", "m.room.name", "m.room.create", "constructor"].map((type) => event(type, { state_key: BEN })),
  event("m.room.name", { state_key: "", event_id: "$name" }),
  event("m.room.message", {
    event_id: "$gone",
    unsigned: { redacted_because: { sender: BEN, origin_server_ts: 1, content: {} } },
  }),
];
const EPHEMERAL: readonly Json[] = [
  { type: "m.typing", room_id: ROOM, content: { user_ids: [ADA] } },
  { type: "m.receipt", room_id: ROOM, content: { $1: { "m.read": { [BEN]: { ts: 1, thread_id: "main" } } } } },
  { type: "m.presence", sender: BEN, content: { presence: "online", last_active_ago: 1 } },
];

const anyJson = fc.jsonValue({ maxDepth: 3 });
const odd = fc.oneof(
  anyJson,
  fc.string({ unit: "binary" }),
  fc.constantFrom<unknown>(
    "\0",
    "\ud83d",
    "$",
    "@",
    "!",
    "__proto__",
    "x".repeat(70_000),
    -1,
    1e308,
    {},
    [[]],
    undefined,
  ),
);

/** The paths to all parts of a value, the whole included. */
function pathsOf(value: unknown): string[][] {
  if (value === null || typeof value !== "object") return [[]];
  return [[], ...Object.entries(value).flatMap(([key, each]) => pathsOf(each).map((path) => [key, ...path]))];
}

function replaced(value: unknown, [key, ...rest]: readonly string[], by: unknown): unknown {
  if (key === undefined) return by;
  if (Array.isArray(value))
    return value.map((each: unknown, index) => (String(index) === key ? replaced(each, rest, by) : each));
  return { ...(value as Json), [key]: replaced((value as Json)[key], rest, by) };
}

/** One of the items, with up to two of its parts replaced by any value. */
const mangled = (items: readonly Json[]) =>
  fc.constantFrom(...items).chain((item) => {
    const part = fc.tuple(fc.constantFrom(...pathsOf(item)), odd);
    return fc.tuple(part, fc.boolean(), part).map(([[path, by], twice, [second, other]]) => {
      const once = replaced(item, path, by);
      return twice && second.length === 1 && once !== null && typeof once === "object"
        ? replaced(once, second, other)
        : once;
    });
  });

test("a transaction with any JSON in it is ingested, and its valid events arrive", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(mangled(EVENTS), { maxLength: 6 }),
      fc.array(mangled(EPHEMERAL), { maxLength: 4 }),
      async (events, ephemeral) => {
        const bridge = createBridge();
        await openRoom(bridge);
        const { fake, ingest, store, warnings } = bridge;
        const ids: unknown[] = [];
        const make = store.bridge.bind(store);
        store.bridge = (rooms, users) => {
          ids.push(
            ...rooms.map(({ matrixRoomId }) => matrixRoomId),
            ...users.flatMap((each) => [each.matrixUserId, each.name]),
          );
          return make(rooms, users);
        };
        const neighbour = (body: string) => fake.say(ROOM, "m.room.message", ADA, { msgtype: "m.text", body });
        const [before, after] = [neighbour("before"), neighbour("after")];
        await ingest.take(JSON.parse(JSON.stringify({ events: [before, ...events, after], ephemeral })));
        const found = await store.messageIds(roomId, [String(before.event_id), String(after.event_id)]);
        expect(found.size).toBe(2);
        // No event failed, and every value that reached the store can be stored.
        expect(warnings.filter((each) => !("skipped" in each))).toEqual([]);
        expect(ids.filter((id) => id !== null && typeof id !== "string")).toEqual([]);
        const rows = await store.history(roomId, 100, null);
        const stored = [...ids, ...rows.map(({ content, type, file }) => [content, type, file])];
        expect(JSON.stringify(stored)).not.toMatch(/\\u0000|\\ud[89a-f]/);
        expect(rows.filter(({ content }) => utf8Length(content) > 32_768)).toEqual([]);
      },
    ),
    { numRuns: 400 },
  );
});

test("a transaction of any JSON is ingested", async () => {
  const { ingest } = createBridge();
  const part = fc.oneof(anyJson, fc.array(anyJson));
  const body = fc.oneof(anyJson, fc.record({ events: part, ephemeral: part }, { requiredKeys: [] }));
  await fc.assert(fc.asyncProperty(body, (each) => ingest.take(each)));
});
