import { expect, it } from "vitest";
import { tokenCache } from "./token-cache.ts";

/** A verifier of tokens that expire at `expiresAt`, with a clock turned by hand. */
function verifier(expiresAt: number) {
  const time = { now: 0 };
  const checked: string[] = [];
  const verify = tokenCache(
    async (token) => {
      checked.push(token);
      if (time.now >= expiresAt) throw new Error("expired");
      return { userId: token, name: null, service: false, issuedAt: new Date(0), expiresAt: new Date(expiresAt) };
    },
    () => time.now,
  );
  return { verify, checked, time };
}

it("checks a token once a minute", async () => {
  const { verify, checked, time } = verifier(1e9);
  for (const now of [0, 59_999, 60_000]) {
    time.now = now;
    expect(await verify("ada")).toMatchObject({ userId: "ada" });
  }
  expect(checked).toEqual(["ada", "ada"]);
});

it("lets no token live on after its expiry", async () => {
  const { verify, time } = verifier(1000);
  await verify("ada");
  time.now = 1000;
  await expect(verify("ada")).rejects.toThrow("expired");
});

it("remembers neither refusals, nor long tokens, nor more than ten thousand", async () => {
  const { verify, checked } = verifier(1e9);
  const long = "a".repeat(1025);
  for (let round = 0; round < 2; round += 1) await verify(long);
  expect(checked).toEqual([long, long]);

  for (let index = 0; index <= 10_000; index += 1) await verify(`token ${index}`);
  checked.length = 0;
  for (const token of ["token 10000", "token 1", "token 0"]) await verify(token);
  expect(checked).toEqual(["token 0"]);

  const refusing = verifier(0);
  for (let round = 0; round < 2; round += 1) await expect(refusing.verify("ada")).rejects.toThrow("expired");
  expect(refusing.checked).toHaveLength(2);
});
