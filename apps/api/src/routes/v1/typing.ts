import { PutTyping } from "@signalbox/protocol/http";
import { parse } from "@signalbox/protocol/parse";
import { Hono } from "hono";
import type { Act } from "../../act.ts";
import type { Authenticated, Guards } from "../../auth.ts";
import { readJson } from "../../body.ts";
import * as docs from "../../docs/v1/typing.ts";

export interface TypingDeps extends Pick<Guards, "limited"> {
  readonly act: Act;
  /** `TYPING_TTL_MS`. */
  readonly typingTtlMs: number;
}

/** `/v1/typing`, of the caller. CONTRACT section 6. */
export function typingRoutes({ limited, act, typingTtlMs }: TypingDeps): Hono<Authenticated> {
  return new Hono<Authenticated>().put("/v1/typing", docs.put, limited, async (c) => {
    const { room_id, typing } = parse(PutTyping, await readJson(c));
    await act(c.get("actor"), { type: typing ? "TYPING" : "STOP_TYPING", chatId: room_id });
    const expires_at = typing ? new Date(Date.now() + typingTtlMs).toISOString() : null;
    return c.json({ data: { room_id, typing, expires_at } });
  });
}
