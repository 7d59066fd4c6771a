import { openApi } from "@signalbox/api/open";
import { close, listen } from "@signalbox/api/server";
import { openRealtime } from "@signalbox/gateway/realtime";
import { launch } from "@signalbox/node/lifecycle";
import { openNode } from "@signalbox/node/node";
import { keptSecret } from "@signalbox/node/secret";
import { banner, twoTokens } from "./banner.ts";

await launch("standalone", async (launched) => {
  const { dataDir, jwtSecret, jwksUrl } = launched.config;
  const madeHere = jwtSecret === undefined && jwksUrl === undefined;
  const config = madeHere ? { ...launched.config, jwtSecret: await keptSecret(dataDir) } : launched.config;
  const node = await openNode({ ...launched, config });
  const { log, onStop, health, tokens } = node;
  const api = openApi(node);
  const gateway = await openRealtime(node);
  const server = await listen(api, config);
  server.on("upgrade", (request, socket, head) => gateway.upgrade(request, socket, head));
  onStop("server", () => close(server));
  onStop("readiness", () => health.drain());
  health.started();
  log.info({ address: server.address() }, "serving");
  process.stdout.write(banner(server.address()));
  // A secret of one's own is for trying: whoever brings another has tokens of their own.
  if (madeHere) process.stdout.write(await twoTokens(tokens));
});
