/** Values that several answers hold, as schemas. */
import * as v from "valibot";

export const HEX_UUID = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}";
export const uuid = v.pipe(v.string(), v.regex(new RegExp(`^${HEX_UUID}$`)));
/** A message's id as `/v1` prints it. */
export const evtId = v.pipe(v.string(), v.regex(new RegExp(`^evt-${HEX_UUID}$`)));
/** A message's id as `/chat/api/v1` prints it. */
export const matrixEvent = v.pipe(v.string(), v.regex(/^\$/));
export const time = v.pipe(v.string(), v.isoTimestamp());
/** The cursor of a room: `<seq>-<mark>`. */
export const cursor = v.pipe(v.string(), v.regex(/^\d{1,16}-[0-7][0-9a-f]{7}$/));
export const whole = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
export const free = v.record(v.string(), v.unknown());
