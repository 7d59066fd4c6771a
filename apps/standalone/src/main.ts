import { createServer } from "node:http";
import { fileURLToPath } from "node:url";
import { openApi } from "@signalbox/api/open";
import { close, HEADER_BYTES, listen, listenerOf } from "@signalbox/api/server";
import { openRealtime } from "@signalbox/gateway/realtime";
import { launch } from "@signalbox/node/lifecycle";
import { openNode } from "@signalbox/node/node";
import { loadOrCreateSecret } from "@signalbox/node/secret";
import { banner, twoTokens } from "./banner.ts";

/** The folder into which `npm run build -w apps/console` puts the page. */
const PAGE = fileURLToPath(new URL("../../console/dist", import.meta.url));

await launch("standalone", async (launched) => {
  const { dataDir, jwtSecret, jwksUrl } = launched.config;
  const madeHere = jwtSecret === undefined && jwksUrl === undefined;
  const config = madeHere ? { ...launched.config, jwtSecret: await loadOrCreateSecret(dataDir) } : launched.config;
  const node = await openNode({ ...launched, config });
  const { log, onStop, health, tokens } = node;
  // A node with a secret from outside protects something: it gives no token for the asking.
  const api = listenerOf(openApi(node, { page: PAGE, signer: madeHere ? tokens : undefined }), log);
  const server = createServer({ maxHeaderSize: HEADER_BYTES });
  // Ends after the sessions, for which it would wait; until then `/readyz` shows the drain.
  onStop("server", () => close(server));
  const gateway = await openRealtime(node);
  server.on("upgrade", (request, socket, head) => gateway.upgrade(request, socket, head));
  server.on("request", (request, response) => {
    if (!gateway.request(request, response)) api(request, response);
  });
  await listen(server, config);
  onStop("readiness", () => health.drain());
  health.started();
  log.info({ address: server.address() }, "serving");
  void node.pingHomeserver();
  process.stdout.write(banner(server.address()));
  // With a secret from outside, the operator has tokens.
  if (madeHere) process.stdout.write(await twoTokens(tokens));
});
