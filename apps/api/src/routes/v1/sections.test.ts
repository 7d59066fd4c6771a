import { Problem } from "@signalbox/protocol/errors";
import { describe, expect, it } from "vitest";
import { ADA, BOB, fakeApi, limitedApi, ROOM } from "../../api.fake.ts";
import { call, engagement, PATH, plan, recordingApi } from "./state.fake.ts";

describe("sections", () => {
  it.each([
    ["engagement", engagement],
    ["plan", plan],
    ["call", call],
  ])("%s is written as it came", async (section, body) => {
    const { call: request, asked, touched } = recordingApi();
    const response = await request(ADA, "PUT", `${PATH}/${section}`, body);
    expect(await response.json()).toEqual({ data: body });
    expect(asked).toEqual([["putSection", ADA, ROOM, section, body]]);
    expect(touched).toEqual([ADA]);
  });

  it("engagement needs no overrides", async () => {
    const { call: request, asked } = recordingApi();
    await request(ADA, "PUT", `${PATH}/engagement`, { mode: "all" });
    expect(asked).toEqual([["putSection", ADA, ROOM, "engagement", { mode: "all", overrides: {} }]]);
  });

  it.each([
    ["plan", "Plan removed"],
    ["call", "Call removed"],
  ])("%s is removed", async (section, message) => {
    const { call: request, asked } = recordingApi();
    expect(await (await request(ADA, "DELETE", `${PATH}/${section}`)).json()).toEqual({ message });
    expect(asked).toEqual([["putSection", ADA, ROOM, section, null]]);
    expect((await request(ADA, "DELETE", `${PATH}/engagement`)).status).toBe(405);
  });

  it("a sidekick has any short name", async () => {
    const { call: request, asked } = recordingApi();
    for (const id of ["scribe", "scribe one", "a/b", "é"]) {
      const path = `${PATH}/sidekicks/${encodeURIComponent(id)}`;
      expect(await (await request(ADA, "PUT", path, { task: "notes" })).json()).toEqual({ data: { task: "notes" } });
      expect(await (await request(ADA, "DELETE", path)).json()).toEqual({ message: "Sidekick removed" });
      expect(asked.splice(0)).toEqual([
        ["putSection", ADA, ROOM, `sidekick ${id}`, { task: "notes" }],
        ["putSection", ADA, ROOM, `sidekick ${id}`, null],
      ]);
    }
    for (const id of ["%20", "a".repeat(129), "%00"])
      for (const method of ["PUT", "DELETE"])
        expect(await (await request(ADA, method, `${PATH}/sidekicks/${id}`, {})).json()).toMatchObject({
          status: 400,
          errors: [{ path: "sidekickId" }],
        });
  });

  it.each([
    ["engagement", "mode", { overrides: {} }],
    ["engagement", "mode", { mode: "" }],
    ["engagement", "mode", { mode: 5 }],
    ["engagement", "overrides", { mode: "all", overrides: "none" }],
    ["engagement", "overrides.ai-1", { mode: "all", overrides: { "ai-1": 5 } }],
    ["plan", "title", { steps: [] }],
    ["plan", "title", { title: "a".repeat(201), steps: [] }],
    ["plan", "steps", { title: "Ship it" }],
    ["plan", "steps", { title: "Ship it", steps: {} }],
    ["plan", "steps.0.id", { title: "Ship it", steps: [{ title: "Build", status: "done" }] }],
    ["plan", "steps.0.title", { title: "Ship it", steps: [{ id: "1", status: "done" }] }],
    ["plan", "steps.0.status", { title: "Ship it", steps: [{ id: "1", title: "Build", status: true }] }],
    ["call", "call_id", { ...call, call_id: " " }],
    ["call", "started_at", { ...call, started_at: "2026-02-24" }],
    ["call", "started_at", { ...call, started_at: "2026-02-24T14:00:00+01:00" }],
    ["call", "participants", { ...call, participants: undefined }],
    ["call", "participants.0", { ...call, participants: ["a b"] }],
    ["sidekicks/scribe", "", []],
    ["sidekicks/scribe", "", { text: "\ud800" }],
    ["sidekicks/scribe", "", { text: "a".repeat(65_536) }],
    ["plan", "", null],
  ])("%s with a wrong %j is refused", async (section, path, body) => {
    const { call: request, asked } = recordingApi();
    const response = await request(ADA, "PUT", `${PATH}/${section}`, body);
    expect(await response.json()).toMatchObject({ status: 400, errors: [{ path }] });
    expect(asked).toEqual([]);
  });

  it("pass on what the writer refuses", async () => {
    const putSection = () => Promise.reject(new Problem("forbidden", "only an owner may do this"));
    const { call: request } = fakeApi({ writer: { putSection } });
    expect((await request(BOB, "PUT", `${PATH}/plan`, plan)).status).toBe(403);
  });

  it("count towards the rate limit", async () => {
    const { call: request } = limitedApi();
    const written = ["engagement", "plan", "call", "sidekicks/scribe"].map((section) => ["PUT", section] as const);
    const removed = ["plan", "call", "sidekicks/scribe"].map((section) => ["DELETE", section] as const);
    for (const [method, section] of [...written, ...removed])
      expect((await request(ADA, method, `${PATH}/${section}`)).status).toBe(429);
  });
});
