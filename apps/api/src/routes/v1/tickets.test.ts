import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { fakeApi } from "../../api.fake.ts";

beforeEach(() => void vi.useFakeTimers({ toFake: ["Date"], now: 60_000 }));
afterEach(() => void vi.useRealTimers());

it("keeps what the token said for half a minute, under 256 random bits", async () => {
  const kept: [string, string, number][] = [];
  const { call, touched } = fakeApi({
    engine: { tickets: { put: async (...ticket) => void kept.push(ticket) } },
  });
  const answers = [];
  for (const userId of ["ada", "service"]) answers.push(await (await call(userId, "POST", "/v1/tickets")).json());

  const tickets = kept.map(([ticket]) => ticket);
  expect(answers).toEqual(tickets.map((ticket) => ({ data: { ticket, expires_at: "1970-01-01T00:01:30.000Z" } })));
  expect(new Set(tickets).size).toBe(2);
  for (const ticket of tickets) expect(ticket).toMatch(/^[A-Za-z0-9_-]{43}$/);
  expect(kept.map(([, content, ttlMs]) => [JSON.parse(content), ttlMs])).toEqual([
    [{ userId: "ada", service: false, issuedAt: 0, expiresAt: 8.64e15 }, 30_000],
    [{ userId: "service", service: true, issuedAt: 0, expiresAt: 8.64e15 }, 30_000],
  ]);
  expect(touched).toEqual([]);
});

it("sells none to a token that does not hold", async () => {
  expect((await fakeApi().call("bad", "POST", "/v1/tickets")).status).toBe(401);
});
