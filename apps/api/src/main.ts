import { launch } from "@signalbox/node/lifecycle";
import { openNode } from "@signalbox/node/node";
import { openApi } from "./open.ts";
import { close, listen, serverOf } from "./server.ts";

await launch("api", async (launched) => {
  const node = await openNode(launched);
  const { config, log, onStop, health } = node;
  const server = serverOf(openApi(node), log);
  onStop("server", () => close(server));
  await listen(server, config);
  onStop("readiness", () => health.drain());
  health.started();
  log.info({ address: server.address() }, "serving");
  void node.pingHomeserver();
});
