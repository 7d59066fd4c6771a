import { Problem } from "@signalbox/protocol/errors";

/** The places of faults. The list is closed, because these are the values of a metric's label. */
export type FaultPlace =
  | "activity"
  | "announcement"
  | "audit"
  | "choice"
  | "history"
  | "joining"
  | "lease"
  | "matrix"
  | "notification"
  | "outbox"
  | "own presence"
  | "presence"
  | "registration"
  | "replay"
  | "sequence"
  | "session"
  | "typing";

/** Reports errors that the design does not explain: a defect of this code, or an answer that no server should give. */
export interface Faults {
  /** Logs one line with an id and counts the fault. Never throws. */
  report(place: FaultPlace, error: unknown): void;
}

/** True for the error of a port that is away for the moment, the only error that callers retry in silence. */
export const isUnavailable = (error: unknown): boolean => error instanceof Problem && error.code === "unavailable";

/** Reports `error` unless it is `unavailable`. Returns true when it was reported. */
export function reportFault(faults: Faults, place: FaultPlace, error: unknown): boolean {
  if (isUnavailable(error)) return false;
  faults.report(place, error);
  return true;
}
