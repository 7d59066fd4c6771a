import { Ticket } from "./answers.ts";
import { operation } from "./operation.ts";
import { dataOf } from "./success.ts";

export const create = operation({
  id: "createTicket",
  tag: "Signals",
  summary: "Get a ticket for a stream",
  text: "For readers that cannot set a header, as a browser's `EventSource`: used once, within 30 seconds, as `?ticket=`.",
  door: "limited",
  answer: dataOf(Ticket, {
    ticket: "Wd4s9sQ5y2m0JtXn1bq7vC8kLhRzE3uPaGfOiT6cNxY",
    expires_at: "2026-02-24T14:35:30.000Z",
  }),
});
