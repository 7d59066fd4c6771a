import { Problem } from "@signalbox/protocol/errors";
import { expect, it } from "vitest";
import { fakeApi, fakeUser } from "../../api.fake.ts";

it("lets a service name users and end their tokens", async () => {
  const revoked: string[] = [];
  const { call } = fakeApi({
    store: {
      putUser: async (userId, name, matrixUserId = null) => fakeUser({ userId, name, matrixUserId }),
    },
    writer: { revoke: async (userId) => void revoked.push(userId) },
  });
  expect(await (await call("service", "PUT", "/v1/users/bob", { name: "Bob" })).json()).toEqual({
    data: { user_id: "bob", name: "Bob", matrix_user_id: null },
  });
  expect(await (await call("service", "POST", "/v1/users/bob/revoke")).json()).toEqual({ message: "Tokens revoked" });
  expect(revoked).toEqual(["bob"]);
});

it("refuses all other callers, for any body", async () => {
  const { call } = fakeApi();
  expect((await call("bob", "PUT", "/v1/users/bob", "{")).status).toBe(403);
  expect((await call("bob", "POST", "/v1/users/a%20b/revoke")).status).toBe(403);
});

it("refuses what is no user id and no name", async () => {
  const { call } = fakeApi();
  expect((await call("service", "PUT", "/v1/users/a%20b", { name: "Bob" })).status).toBe(400);
  expect((await call("service", "PUT", "/v1/users/bob", { name: "" })).status).toBe(400);
});

it("lets a service set a user's Matrix id, with a name or without", async () => {
  const put: unknown[] = [];
  const { call } = fakeApi({
    store: {
      putUser: async (userId, name, matrixUserId = null) => {
        put.push([userId, name, matrixUserId]);
        return fakeUser({ userId, name: name ?? "Bob", matrixUserId });
      },
    },
  });
  const body = { matrix_user_id: "@bob:example.org" };
  expect(await (await call("service", "PUT", "/v1/users/bob", body)).json()).toEqual({
    data: { user_id: "bob", name: "Bob", matrix_user_id: "@bob:example.org" },
  });
  await call("service", "PUT", "/v1/users/bob", { ...body, name: "Robert" });
  expect(put).toEqual([
    ["bob", null, "@bob:example.org"],
    ["bob", "Robert", "@bob:example.org"],
  ]);
});

it.each([
  {},
  { matrix_user_id: "bob" },
  { matrix_user_id: "@bob" },
  { matrix_user_id: "@b b:example.org" },
  { matrix_user_id: 5 },
])("refuses %j", async (body) => {
  expect((await fakeApi().call("service", "PUT", "/v1/users/bob", body)).status).toBe(400);
});

it("answers 409 when another user has that Matrix id", async () => {
  const { call } = fakeApi({
    store: { putUser: () => Promise.reject(new Problem("conflict", "another user has that Matrix id")) },
  });
  const body = { matrix_user_id: "@bob:example.org" };
  expect((await call("service", "PUT", "/v1/users/bob", body)).status).toBe(409);
});
