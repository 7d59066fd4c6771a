import { once } from "node:events";
import { request, type Server } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, expect, it } from "vitest";
import { fakeApi } from "./api.fake.ts";
import { close, listen, serverOf } from "./server.ts";

const logged: string[] = [];
const log = { warn: (line: string) => void logged.push(line) };
let server: Server;
let port: number;
beforeEach(async () => {
  logged.length = 0;
  server = serverOf(fakeApi().app, log);
  await listen(server, { host: "127.0.0.1", port: 0 });
  port = (server.address() as AddressInfo).port;
});
afterEach(() => close(server));

/** Writes lines to a new connection and reads until its end. */
async function exchange(...lines: string[]): Promise<string> {
  const socket = connect(port, "127.0.0.1");
  socket.write([...lines, "Connection: close", "", ""].join("\r\n"));
  return await text(socket);
}

it("takes a URL of 64 KiB", async () => {
  expect(await exchange(`GET /healthz?ids=${"a".repeat(65_536)} HTTP/1.1`, "Host: localhost")).toMatch(
    /^HTTP\/1.1 200 /,
  );
});

it("answers a URL or Host that is none with a problem, and logs one line", async () => {
  for (const lines of [
    ["GET /healthz HTTP/1.1", "Host: a/b"],
    ["GET /healthz HTTP/1.1", "Host: a b"],
    ["GET /a\\b HTTP/1.1", "Host: localhost"],
  ])
    expect(await exchange(...lines)).toMatch(/^HTTP\/1.1 400 [\s\S]*"the request's URL or Host header is not valid"/);
  expect(logged).toEqual([expect.stringContaining("URL or Host header")]);
});

it.each([
  ["OPTIONS / HTTP/1.0", 204],
  ["GET /healthz HTTP/1.0", 200],
  ["GET /nowhere HTTP/1.0", 404],
])("answers %s without a Host, as a load balancer sends it", async (line, status) => {
  expect(await exchange(line)).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
});

it("refuses a body that grows beyond its bound without having been announced", async () => {
  const upload = request({ port, method: "POST", path: "/v1/rooms", headers: { authorization: "Bearer ada" } });
  upload.on("error", () => {});
  upload.write("a".repeat(262_145));
  const [response] = await once(upload, "response");
  expect(response.statusCode).toBe(413);
  upload.destroy();
});

it("rejects when the port is taken", async () => {
  await expect(listen(serverOf(fakeApi().app, log), { host: "127.0.0.1", port })).rejects.toMatchObject({
    code: "EADDRINUSE",
  });
});
