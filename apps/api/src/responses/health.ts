/** The state of a node, as `/healthz` and `/readyz` print it. CONTRACT section 9. */
import * as v from "valibot";

export const Health = v.object({
  status: v.picklist(["ok", "degraded", "starting", "draining", "failing"]),
  checks: v.record(v.string(), v.picklist(["ok", "failing"])),
});
