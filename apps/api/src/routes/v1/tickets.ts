import { randomBytes } from "node:crypto";
import type { Tickets } from "@signalbox/core/ports/tickets";
import { Hono } from "hono";
import type { Authenticated, Guards } from "../../auth.ts";
import * as docs from "../../docs/v1/tickets.ts";

/** Life of an unused ticket, in milliseconds. */
const TICKET_MS = 30_000;
/** 256 bits: no guess finds one. */
const TICKET_BYTES = 32;

export interface TicketDeps extends Pick<Guards, "limited"> {
  readonly engine: { readonly tickets: Pick<Tickets, "put"> };
}

/** `/v1/tickets`, for readers of streams that cannot send a header. CONTRACT section 5, "SSE". */
export function ticketRoutes({ limited, engine }: TicketDeps): Hono<Authenticated> {
  return new Hono<Authenticated>().post("/v1/tickets", docs.create, limited, async (c) => {
    const { userId, service, issuedAt, expiresAt } = c.get("actor");
    const ticket = randomBytes(TICKET_BYTES).toString("base64url");
    // The stream ends with the token, and with its revocation.
    const content = { userId, service, issuedAt: issuedAt.getTime(), expiresAt: expiresAt.getTime() };
    await engine.tickets.put(ticket, JSON.stringify(content), TICKET_MS);
    return c.json({ data: { ticket, expires_at: new Date(Date.now() + TICKET_MS).toISOString() } });
  });
}
