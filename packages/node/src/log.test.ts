import { expect, it } from "vitest";
import { createLog } from "./log.ts";

function written(write: (log: ReturnType<typeof createLog>) => void): string {
  const lines: string[] = [];
  write(createLog({ kind: "api", logLevel: "info" }, { write: (line) => void lines.push(line) }));
  return lines.join("");
}

it("writes a line of JSON with the kind of node", () => {
  expect(JSON.parse(written((log) => log.info({ port: 1 }, "serving")))).toMatchObject({
    level: "info",
    node: "api",
    port: 1,
    msg: "serving",
  });
});

it("keeps tokens and secrets out, however deep they lie", () => {
  const line = written((log) => {
    log.info({
      token: "hunter2",
      headers: { authorization: "hunter2" },
      req: { headers: { "sec-websocket-protocol": "hunter2" } },
    });
    log.child({ part: "x" }).info({ session: { ticket: "hunter2" } });
  });
  expect(line).not.toContain("hunter2");
});

it("prints of an error where it came from, never the fields that a library hung on it", () => {
  const error = Object.assign(new Error("insert failed", { cause: new Error("why") }), {
    code: "23505",
    detail: "somebody's text",
    query: "insert into message",
  });
  const line = written((log) => log.error({ err: error }));
  expect(JSON.parse(line).err).toMatchObject({ type: "Error", message: "insert failed", code: "23505", cause: "why" });
  expect(line).not.toMatch(/somebody's text|insert into/);
});
