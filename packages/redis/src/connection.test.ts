import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { expect, test } from "vitest";
import { Connection } from "./connection.ts";

test("a connection that breaks while it is closed ends as any other", async () => {
  // It accepts connections and never answers, as a frozen server.
  const server = createServer((socket) => socket.on("error", () => {})).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const failures: string[] = [];
  const connection = new Connection(
    { host: "127.0.0.1", port },
    { up() {}, down() {}, failed: ({ message }) => failures.push(message) },
  );
  await once(connection.redis, "connect");
  const closed = connection.close();
  connection.redis.stream.destroy(new Error("silent for too long"));
  await closed;
  expect(failures).toContain("silent for too long");
  server.close();
});
