/** CONTRACT section 6: unread counts are exact after edits, deletes and receipts in any order, in every answer. */
import { describe, expect, test } from "vitest";
import { dataOf } from "../../../support/http.ts";
import { matrixId, receiptsOf, stateOf } from "../../../support/queries.ts";
import { randomNumbers } from "../../../support/random.ts";
import type { Person, World } from "../../../support/world.ts";

interface Said {
  readonly messageId: string;
  readonly author: Person;
  readonly mentions: readonly string[];
  deleted: boolean;
}

/** The expected counts of a room, computed from all its messages. */
class Model {
  readonly said: Said[] = [];
  /** The number of `said` up to the receipt, by user. */
  readonly read = new Map<string, number>();

  of({ id }: Person): { unread_count: number; mention_count: number; last_read: string | null } {
    const read = this.read.get(id) ?? 0;
    const unread = this.said.slice(read).filter(({ author, deleted }) => author.id !== id && !deleted);
    return {
      unread_count: unread.length,
      mention_count: unread.filter(({ mentions }) => mentions.includes(id)).length,
      last_read: read === 0 ? null : this.said[read - 1]!.messageId,
    };
  }
}

/** A repeatable choice of a number below `count`. */
function chooser(seed: number): (count: number) => number {
  const next = randomNumbers(seed);
  return (count) => next() % count;
}

/** One action of a user: a message, a reply, an edit, a deletion or a receipt. */
async function step(
  model: Model,
  people: readonly Person[],
  chatId: string,
  choose: (count: number) => number,
): Promise<void> {
  const actor = people[choose(people.length)]!;
  const other = people[choose(people.length)]!;
  const index = choose(Math.max(1, model.said.length));
  const target = model.said[index];
  const kind = target === undefined || target.deleted ? 0 : choose(8);
  if (kind <= 2 || target === undefined) {
    const mentions = choose(3) === 0 ? [other.id] : [];
    const action = {
      type: kind === 2 ? "REPLY" : "SEND_MSG",
      chatId,
      messageId: target?.messageId,
      message: "text",
      mentions,
    };
    const { messageId } = await actor.acts(action);
    model.said.push({ messageId, author: actor, mentions, deleted: false });
  } else if (kind === 3) {
    await target.author.acts({
      type: "EDIT_MSG",
      chatId,
      messageId: target.messageId,
      message: `edit ${choose(1000)}`,
    });
  } else if (kind <= 5) {
    await target.author.acts({ type: "DELETE_MSG", chatId, messageId: target.messageId });
    target.deleted = true;
  } else {
    await actor.acts({ type: "READ_MSG", chatId, messageId: target.messageId });
    model.read.set(actor.id, Math.max(model.read.get(actor.id) ?? 0, index + 1));
  }
}

async function expectExact(model: Model, people: readonly Person[], chatId: string): Promise<void> {
  for (const person of people) {
    const { last_read, ...counts } = model.of(person);
    const state = await stateOf(person, chatId);
    expect(state).toMatchObject({ ...counts, last_read_event_id: last_read === null ? null : `evt-${last_read}` });
    expect((await person.rooms()).data).toMatchObject([{ id: chatId, unread_count: counts.unread_count }]);
    const receipt = (await receiptsOf(people[0]!, chatId)).find(({ user_id }) => user_id === person.id);
    expect(receipt?.last_read_event_id ?? null).toBe(last_read === null ? null : matrixId(last_read));
  }
}

