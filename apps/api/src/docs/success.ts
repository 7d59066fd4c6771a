/** The two forms of a success. */
import * as v from "valibot";

/** `{"data": …}`. */
export const dataOf = <const S extends v.GenericSchema>(schema: S, example: unknown) => ({
  schema: v.object({ data: schema }),
  example: { data: example },
});

/** `{"message": "…"}`, of a change without a result. */
export const done = (message: string) => ({ schema: v.object({ message: v.literal(message) }), example: { message } });
