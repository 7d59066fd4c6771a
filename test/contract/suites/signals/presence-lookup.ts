/** CONTRACT section 6: the presence of many users in one request. */
import { randomUUID } from "node:crypto";
import { describe, expect, test } from "vitest";
import { dataOf, expectProblem } from "../../../support/http.ts";
import { presenceOf, statusesOf } from "../../../support/queries.ts";
import type { Person, World } from "../../../support/world.ts";

type Statuses = Readonly<Record<string, string>>;

/** The two requests. */
const LOOKUPS: Readonly<Record<string, (asker: Person, ids: readonly string[]) => ReturnType<Person["asks"]>>> = {
  "GET /v1/presence": (asker, ids) => asker.asks("GET", `/v1/presence?ids=${ids.map(encodeURIComponent).join(",")}`),
  "POST /v1/presence/query": (asker, ids) => asker.asks("POST", "/v1/presence/query", { ids }),
};

const uuids = (count: number): string[] => Array.from({ length: count }, () => randomUUID());

export function presenceLookup(world: World): void {
  describe.each(Object.entries(LOOKUPS))("%s", (_, lookUp) => {
    test("answers exactly the given ids, known or not", async () => {
      const { alice, bob, carol } = await world.chat();
      const [phone] = await Promise.all([bob.connects(0), carol.connects(1)]);
      await phone.asks({ type: "PRESENCE", status: "busy" });
      const ids = [alice.id, bob.id, carol.id, "p1", "@guest:matrix.example.org", "a+b=c", "__proto__", "constructor"];
      const statuses = dataOf<Statuses>(await lookUp(alice, ids));
      expect(new Map(Object.entries(statuses))).toEqual(
        new Map(ids.map((id) => [id, id === bob.id ? "busy" : "offline"])),
      );
    });

    test("takes one id, a thousand, and repeated ones", async () => {
      const { alice, bob } = await world.chat();
      await bob.connects(0);
      expect(dataOf(await lookUp(alice, [bob.id]))).toStrictEqual({ [bob.id]: "online" });
      expect(dataOf(await lookUp(alice, [bob.id, bob.id, bob.id]))).toStrictEqual({ [bob.id]: "online" });
      const ids = [...uuids(999), bob.id];
      expect(dataOf(await lookUp(alice, ids))).toStrictEqual(
        Object.fromEntries(ids.map((id) => [id, id === bob.id ? "online" : "offline"])),
      );
      const longest = "u".repeat(128);
      expect(dataOf(await lookUp(alice, [longest]))).toStrictEqual({ [longest]: "offline" });
    });

    test.each<[string, readonly string[]]>([
      ["no id", []],
      ["an empty id", [""]],
      ["an empty id among others", ["a", "", "b"]],
      ["an id with a blank", ["a b"]],
      ["a blank before an id", ["a", " b"]],
      ["an id of 129 characters", ["u".repeat(129)]],
      ["an id with a slash", ["a/b"]],
      ["an id with U+0000", ["a\0"]],
      ["1,001 ids", uuids(1001)],
      ["1,001 short ids", Array.from({ length: 1001 }, (_, index) => `u${index}`)],
    ])("refuses %s", async (_what, ids) => {
      expectProblem(await lookUp(await world.person(), ids), "invalid");
    });
  });

  describe("a look-up of presence", () => {
    test("needs its ids: without them, or with other values, it is invalid", async () => {
      const alice = await world.person();
      for (const query of ["", "?", "?ids", "?ids=", "?ids=,", "?ids=a,", "?ids=,a", "?id=a"])
        expectProblem(await alice.asks("GET", `/v1/presence${query}`), "invalid");
      for (const body of [
        {},
        { ids: null },
        { ids: "a,b" },
        { ids: {} },
        { ids: [7] },
        { ids: [null] },
        { ids: [["a"]] },
      ])
        expectProblem(await alice.asks("POST", "/v1/presence/query", body), "invalid");
    });

    test("of ids that do not fit in a URL is possible by POST", async () => {
      const { alice, bob } = await world.chat();
      await bob.connects(1);
      const ids = [bob.id, ...Array.from({ length: 999 }, (_, index) => `${index}-`.padEnd(128, "x"))];
      const statuses = dataOf<Statuses>(await LOOKUPS["POST /v1/presence/query"]!(alice, ids));
      expect(Object.keys(statuses)).toHaveLength(1000);
      expect(statuses[bob.id]).toBe("online");
      expect([400, 414, 431]).toContain((await LOOKUPS["GET /v1/presence"]!(alice, ids)).status);
    });

    test("of a user without a shared room is answered as that of an unknown id", async () => {
      const { alice, bob, carol } = await world.chat();
      await Promise.all([alice.connects(0), carol.connects(1)]);
      dataOf(await alice.asks("PUT", "/v1/presence", { status: "busy" }));
      expect(await statusesOf(bob, alice, bob)).toEqual(["busy", "offline"]);
      const unknown = { id: randomUUID() };
      for (const user of [alice, unknown])
        expect(await presenceOf(carol, user)).toStrictEqual({
          user_id: user.id,
          status: "offline",
          last_active_at: null,
        });
      expect(await statusesOf(carol, alice, unknown, carol)).toEqual(["offline", "offline", "online"]);
      const service = await world.service();
      expect(await statusesOf(service, alice, unknown, carol)).toEqual(["busy", "offline", "online"]);
      for (const id of ["no%20user", "%00", "u".repeat(129)])
        expectProblem(await alice.asks("GET", `/chat/api/v1/presence/${id}`), "invalid");
    });
  });
}
