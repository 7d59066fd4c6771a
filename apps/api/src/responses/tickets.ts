/** A ticket for a stream, as `/v1/tickets` prints it. CONTRACT section 5, "SSE". */
import * as v from "valibot";
import { time } from "./values.ts";

export const Ticket = v.object({ ticket: v.string(), expires_at: time });
