import { expect, it } from "vitest";
import { fakeApi, fakeUser } from "../api.fake.ts";

it("lets a service name users and end their tokens", async () => {
  const revoked: string[] = [];
  const { call } = fakeApi({
    store: {
      putUser: async (userId, name) => fakeUser({ userId, name }),
    },
    writer: { revoke: async (userId) => void revoked.push(userId) },
  });
  expect(await (await call("service", "PUT", "/v1/users/bob", { name: "Bob" })).json()).toEqual({
    data: { user_id: "bob", name: "Bob" },
  });
  expect(await (await call("service", "POST", "/v1/users/bob/revoke")).json()).toEqual({ message: "Tokens revoked" });
  expect(revoked).toEqual(["bob"]);
});

it("lets nobody else, whatever they ask for", async () => {
  const { call } = fakeApi();
  expect((await call("bob", "PUT", "/v1/users/bob", "{")).status).toBe(403);
  expect((await call("bob", "POST", "/v1/users/a%20b/revoke")).status).toBe(403);
});

it("refuses what is no user id and no name", async () => {
  const { call } = fakeApi();
  expect((await call("service", "PUT", "/v1/users/a%20b", { name: "Bob" })).status).toBe(400);
  expect((await call("service", "PUT", "/v1/users/bob", { name: "" })).status).toBe(400);
});
