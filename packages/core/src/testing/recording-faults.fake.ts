import type { FaultPlace, Faults } from "../ports/faults.ts";

/** Faults for tests: records the reports. */
export class RecordingFaults implements Faults {
  readonly reports: { readonly place: FaultPlace; readonly error: unknown }[] = [];

  report(place: FaultPlace, error: unknown): void {
    this.reports.push({ place, error });
  }

  /** The places of all reports, in their order. */
  places(): FaultPlace[] {
    return this.reports.map(({ place }) => place);
  }
}
