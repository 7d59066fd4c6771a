/** A child process with sessions: it counts their frames. */
import { Audience, type Ends, type Heads, type Progress } from "./audience.ts";
import { serve } from "./children.ts";
import { ownCpuMicros } from "./proc.ts";
import type { SessionPlan } from "./session.ts";
import type { TallyCounts } from "./tally.ts";

export interface ReceiverReport {
  readonly tally: TallyCounts;
  /** The CPU time since `begin`, in microseconds. */
  readonly cpu: number;
}

/** The calls of a receiver. */
export interface ReceiverCalls {
  /** Opens sessions; answers with the end of each room. */
  open(plans: readonly SessionPlan[]): Promise<Ends>;
  /** Starts the count of CPU time. */
  begin(nothing: undefined): void;
  progress(until: Heads): Progress;
  report(nothing: undefined): ReceiverReport;
}

const audience = new Audience();
let begin = process.cpuUsage();

serve<ReceiverCalls>({
  open: async (plans) => {
    await audience.open(plans);
    return audience.ends();
  },
  begin: () => {
    begin = process.cpuUsage();
  },
  progress: (until) => audience.progress(until),
  report: () => ({ tally: audience.tally.toJSON(), cpu: ownCpuMicros(begin) }),
});
