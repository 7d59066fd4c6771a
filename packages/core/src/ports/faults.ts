import { Problem } from "@signalbox/protocol/errors";

/** The pieces of work in which a fault may be found. Also the values of a metric's label, so the list is closed. */
export type FaultPlace =
  | "activity"
  | "announcement"
  | "changes"
  | "choice"
  | "joining"
  | "lease"
  | "matrix"
  | "notification"
  | "own presence"
  | "presence"
  | "registration"
  | "replay"
  | "sequence"
  | "session"
  | "typing";

/** Takes errors that the design does not explain: a defect of this code, or an answer that no server should give. */
export interface Faults {
  /** Logs one line with an id and counts the fault. Never throws. */
  report(place: FaultPlace, error: unknown): void;
}

/** Whether a port is away for the moment: the one error that callers retry in silence. */
export const isUnavailable = (error: unknown): boolean => error instanceof Problem && error.code === "unavailable";

/** Reports `error` unless it is `unavailable`. Returns whether it was reported. */
export function reportFault(faults: Faults, place: FaultPlace, error: unknown): boolean {
  if (isUnavailable(error)) return false;
  faults.report(place, error);
  return true;
}
