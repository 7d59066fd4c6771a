import type { Meter } from "@signalbox/core/ports/meter";
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";

export type Metrics = ReturnType<typeof createMetrics>;

/** Counts that a gateway keeps itself: a metric's call for each delivery would cost more than the delivery. */
export interface GatewayCounts {
  /** Open now: sessions, and rooms and users with a session here. */
  readonly sessions: number;
  readonly rooms: number;
  readonly users: number;
  /** Since the start: frames handed to sessions, their bytes, the writes that carried them, and events fetched to close a gap. */
  readonly frames: number;
  readonly bytes: number;
  readonly flushes: number;
  readonly repaired: number;
}

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];
const GROUP = [1, 2, 5, 10, 20, 50, 100, 200];

/**
 * Everything that a node counts, in a registry of its own. A label only takes values out of a list that the program knows
 * (a route's pattern, an action's type): what clients choose would grow without bound.
 */
export function createMetrics() {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const named: Named = (name, help, labelNames = []) => ({
    name: `signalbox_${name}`,
    help,
    labelNames,
    registers: [registry],
  });
  const meter = createMeter(named);
  const commitSeconds = new Histogram({
    ...named("commit_seconds", "Time that a group of changes took to commit"),
    buckets: SECONDS,
  });
  const commitGroup = new Histogram({
    ...named("commit_group_size", "Changes that one commit carried"),
    buckets: GROUP,
  });

  return {
    registry,
    /** `route`: the pattern that matched, "unmatched" for none. */
    requests: new Histogram({
      ...named("http_request_seconds", "HTTP requests by method, route and status", ["method", "route", "status"]),
      buckets: SECONDS,
    }),
    /** `outcome`: "ok" or the code of a problem. */
    actions: new Counter(named("actions_total", "Actions by type and outcome", ["type", "outcome"])),
    /** `type`: of a known frame. */
    frames: new Counter(named("received_frames_total", "Frames that clients sent, by type", ["type"])),
    /** `place`: a `FaultPlace`. */
    faults: new Counter(
      named("faults_total", "Errors that nothing explains, by the place in which they were caught", ["place"]),
    ),
    closed: new Counter(named("sessions_closed_total", "Ended sessions by close code", ["code"])),
    /** `part`: the name of a check, see `createHealth`. */
    up: new Gauge(named("up", "Whether a part that this node needs answers", ["part"])),
    /** Records a committed group of changes and its time in milliseconds. */
    commit(size: number, ms: number): void {
      commitGroup.observe(size);
      commitSeconds.observe(ms / 1000);
    },
    meter,
    /** Has every scrape print what `read` returns. Called once. */
    observe: (read: () => GatewayCounts) => observe(meter, read),
  };
}

type Named = <T extends string>(
  name: string,
  help: string,
  labelNames?: readonly T[],
) => { name: string; help: string; labelNames: readonly T[]; registers: Registry[] };

/** The port by which packages without a metrics library count. */
const createMeter = (named: Named): Meter => ({
  counter(name, help, labels = []) {
    const counter = new Counter(named(name, help, labels));
    return (values = {}, by = 1) => counter.inc(values, by);
  },
  total(name, help, read) {
    new Counter({
      ...named(name, help),
      collect() {
        this.reset();
        this.inc(read());
      },
    });
  },
  gauge(name, help, read) {
    new Gauge({
      ...named(name, help),
      collect() {
        this.set(read());
      },
    });
  },
});

function observe(meter: Meter, read: () => GatewayCounts): void {
  const present = (key: keyof GatewayCounts, help: string) => meter.gauge(key, help, () => read()[key]);
  const total = (name: string, key: keyof GatewayCounts, help: string) => meter.total(name, help, () => read()[key]);
  present("sessions", "Open sessions");
  present("rooms", "Rooms with a session here");
  present("users", "Users with a session here");
  total("deliveries_total", "frames", "Frames handed to sessions");
  total("sent_bytes_total", "bytes", "Bytes written to sessions");
  total("flushes_total", "flushes", "Writes to sessions, of one frame or many");
  total("repaired_events_total", "repaired", "Events that a gap had swallowed, fetched from the store");
}
