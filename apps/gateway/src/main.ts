import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { launch } from "@signalbox/node/lifecycle";
import { type Node, openNode } from "@signalbox/node/node";
import { answerOperations } from "@signalbox/node/operations";
import { allowOrigin } from "./handshake.ts";
import { openRealtime } from "./realtime.ts";

/** Room for a token of 16 KiB, in bytes. */
const HEADER_BYTES = 32 * 1024;

await launch("gateway", async (launched) => {
  const node = await openNode(launched);
  const { config, log, onStop, health } = node;
  const server = createServer({ maxHeaderSize: HEADER_BYTES });
  onStop("server", () => {
    server.close();
    server.closeAllConnections();
  });
  const gateway = await openRealtime(node);
  server.on("upgrade", (request, socket, head) => gateway.upgrade(request, socket, head));
  server.on("request", (request, response) => {
    if (!gateway.request(request, response)) void answer(node, request, response);
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject).listen(config.port, config.host, resolve);
  });
  onStop("readiness", () => health.drain());
  health.started();
  log.info({ address: server.address() }, "serving");
});

/** Whatever does not stay open: a gateway's only pages are its operators'. */
async function answer(node: Node, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { url = "/" } = request;
  try {
    allowOrigin(request, response, node.config.allowedOrigins);
    const page = await answerOperations(url.replace(/\?.*$/, ""), node);
    const { status, type, body } = page ?? { status: 404, type: "text/plain", body: "There is no such page here.\n" };
    response.writeHead(status, { "Content-Type": type }).end(body);
  } catch (err) {
    node.log.error({ err }, "a page could not be made");
    response.writeHead(500).end();
  }
}
