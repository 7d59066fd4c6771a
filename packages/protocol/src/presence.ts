/** The words of presence. CONTRACT sections 5 and 6. */
import * as v from "valibot";

/** What a person may choose to be. */
export const CHOICES = ["online", "idle", "busy", "appear_offline"] as const;
export const Choice = v.picklist(CHOICES);
export type Choice = v.InferOutput<typeof Choice>;

/** What a person is, as their own sessions see it. Others see `appear_offline` as `offline`. */
export const STATUSES = [...CHOICES, "offline"] as const;
export const Status = v.picklist(STATUSES);
export type Status = v.InferOutput<typeof Status>;

/** What a person is, as others see it. */
export type Shown = Exclude<Status, "appear_offline">;

/** The three words of the signals surface. */
export type Word = "online" | "offline" | "unavailable";

export const wordOf = (status: Status): Word => {
  if (status === "online") return "online";
  return status === "idle" || status === "busy" ? "unavailable" : "offline";
};

/** What somebody chooses who says this word. */
export const WORDS: Readonly<Record<Word, Choice>> = {
  online: "online",
  unavailable: "idle",
  offline: "appear_offline",
};
