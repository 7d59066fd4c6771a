import { launch } from "@signalbox/node/lifecycle";
import { openNode } from "@signalbox/node/node";
import { openApi } from "./open.ts";
import { close, listen } from "./server.ts";

await launch("api", async (launched) => {
  const node = await openNode(launched);
  const { config, log, onStop, health } = node;
  const server = await listen(openApi(node), config);
  onStop("server", () => close(server));
  onStop("readiness", () => health.drain());
  health.started();
  log.info({ address: server.address() }, "serving");
});
