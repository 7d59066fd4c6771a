/** Matchers of fields with unknown values. */
import { expect } from "vitest";

export const ANY_UUID: unknown = expect.stringMatching(
  /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/,
);
export const ANY_UUID_V7: unknown = expect.stringMatching(
  /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
);
export const ANY_TIME: unknown = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/);
/** The mark of a durable event. */
export const ANY_MARK: unknown = expect.stringMatching(/^[0-9a-f]{8}$/);
export const ANY_TEXT: unknown = expect.stringMatching(/./);

/** An id of the right form that nothing has. */
export const NOTHING = "01890000-0000-7000-8000-000000000000";