export function unread(world: World): void {
  describe("unread", () => {
    test.each([1, 2, 3])("is exact for random actions of three users (seed %i)", async (seed) => {
      const { alice, bob, carol, chatId } = await world.chat();
      await alice.adds(chatId, carol);
      const people = [alice, bob, carol];
      const [model, choose] = [new Model(), chooser(seed)];
      for (let round = 0; round < 6; round++) {
        for (let count = 0; count < 10; count++) await step(model, people, chatId, choose);
        await expectExact(model, people, chatId);
      }
    });

    test("counts mentions of the present text after edits", async () => {
      const name = `dora-${Date.now().toString(36)}`;
      const [alice, dora] = [await world.person(), await world.person({ name })];
      await dora.rooms();
      const chatId = await alice.makesRoom(dora);
      const { messageId } = await alice.says(chatId, "no mention");
      expect(await stateOf(dora, chatId)).toMatchObject({ unread_count: 1, mention_count: 0 });
      await alice.acts({ type: "EDIT_MSG", chatId, messageId, message: `you, @${name}` });
      expect(await stateOf(dora, chatId)).toMatchObject({ unread_count: 1, mention_count: 1 });
      await alice.acts({ type: "EDIT_MSG", chatId, messageId, message: "no mention again" });
      expect(await stateOf(dora, chatId)).toMatchObject({ unread_count: 1, mention_count: 0 });
      await alice.acts({ type: "EDIT_MSG", chatId, messageId, message: `you, @${name}` });
      await alice.acts({ type: "DELETE_MSG", chatId, messageId });
      expect(await stateOf(dora, chatId)).toMatchObject({ unread_count: 0, mention_count: 0 });
    });

    test("counts earlier messages for a new or returning member, and those of a service", async () => {
      const [service, { alice, bob, carol, chatId }] = [await world.service(), await world.chat()];
      const first = await alice.says(chatId, "first");
      await service.says(chatId, "second", { mentions: [bob.id] });
      await alice.adds(chatId, carol);
      expect(await stateOf(carol, chatId)).toMatchObject({ unread_count: 2, mention_count: 0 });
      expect(await stateOf(alice, chatId)).toMatchObject({ unread_count: 1 });
      expect(await stateOf(bob, chatId)).toMatchObject({ unread_count: 2, mention_count: 1 });
      await carol.acts({ type: "READ_MSG", chatId, messageId: first.messageId });
      await alice.removes(chatId, carol);
      await alice.says(chatId, "third");
      await alice.adds(chatId, carol);
      expect(await stateOf(carol, chatId)).toMatchObject({
        unread_count: 2,
        last_read_event_id: `evt-${first.messageId}`,
      });
    });

    test("is exact for reads while the user appears offline, which others see only after that", async () => {
      const { alice, bob, chatId } = await world.chat();
      const said: string[] = [];
      for (const mentions of [[], [alice.id], [], [alice.id], []])
        said.push((await bob.says(chatId, "text", { mentions })).messageId);
      const choose = async (status: string) => dataOf(await alice.asks("PUT", "/v1/presence", { status }));
      const read = (index: number) => alice.acts({ type: "READ_MSG", chatId, messageId: said[index] });
      const expectRead = async (own: number, others: number, unread_count: number, mention_count: number) => {
        const last_read_event_id = `evt-${said[own]}`;
        const state = await stateOf(alice, chatId);
        expect(state).toMatchObject({ unread_count, mention_count, last_read_event_id });
        expect(state.members.find(({ user_id }) => user_id === alice.id)).toMatchObject({ last_read_event_id });
        expect((await alice.rooms()).data).toMatchObject([{ unread_count }]);
        expect(await receiptsOf(alice, chatId)).toMatchObject([{ last_read_event_id: matrixId(said[own]!) }]);
        expect(await receiptsOf(bob, chatId)).toMatchObject([{ last_read_event_id: matrixId(said[others]!) }]);
      };
      await read(0);
      await expectRead(0, 0, 4, 2);
      await choose("appear_offline");
      await read(2);
      await expectRead(2, 0, 2, 1);
      await read(1);
      await expectRead(2, 0, 2, 1);
      const own = await alice.resumes(1, { [chatId]: 1 });
      await own.receives({ type: "READ_MSG", senderId: alice.id, messageId: said[2] });
      await choose("busy");
      await expectRead(2, 2, 2, 1);
      await choose("appear_offline");
      await read(4);
      await expectRead(4, 2, 0, 0);
      await choose("online");
      await expectRead(4, 4, 0, 0);
    });

    test("is the count in notifications, on every device, after receipts and deletions", async () => {
      const { alice, bob, chatId } = await world.chat();
      const [near, far] = await Promise.all([bob.connects(0), bob.connects(1)]);
      const first = await alice.says(chatId, "first", { mentions: [bob.id] });
      const second = await alice.says(chatId, "second", { mentions: [bob.id] });
      for (const client of [near, far])
        await client.receives({ type: "NOTIFICATION", messageId: second.messageId, unreadCount: 2, mentionCount: 2 });
      await near.acts({ type: "READ_MSG", chatId, messageId: first.messageId });
      await alice.acts({ type: "DELETE_MSG", chatId, messageId: second.messageId });
      const third = await alice.says(chatId, "third", { mentions: [bob.id] });
      for (const client of [near, far])
        await client.receives({ type: "NOTIFICATION", messageId: third.messageId, unreadCount: 1, mentionCount: 1 });
    });
  });
}
