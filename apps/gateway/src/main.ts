import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { sendAnswer } from "@signalbox/node/http/answer";
import { problemAnswer, reportedProblem } from "@signalbox/node/http/problem";
import { launch } from "@signalbox/node/lifecycle";
import { type Node, openNode } from "@signalbox/node/node";
import { answerOperations } from "@signalbox/node/operations";
import { Problem } from "@signalbox/protocol/errors";
import { crossOrigin } from "./cors.ts";
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

/** Answers requests that do not stay open: a gateway's only pages are its operators'. */
async function answer(node: Node, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { method, url = "/" } = request;
  try {
    if (crossOrigin(node.origins, request, response)) return;
    const page = await answerOperations({ method, path: url.replace(/\?.*$/, "") }, node);
    sendAnswer(response, page ?? problemAnswer(new Problem("not_found", "no such path on a gateway")));
  } catch (error) {
    sendAnswer(response, problemAnswer(reportedProblem(error, node.log, "a page could not be made")));
  }
}
