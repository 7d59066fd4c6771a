/** The statuses of presence. CONTRACT sections 5 and 6. */
import * as v from "valibot";

/** The statuses that a user may choose. */
export const CHOICES = ["online", "idle", "busy", "appear_offline"] as const;
export const Choice = v.picklist(CHOICES);
export type Choice = v.InferOutput<typeof Choice>;

/** The statuses of a user for their own sessions. Other users see `appear_offline` as `offline`. */
export const STATUSES = [...CHOICES, "offline"] as const;
export const Status = v.picklist(STATUSES);
export type Status = v.InferOutput<typeof Status>;

/** The status of a user for other users. */
export type Shown = Exclude<Status, "appear_offline">;

/** The three statuses of the signals API, which are those of Matrix. */
export type SignalStatus = "online" | "offline" | "unavailable";

export const signalStatusOf = (status: Status): SignalStatus => {
  if (status === "online") return "online";
  return status === "idle" || status === "busy" ? "unavailable" : "offline";
};

/** The choice behind each status that a client sets in the signals API. */
export const CHOICE_BY_SIGNAL_STATUS: Readonly<Record<SignalStatus, Choice>> = {
  online: "online",
  unavailable: "idle",
  offline: "appear_offline",
};
