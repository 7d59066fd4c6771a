/** Unread counts are exact after any steps: a store's counts against those of a list that is looked through from the start. */
import { randomUUID } from "node:crypto";
import type { MessageRow } from "@signalbox/core/model/rows";
import type { Store } from "@signalbox/core/ports/store";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createRoom, read, remove, revise, send } from "./store-rows.ts";
import { type StoreUnderTest, stores } from "./stores.ts";

describe.each(stores)("the store $name", ({ start }) => {
  let stage: StoreUnderTest;
  let store: Store;

  beforeAll(async () => {
    stage = await start();
    ({ store } = stage);
  });
  afterAll(() => stage.stop());

  /** A room as it ought to be counted: everything in lists, looked through from the start. */
  class Naive {
    readonly messages: MessageRow[] = [];
    readonly deleted = new Set<MessageRow>();
    readonly #visible = new Map<string, number>();
    readonly #hidden = new Map<string, number>();
    readonly offline = new Set<string>();

    /** Up to which place the user has read, as they know it, or as others do. */
    place(userId: string, own: boolean): number {
      return Math.max(this.#visible.get(userId) ?? 0, own ? (this.#hidden.get(userId) ?? 0) : 0);
    }

    read(userId: string, place: number): void {
      (this.offline.has(userId) ? this.#hidden : this.#visible).set(userId, place);
    }

    show(userId: string): void {
      this.#visible.set(userId, this.place(userId, true));
      this.#hidden.delete(userId);
      this.offline.delete(userId);
    }

    counts(userId: string) {
      const unread = this.messages
        .slice(this.place(userId, true))
        .filter((message) => message.senderId !== userId && !this.deleted.has(message));
      const mentions = unread.filter((message) =>
        [...(message.mentions ?? []), ...(message.textMentions ?? [])].includes(userId),
      ).length;
      return { unread: unread.length, mentions };
    }
  }

  const PEOPLE = 3;
  const person = fc.nat(PEOPLE - 1);
  const people = fc.option(fc.uniqueArray(person), { nil: null });
  const step = fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({ does: fc.constant("send" as const), who: person, mentions: people, named: people }),
    },
    {
      weight: 2,
      arbitrary: fc.record({ does: fc.constant("edit" as const), at: fc.nat(), mentions: people, named: people }),
    },
    { weight: 2, arbitrary: fc.record({ does: fc.constant("delete" as const), at: fc.nat() }) },
    { weight: 4, arbitrary: fc.record({ does: fc.constant("read" as const), who: person, at: fc.nat() }) },
    { weight: 2, arbitrary: fc.record({ does: fc.constant("choose" as const), who: person, hide: fc.boolean() }) },
  );
  type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

  /** Does the step to the store and to the naive room alike. */
  async function take(roomId: string, users: readonly string[], naive: Naive, step: Step): Promise<void> {
    const named = (places: readonly number[] | null) => places?.map((place) => users[place]!) ?? null;
    if (step.does === "send") {
      const fields = { mentions: named(step.mentions), textMentions: named(step.named) };
      naive.messages.push(await send(store, roomId, users[step.who]!, fields));
    } else if (step.does === "choose") {
      const userId = users[step.who]!;
      await store.choosePresence(userId, step.hide ? "appear_offline" : "online");
      if (step.hide) naive.offline.add(userId);
      else naive.show(userId);
    } else if (naive.messages.length > 0) {
      const index = step.at % naive.messages.length;
      const message = naive.messages[index]!;
      if (step.does === "read") {
        const userId = users[step.who]!;
        if (message.ordinal <= naive.place(userId, true)) return;
        await read(store, message, userId, naive.offline.has(userId));
        naive.read(userId, message.ordinal);
      } else if (naive.deleted.has(message)) return;
      else if (step.does === "delete") {
        await remove(store, message);
        naive.deleted.add(message);
      } else {
        naive.messages[index] = await revise(store, message, {
          mentions: named(step.mentions),
          textMentions: named(step.named),
        });
      }
    }
  }

  describe("what is unread", () => {
    test("is exact, mentions too, after any sends, edits, deletes, reads and hidden reads, wherever it is asked for", async () => {
      const property = fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async (steps) => {
        const users = Array.from({ length: PEOPLE }, () => randomUUID());
        const roomId = await createRoom(store, users);
        const naive = new Naive();
        for (const each of steps) {
          await take(roomId, users, naive, each);
          const counted = await store.counts(users.map((userId) => ({ roomId, userId })));
          const expected = users.map((userId) => ({ roomId, userId, ...naive.counts(userId), mutedUntil: null }));
          expect(counted.toSorted(byUser)).toEqual(expected.toSorted(byUser));
        }
        for (const userId of users) {
          const { unread, mentions, members, lastReadId } = (await store.roomState(roomId, userId, false))!;
          expect({ unread, mentions }).toEqual(naive.counts(userId));
          expect((await store.roomPage(userId, 1, null))[0]!.unread).toBe(unread);
          const idAt = (place: number) => naive.messages[place - 1]?.messageId ?? null;
          expect(lastReadId).toBe(idAt(naive.place(userId, true)));
          // Each sees how far they have read themselves, and of others what is not hidden.
          for (const member of members)
            expect(member.read?.messageId ?? null).toBe(idAt(naive.place(member.userId, member.userId === userId)));
        }
      });
      await fc.assert(property, { numRuns: 100 });
    });

    test("is asked for many people and rooms at once; rooms that do not exist are left out", async () => {
      const [ada, bob] = [randomUUID(), randomUUID()];
      const [first, second] = [await createRoom(store, [ada, bob]), await createRoom(store, [ada, bob])];
      await send(store, first, ada, { mentions: [bob], textMentions: [bob, ada] });
      await send(store, second, bob);
      const asked = [first, second, randomUUID()].flatMap((roomId) => [ada, bob].map((userId) => ({ roomId, userId })));
      const counted = await store.counts(asked);
      expect(counted).toHaveLength(4);
      const none = { unread: 0, mentions: 0, mutedUntil: null };
      expect(counted).toContainEqual({ ...none, roomId: first, userId: ada });
      expect(counted).toContainEqual({ ...none, roomId: first, userId: bob, unread: 1, mentions: 1 });
      expect(counted).toContainEqual({ ...none, roomId: second, userId: ada, unread: 1 });
      expect(counted).toContainEqual({ ...none, roomId: second, userId: bob });
      expect(await store.counts([])).toEqual([]);
    });
  });

  const byUser = (a: { userId: string }, b: { userId: string }) => (a.userId < b.userId ? -1 : 1);
});
