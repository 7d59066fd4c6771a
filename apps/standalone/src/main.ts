import { createServer } from "node:http";
import { fileURLToPath } from "node:url";
import { openApi } from "@signalbox/api/open";
import { close, HEADER_BYTES, listen, listenerOf } from "@signalbox/api/server";
import { openRealtime } from "@signalbox/gateway/realtime";
import { launch } from "@signalbox/node/lifecycle";
import { openNode } from "@signalbox/node/node";
import { loadOrCreateSecret } from "@signalbox/node/secret";
import { banner, twoTokens } from "./banner.ts";

/** Where `npm run build -w apps/console` puts the page. */
const PAGE = fileURLToPath(new URL("../../console/dist", import.meta.url));

await launch("standalone", async (launched) => {
  const { dataDir, jwtSecret, jwksUrl } = launched.config;
  const madeHere = jwtSecret === undefined && jwksUrl === undefined;
  const config = madeHere ? { ...launched.config, jwtSecret: await loadOrCreateSecret(dataDir) } : launched.config;
  const node = await openNode({ ...launched, config });
  const { log, onStop, health, tokens } = node;
  // Whoever brings a secret has something to protect: a token for the asking is not given there.
  const api = listenerOf(openApi(node, { page: PAGE, signer: madeHere ? tokens : undefined }), log);
  const server = createServer({ maxHeaderSize: HEADER_BYTES });
  // Ends after the sessions, which it would wait for; until then it says that the node drains.
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
  // A secret of one's own is for trying: whoever brings another has tokens of their own.
  if (madeHere) process.stdout.write(await twoTokens(tokens));
});
