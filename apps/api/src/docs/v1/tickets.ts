import { Ticket } from "../../responses/tickets.ts";
import { operation } from "../operation.ts";
import { dataOf } from "../success.ts";

export const create = operation({
  id: "createTicket",
  tag: "Signals",
  summary: "Get a ticket for a stream",
  text: "For readers that cannot set a header, such as a browser's `EventSource`: valid once, within 30 seconds, as `?ticket=`.",
  guard: "limited",
  answer: dataOf(Ticket, {
    ticket: "Wd4s9sQ5y2m0JtXn1bq7vC8kLhRzE3uPaGfOiT6cNxY",
    expires_at: "2026-02-24T14:35:30.000Z",
  }),
});
