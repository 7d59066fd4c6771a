/** CONTRACT section 9: health, readiness and metrics of every node. */
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { describe, expect, test } from "vitest";
import { ask, jsonOf } from "../../../support/http.ts";
import { ORIGIN, type World } from "../../../support/world.ts";

export function operations(world: World): void {
  const each = (path: string) => Promise.all(world.servers.nodes.map((node) => ask(`${node}${path}`)));

  describe("every node", () => {
    test("answers /healthz without a token", async () => {
      for (const { status } of await each("/healthz")) expect(status).toBe(200);
    });

    test("answers /readyz with its checks", async () => {
      for (const answer of await each("/readyz")) {
        expect(answer.status, answer.text).toBe(200);
        const { status, checks } = jsonOf(answer) as { status: string; checks: Record<string, string> };
        expect(status).toBe("ok");
        expect(new Set(Object.values(checks))).toEqual(new Set(["ok"]));
      }
    });

    test("answers /readyz to pages of allowed origins only", async () => {
      for (const node of world.servers.nodes) {
        const asked = async (origin: string) =>
          (await ask(`${node}/readyz`, { headers: { origin } })).headers.get("access-control-allow-origin");
        expect(await asked(ORIGIN)).toBe(ORIGIN);
        expect(await asked("https://evil.example.org")).toBeNull();
      }
    });

    test.each([
      ["OPTIONS / HTTP/1.0", 204],
      ["GET /healthz HTTP/1.0", 200],
      ["GET /readyz HTTP/1.0", 200],
    ])("answers %s without a Host, as a load balancer sends it", async (line, status) => {
      for (const node of world.servers.nodes) {
        const { hostname, port } = new URL(node);
        const socket = connect(Number(port), hostname);
        socket.write(`${line}\r\n\r\n`);
        expect(await text(socket)).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
      }
    });

    test("signs no user in when its secret is configured", async () => {
      for (const node of world.servers.nodes) {
        const { status } = await ask(`${node}/dev/sign-in`, { method: "POST", body: { userId: "alice" } });
        expect(status).toBe(404);
      }
    });

    test("prints metrics in Prometheus's format, without a name, id or text of a user", async () => {
      const { alice, chatId } = await world.chat();
      await alice.says(chatId, "a text that must stay private");
      await (await alice.connects(0)).settled();
      await (await alice.connects(1)).settled();
      for (const { status, headers, text } of await each("/metrics")) {
        expect(status).toBe(200);
        expect(headers.get("content-type")).toMatch(/^text\/plain/);
        for (const line of text.split("\n").filter((each) => each !== "" && !each.startsWith("#")))
          expect(line).toMatch(/^[a-z_][a-z0-9_]*(\{[^{}]*\})? (NaN|[+-]?Inf|[-+.\de]+)$/i);
        expect(text).toContain("\nsignalbox_");
        for (const secret of [alice.id, chatId, "must stay private"]) expect(text).not.toContain(secret);
      }
    });
  });
}
