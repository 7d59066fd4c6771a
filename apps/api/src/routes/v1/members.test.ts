import { describe, expect, it } from "vitest";
import { fakeApi, limitedApi, ROOM } from "../../api.fake.ts";

const PATH = `/v1/rooms/${ROOM}/members/bob`;

/** The API over a writer that records its calls in `asked`, and answers each with `answer`. */
function recordingApi(answer: unknown) {
  const asked: unknown[][] = [];
  const record =
    (name: string) =>
    async (_: unknown, ...rest: unknown[]) => {
      asked.push([name, ...rest]);
      return answer as never;
    };
  return { asked, ...fakeApi({ writer: { putMember: record("putMember"), removeMember: record("removeMember") } }) };
}

describe("members", () => {
  const member = { roomId: ROOM, userId: "bob", role: "member", joinedAt: new Date(0), joinedSeq: 2, leftSeq: null };

  it("are added with a role, or without a body", async () => {
    const { call, asked } = recordingApi(member);
    const response = await call("ada", "PUT", PATH, { role: "owner" });
    expect(await response.json()).toEqual({
      data: { user_id: "bob", role: "member", joined_at: "1970-01-01T00:00:00.000Z" },
    });
    expect((await call("ada", "PUT", `/v1/rooms/${ROOM}/members/%40bob%3Aexample.org`)).status).toBe(200);
    expect(asked).toEqual([
      ["putMember", ROOM, "bob", "owner"],
      ["putMember", ROOM, "@bob:example.org", undefined],
    ]);
  });

  it("are not added by a body that is no object", async () => {
    const { call, asked } = recordingApi(member);
    for (const body of ["[]", "[null]", "null", "7", '"member"']) {
      const response = await call("ada", "PUT", PATH, body);
      expect(await response.json()).toMatchObject({ status: 400, errors: [{ path: "" }] });
    }
    expect(asked).toEqual([]);
  });

  it("are removed", async () => {
    const { call, asked } = recordingApi(undefined);
    expect(await (await call("ada", "DELETE", PATH)).json()).toEqual({
      message: "Member removed",
    });
    expect(asked).toEqual([["removeMember", ROOM, "bob"]]);
  });

  it("have a user id and a known role", async () => {
    const { call } = recordingApi(member);
    expect((await call("ada", "PUT", `/v1/rooms/${ROOM}/members/a%20b`, {})).status).toBe(400);
    expect((await call("ada", "PUT", PATH, { role: "king" })).status).toBe(400);
  });

  it("ask the rate limit before they change", async () => {
    const { call, touched } = limitedApi();
    for (const method of ["PUT", "DELETE"]) expect((await call("ada", method, PATH)).status).toBe(429);
    expect(touched).toEqual([]);
  });
});
