import type { UserRow } from "@signalbox/core/model/rows";
import { describe, expect, it } from "vitest";
import { createAccess } from "./access.ts";
import type { Claims } from "./tokens.ts";

const issuedAt = new Date(1000);
const NEW = {
  name: null,
  revokedAt: null,
  choice: "online",
  choiceVersion: 0,
  activeAt: null,
  matrixUserId: null,
} as const;

/** Access for one bearer, and what it wrote to the store. */
function accessOf(name: string | null, user: Partial<UserRow> | undefined) {
  const claims: Claims = { userId: "ada", name, service: false, issuedAt, expiresAt: new Date(9000) };
  const written: (string | null)[] = [];
  const access = createAccess({
    tokens: { verify: async () => claims },
    store: {
      users: async ([userId = ""]) => new Map(user === undefined ? [] : [[userId, { ...NEW, userId, ...user }]]),
      putUser: async (userId, stored) => {
        written.push(stored);
        return { ...NEW, ...user, userId, name: stored };
      },
    },
  });
  return { claims, written, admitted: access.authenticate("token") };
}

describe("authenticate", () => {
  it("makes an unknown user, named or not", async () => {
    for (const name of ["Ada", null]) {
      const { admitted, claims, written } = accessOf(name, undefined);
      expect(await admitted).toEqual({ ...claims, hidden: false });
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

  it("tells that a user appears offline, under an old name or a new one", async () => {
    for (const name of ["Ada", "Ada L.", null]) {
      const { admitted } = accessOf(name, { name: "Ada", choice: "appear_offline" });
      expect(await admitted).toMatchObject({ userId: "ada", hidden: true });
    }
    for (const choice of ["online", "idle", "busy"] as const)
      expect(await accessOf("Ada", { name: "Ada", choice }).admitted).toMatchObject({ hidden: false });
  });

  it("refuses a token issued until the revocation, and admits a later one", async () => {
    const revoked = { code: "unauthenticated", message: "revoked" };
    await expect(accessOf("Ada", { revokedAt: issuedAt }).admitted).rejects.toMatchObject(revoked);
    const { admitted, claims } = accessOf(null, { revokedAt: new Date(issuedAt.getTime() - 1) });
    expect(await admitted).toEqual({ ...claims, hidden: false });
  });
});

describe("checkRevoked", () => {
  it("asks once for all users that come while a query is under way, and not before they came", async () => {
    const asked: (readonly string[])[] = [];
    const answers: (() => void)[] = [];
    const access = createAccess({
      tokens: { verify: () => Promise.reject(new Error("not asked for")) },
      store: {
        users: (userIds) => {
          asked.push(userIds);
          return new Promise((resolve) => answers.push(() => resolve(new Map())));
        },
        putUser: async (userId, name) => ({ ...NEW, userId, name }),
      },
    });
    const confirm = (userId: string) =>
      access.checkRevoked({ userId, name: null, service: false, issuedAt, expiresAt: new Date(9000) });
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
