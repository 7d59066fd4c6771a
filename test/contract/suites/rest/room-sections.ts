/** CONTRACT section 6: the sections of a room's state, their permissions and their events. */
import { describe, expect, test } from "vitest";
import type { Fields } from "../../../support/arrivals.ts";
import { cursorOf, seqIn } from "../../../support/cursors.ts";
import { dataOf, expectProblem } from "../../../support/http.ts";
import { type State, stateOf } from "../../../support/queries.ts";
import type { World } from "../../../support/world.ts";
import { twoMembers } from "../../stages/two-members.ts";
import { ANY_MARK } from "../../support/shapes.ts";

export function roomSections(world: World): void {
  describe("a section of a room's state", () => {
    sections(world);
    limits(world);
  });
}

const STEP = { id: "s1", title: "First", status: "done", note: { kept: true } };
/** Each section: its path, two bodies with additional fields, and its field in the state. */
const SECTIONS: readonly (readonly [string, Fields, Fields, keyof State & string])[] = [
  [
    "engagement",
    { mode: "mention_only", overrides: { "ai-1": "always" }, since: "today" },
    { mode: "off", overrides: {} },
    "engagement",
  ],
  ["plan", { title: "The plan", steps: [STEP], colour: "blue" }, { title: "Another", steps: [] }, "plan"],
  [
    "call",
    { call_id: "c1", started_at: "2026-02-24T14:35:00Z", participants: ["ann"], codec: ["opus"] },
    { call_id: "c1", started_at: "2026-02-24T14:35:00Z", participants: [] },
    "active_call",
  ],
  [
    "sidekicks/helper-1",
    { task: "Summarise", progress: 0.5, nested: { a: [null] } },
    { task: "Done" },
    "active_sidekicks",
  ],
];

/** The section in the state; the first one of the sidekicks. */
function shown(state: State, field: keyof State): unknown {
  return field === "active_sidekicks" ? (state.active_sidekicks[0] ?? null) : state[field];
}

function sections(world: World): void {
  test.each(SECTIONS)(
    "%s is put, replaced and kept whole, with an event for all members",
    async (path, first, second, field) => {
      const { alice, bob, chatId, phone, laptop, bobs } = await twoMembers(world, false);
      const stream = await bob.streams(chatId, 0);
      for (const [index, body] of [first, second].entries()) {
        const answer = await alice.asks("PUT", `/v1/rooms/${chatId}/${path}`, body);
        expect(dataOf<Fields>(answer)).toMatchObject(body);
        const seq = 2 + index;
        for (const client of [phone, laptop, bobs])
          expect(await client.receives({ seq })).toStrictEqual({
            type: "ROOM_STATE",
            chatId,
            changed: [field],
            seq,
            mark: ANY_MARK,
          });
        await stream.reaches(seq);
        for (const asker of [alice, bob]) {
          const state = await stateOf(asker, chatId);
          expect(shown(state, field)).toMatchObject(body);
          // Fields of the first body that the second lacks are gone.
          for (const name of Object.keys(first).filter((each) => !(each in body)))
            expect(shown(state, field)).not.toHaveProperty(name);
          expect(state.cursor).toBe(cursorOf(await phone.receives({ seq })));
        }
      }
      expect(stream.of("conversation_updated")).toHaveLength(2);
      expect(stream.ids).toEqual([2, 3]);
    },
  );

  test.each(SECTIONS.filter(([path]) => path !== "engagement"))(
    "%s is deleted, with an event for all members",
    async (path, body, _, field) => {
      const { alice, bob, chatId, bobs } = await twoMembers(world, false);
      dataOf(await alice.asks("PUT", `/v1/rooms/${chatId}/${path}`, body));
      const answer = await alice.asks("DELETE", `/v1/rooms/${chatId}/${path}`);
      expect(answer.status, answer.text).toBe(200);
      expect(await bobs.receives({ seq: 3 })).toStrictEqual({
        type: "ROOM_STATE",
        chatId,
        changed: [field],
        seq: 3,
        mark: ANY_MARK,
      });
      expect(shown(await stateOf(bob, chatId), field)).toBeNull();
      dataOf(await alice.asks("PUT", `/v1/rooms/${chatId}/${path}`, body));
      expect(shown(await stateOf(bob, chatId), field)).toMatchObject(body);
    },
  );

  test("per sidekick is kept apart from the others", async () => {
    const { alice, bob, chatId } = await world.chat();
    for (const id of ["a", "b", "c"])
      dataOf(await alice.asks("PUT", `/v1/rooms/${chatId}/sidekicks/${id}`, { task: `task of ${id}` }));
    dataOf(await alice.asks("PUT", `/v1/rooms/${chatId}/plan`, { title: "The plan", steps: [] }));
    expect((await alice.asks("DELETE", `/v1/rooms/${chatId}/sidekicks/b`)).status).toBe(200);
    const { active_sidekicks, plan, active_call } = await stateOf(bob, chatId);
    expect(new Set(active_sidekicks.map(({ task }) => task))).toEqual(new Set(["task of a", "task of c"]));
    for (const [index, id] of ["a", "c"].entries())
      expect(JSON.stringify(active_sidekicks[index])).toContain(`"${id}"`);
    expect(plan).toMatchObject({ title: "The plan" });
    expect(active_call).toBeNull();
  });

  test("is replayed by a resume as it was sent first", async () => {
    const { alice, bob, chatId } = await world.chat();
    const witness = await bob.connects(0);
    for (const [path, body] of SECTIONS) dataOf(await alice.asks("PUT", `/v1/rooms/${chatId}/${path}`, body));
    await alice.asks("DELETE", `/v1/rooms/${chatId}/plan`);
    await witness.receives({ seq: 6 });
    const resumed = await bob.resumes(1, { [chatId]: 1 });
    expect(resumed.events(chatId)).toEqual(witness.events(chatId));
    expect(witness.events(chatId)).toHaveLength(5);
  });
}

function limits(world: World): void {
  test.each(SECTIONS)("%s is written by owners and services only", async (path, body) => {
    const [service, { alice, bob, carol, chatId }] = [await world.service(), await world.chat()];
    const at = `/v1/rooms/${chatId}/${path}`;
    const methods = path === "engagement" ? ["PUT"] : ["PUT", "DELETE"];
    for (const method of methods) {
      expectProblem(await bob.asks(method, at, method === "PUT" ? body : undefined), "forbidden");
      expectProblem(await carol.asks(method, at, method === "PUT" ? body : undefined), "not_found");
    }
    expect(seqIn((await stateOf(bob, chatId)).cursor)).toBe(1);
    for (const person of [service, alice]) dataOf(await person.asks("PUT", at, body));
    expect(seqIn((await stateOf(bob, chatId)).cursor)).toBeGreaterThan(1);
  });

  test.each(SECTIONS)("%s has up to 64 KiB", async (path, body) => {
    const { alice, chatId } = await world.chat();
    const put = (length: number) => {
      const room = length - Buffer.byteLength(JSON.stringify({ ...body, padding: "" }));
      return alice.asks("PUT", `/v1/rooms/${chatId}/${path}`, {
        ...body,
        padding: "ü".repeat(8) + "p".repeat(room - 16),
      });
    };
    dataOf(await put(65_536));
    expectProblem(await put(65_537), "invalid");
    expect(seqIn((await stateOf(alice, chatId)).cursor)).toBe(2);
  });
}
