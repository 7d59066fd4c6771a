/** CONTRACT section 5: tickets, for clients that cannot send a header. */
import { describe, expect, test } from "vitest";
import { ask, dataOf, expectProblem, jsonOf } from "../../../support/http.ts";
import { inSeconds, sign } from "../../../support/tokens.ts";
import type { Person, World } from "../../../support/world.ts";
import { ANY_TEXT, ANY_TIME } from "../../support/shapes.ts";

interface Ticket {
  readonly ticket: string;
  readonly expires_at: string;
}

/** The query of a new ticket. */
async function ticketQuery(person: Person, token = person.token): Promise<string> {
  const authorization = `Bearer ${token}`;
  const { ticket } = dataOf<Ticket>(await person.asks("POST", "/v1/tickets", undefined, { authorization }));
  return `?ticket=${encodeURIComponent(ticket)}`;
}

export function tickets(world: World): void {
  describe("a ticket", () => {
    test("is issued for a token, and is valid for 30 s", async () => {
      const alice = await world.person();
      const asked = Date.now();
      const answer = await alice.asks("POST", "/v1/tickets");
      expect(jsonOf(answer)).toStrictEqual({ data: { ticket: ANY_TEXT, expires_at: ANY_TIME } });
      const { expires_at, ticket } = dataOf<Ticket>(answer);
      expect(Math.abs(Date.parse(expires_at) - asked - 30_000)).toBeLessThan(2000);
      expect(ticket.length).toBeGreaterThanOrEqual(20);
      expect(await ticketQuery(alice)).not.toContain(ticket);
      expectProblem(await ask(`${world.servers.api}/v1/tickets`, { method: "POST" }), "unauthenticated");
    });

    test("opens one stream at any node, without a header, and no second one: 401 ends the EventSource", async () => {
      const { alice, bob, chatId } = await world.chat();
      for (const door of [0, 1] as const) {
        const query = await ticketQuery(bob);
        const stream = await world.opensStream(chatId, door, { query });
        expect(stream.requests[0]?.status).toBe(200);
        const second = await world.opensStream(chatId, door === 0 ? 1 : 0, { query });
        await second.over;
        expect(second.requests.map(({ status }) => status)).toEqual([401]);
        expectProblem(await ask(`${world.streamOf(chatId, door)}${query}`), "unauthenticated");
        const { messageId } = await alice.says(chatId, "for the first");
        await stream.receives("message", { id: `msg-${messageId}` });
      }
    });

    test("that is used several times at once opens one stream", async () => {
      const { bob, chatId } = await world.chat();
      const query = await ticketQuery(bob);
      const opened = await Promise.all(
        ([0, 1, 0, 1] as const).map((door) => world.opensStream(chatId, door, { query })),
      );
      expect(opened.map(({ requests }) => requests[0]?.status).sort((a = 0, b = 0) => a - b)).toEqual([
        200, 401, 401, 401,
      ]);
    });

    test("goes with a cursor, and a new one resumes the last stream", async () => {
      const { alice, bob, chatId } = await world.chat();
      await alice.says(chatId, "before");
      const first = await world.opensStream(chatId, 0, { query: `${await ticketQuery(bob)}&last_event_id=0` });
      await first.reaches(2);
      first.close();
      await alice.says(chatId, "meanwhile");
      const next = await world.opensStream(chatId, 1, {
        query: `${await ticketQuery(bob)}&last_event_id=${first.cursors.at(-1)}`,
      });
      await next.reaches(3);
      expect([...first.ids, ...next.ids]).toEqual([1, 2, 3]);
    });

    test("that is unknown, or used elsewhere than on a stream, is refused", async () => {
      const { alice, bob, chatId } = await world.chat();
      for (const ticket of ["nonsense", "", alice.token, "%00", "t".repeat(500)])
        expectProblem(await ask(`${world.streamOf(chatId)}?ticket=${ticket}`), "unauthenticated");
      expectProblem(await ask(`${world.servers.api}/v1/rooms${await ticketQuery(bob)}`), "unauthenticated");
      const socket = await world.opensSocket(0, { query: await ticketQuery(bob) });
      socket.send({ type: "PING" });
      expect((await socket.closed).code).toBe(4401);
    });

    test("is refused to users that are no members, or revoked since", async () => {
      const [service, { bob, carol, chatId }] = [await world.service(), await world.chat()];
      expectProblem(await ask(`${world.streamOf(chatId)}${await ticketQuery(carol)}`), "not_found");
      const query = await ticketQuery(bob);
      expect((await service.asks("POST", `/v1/users/${bob.id}/revoke`)).status).toBe(200);
      expectProblem(await ask(`${world.streamOf(chatId, 1)}${query}`), "unauthenticated");
    });
  });
}

/** Tests that wait for seconds; they run beside each other. */
export function ticketsOverTime(world: World): void {
  test.concurrent("a stream ends with its token, or with the token of its ticket", async () => {
    const { bob, chatId } = await world.chat();
    const exp = inSeconds(3);
    const token = await sign({ sub: bob.id, exp });
    const opened = await Promise.all([
      world.opensStream(chatId, 0, { token }),
      world.opensStream(chatId, 1, { query: await ticketQuery(bob, token) }),
    ]);
    for (const stream of opened) {
      expect(stream.requests[0]?.status).toBe(200);
      const at = await stream.ended;
      expect(at).toBeGreaterThanOrEqual(exp * 1000);
      expect(at).toBeLessThan(exp * 1000 + 1500);
      await stream.over;
      expect(stream.requests.map(({ status }) => status)).toEqual([200, 401]);
    }
  });
}
