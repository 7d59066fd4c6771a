import type { UserRow } from "@signalbox/core/ports";
import { describe, expect, it } from "vitest";
import { createAccess } from "./access.ts";
import type { Claims } from "./tokens.ts";

const issuedAt = new Date(1000);

/** Access for one bearer, and what it wrote to the store. */
function accessOf(name: string | null, user: Partial<UserRow> | undefined) {
  const claims: Claims = { userId: "ada", name, service: false, issuedAt, expiresAt: new Date(9000) };
  const written: (string | null)[] = [];
  const access = createAccess({
    tokens: { verify: async () => claims },
    store: {
      users: async ([userId = ""]) =>
        new Map(user === undefined ? [] : [[userId, { userId, name: null, revokedAt: null, ...user }]]),
      putUser: async (userId, stored) => {
        written.push(stored);
        return { userId, name: stored, revokedAt: null };
      },
    },
  });
  return { claims, written, admitted: access.admit("token") };
}

describe("admit", () => {
  it("makes an unknown user, named or not", async () => {
    for (const name of ["Ada", null]) {
      const { admitted, claims, written } = accessOf(name, undefined);
      expect(await admitted).toBe(claims);
      expect(written).toEqual([name]);
    }
  });

  it("takes over the token's name when it is another", async () => {
    const { admitted, written } = accessOf("Ada L.", { name: "Ada" });
    await admitted;
    expect(written).toEqual(["Ada L."]);
  });

  it("writes nothing when the name is the same, or the token has none", async () => {
    for (const name of ["Ada", null]) {
      const { admitted, written } = accessOf(name, { name: "Ada" });
      await admitted;
      expect(written).toEqual([]);
    }
  });

  it("refuses a token issued until the revocation, and admits a later one", async () => {
    const revoked = { code: "unauthenticated", message: "revoked" };
    await expect(accessOf("Ada", { revokedAt: issuedAt }).admitted).rejects.toMatchObject(revoked);
    const { admitted, claims } = accessOf(null, { revokedAt: new Date(issuedAt.getTime() - 1) });
    expect(await admitted).toBe(claims);
  });
});

describe("confirm", () => {
  it("asks once for everybody who comes while a question is under way, and not before they came", async () => {
    const asked: (readonly string[])[] = [];
    const answers: (() => void)[] = [];
    const access = createAccess({
      tokens: { verify: () => Promise.reject(new Error("not asked for")) },
      store: {
        users: (userIds) => {
          asked.push(userIds);
          return new Promise((resolve) => answers.push(() => resolve(new Map())));
        },
        putUser: async (userId, name) => ({ userId, name, revokedAt: null }),
      },
    });
    const confirm = (userId: string) =>
      access.confirm({ userId, name: null, service: false, issuedAt, expiresAt: new Date(9000) });
    const first = confirm("ada");
    await expect.poll(() => asked).toEqual([["ada"]]);
    const others = [confirm("bob"), confirm("eve")];
    answers[0]?.();
    await first;
    await expect.poll(() => asked).toEqual([["ada"], ["bob", "eve"]]);
    answers[1]?.();
    await Promise.all(others);
  });
});
