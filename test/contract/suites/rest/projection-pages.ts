/** CONTRACT sections 1 "Pages" and 7: pages of message projections. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { times } from "../../../support/lists.ts";
import type { Person, World } from "../../../support/world.ts";
import { bridge } from "../../stages/bridged-room.ts";
import { messageKinds } from "../../stages/message-kinds.ts";
import { pageOf } from "../../support/projections.ts";

export function projectionPages(world: World): void {
  describe("a list of message projections in pages", () => pages(world));
}

/** Every id of a conversation, read in pages; `between` runs between two pages. */
async function paged(asker: Person, chatId: string, limit: number, between: () => Promise<unknown>): Promise<string[]> {
  const ids: string[] = [];
  const query = { conversation_id: chatId, limit: String(limit) };
  for (let cursor: string | null | undefined; cursor !== null; ) {
    const page = await pageOf(asker, cursor === undefined ? query : { ...query, cursor });
    ids.push(...page.data.map(({ id }) => id));
    expect(page.data.length).toBe(page.next_cursor === null ? Math.min(page.data.length, limit) : limit);
    cursor = page.next_cursor;
    if (cursor !== null) await between();
  }
  return ids;
}

function pages(world: World): void {
  test("ends with a page without a cursor, full or not", async () => {
    const { alice, chatId } = await world.chat();
    await times(4, (index) => alice.says(chatId, `message ${index}`));
    for (const limit of [1, 2, 3, 4, 5]) {
      const ids = await paged(alice, chatId, limit, async () => undefined);
      expect(new Set(ids).size).toBe(4);
      expect(ids).toHaveLength(4);
    }
    expect(await pageOf(alice, { conversation_id: await alice.makesRoom() })).toEqual({ data: [], next_cursor: null });
  });

  test("keeps its filter from page to page", async () => {
    const { bob, chatId } = await messageKinds(world);
    const query = { conversation_id: chatId, has_attachment: "true", limit: "3" };
    const first = await pageOf(bob, query);
    const second = await pageOf(bob, { ...query, cursor: first.next_cursor! });
    expect([...first.data, ...second.data].map(({ message_type }) => message_type)).toEqual([
      "m.sticker",
      "m.video",
      "m.audio",
      "m.file",
      "m.image",
    ]);
    expect(second.next_cursor).toBeNull();
  });

  test("skips and repeats nothing while the room grows at either end and in the middle", async () => {
    const { alice, bob, room, chatId } = await bridge(world);
    const young = Date.now() - 1_000_000;
    const growth = fc.array(fc.record({ ago: fc.integer({ min: 0, max: 2_000_000 }), native: fc.boolean() }), {
      maxLength: 4,
    });
    const grow = (added: readonly { ago: number; native: boolean }[]) =>
      Promise.all(
        added.map(({ ago, native }) =>
          native
            ? bob.says(chatId, "now")
            : room.pushes([room.says(alice, "some time", {}, { origin_server_ts: young - ago })]),
        ),
      );
    const property = fc.asyncProperty(
      fc.integer({ min: 1, max: 7 }),
      fc.array(growth, { minLength: 1, maxLength: 6 }),
      async (limit, growths) => {
        await grow(growths[0]!);
        const before = await paged(alice, chatId, 100, async () => undefined);
        let turn = 0;
        const ids = await paged(alice, chatId, limit, () => grow(turn < 8 ? growths[turn++ % growths.length]! : []));
        expect(new Set(ids).size).toBe(ids.length);
        expect(ids).toEqual([...ids].sort().reverse());
        const present = new Set(ids);
        expect(before.filter((id) => !present.has(id))).toEqual([]);
      },
    );
    await fc.assert(property, { numRuns: 8 });
  });
}
