import { randomUUID } from "node:crypto";
import type { FaultPlace, Faults } from "@signalbox/core/ports/faults";
import type { Log } from "./log.ts";
import type { Metrics } from "./metrics.ts";

/** The shortest time between two lines of one place: a fault may repeat for each of thousands of sessions. */
const LINE_MS = 1000;

export interface FaultsDeps {
  readonly log: Pick<Log, "error">;
  readonly metrics: Pick<Metrics, "faults">;
  /** Milliseconds that only grow. */
  readonly now?: () => number;
}

/** Counts every fault by its place, and logs one line a second and place at most, with an id and how many were left out. */
export function createFaults({ log, metrics, now = () => performance.now() }: FaultsDeps): Faults {
  const lines = new Map<FaultPlace, { at: number; suppressed: number }>();
  return {
    report(place, err) {
      metrics.faults.inc({ place });
      const line = lines.get(place);
      if (line !== undefined && now() - line.at < LINE_MS) {
        line.suppressed++;
        return;
      }
      const suppressed = line?.suppressed ?? 0;
      lines.set(place, { at: now(), suppressed: 0 });
      log.error({ err, fault: randomUUID(), place, suppressed }, "an unexpected error");
    },
  };
}
