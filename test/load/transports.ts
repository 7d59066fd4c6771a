/** The transports: by sockets, by the API, and past both. */
import { Agent, request } from "node:http";
import type { Audience } from "./audience.ts";
import type { Session } from "./session.ts";
import { speakerOf, type Transport, type TransportPlan } from "./transport.ts";

/** The most connections to the API. */
const API_CONNECTIONS = 128;
const ANSWER_MS = 30_000;

/** Opens the transport of the plan. Its sessions, if any, join `audience`: they receive as well. */
export async function openTransport(plan: TransportPlan, audience: Audience): Promise<Transport> {
  if (plan.via === "socket") return await openSockets(plan, audience);
  if (plan.via === "api") return openApi(plan);
  // Loaded only here: the other transports need neither a Redis client nor `ws`.
  if (plan.via === "floor") {
    const { openFloor } = await import("./floor/transport.ts");
    return await openFloor(plan);
  }
  const { openEngine } = await import("./publisher.ts");
  return await openEngine(plan);
}

interface Reply {
  readonly type: string;
  readonly ref?: number;
  readonly data?: { readonly seq: number };
  readonly code?: string;
}

async function openSockets(plan: TransportPlan, audience: Audience): Promise<Transport> {
  const waiting = new Map<number, (reply: Reply) => void>();
  await audience.open(plan.authors, (text) => {
    if (!text.startsWith('{"type":"ACK"') && !text.startsWith('{"type":"ERROR"')) return;
    const reply = JSON.parse(text) as Reply;
    waiting.get(reply.ref!)?.(reply);
    waiting.delete(reply.ref!);
  });
  const sessions: readonly Session[] = plan.authors.map(
    ({ userId }) => audience.sessions.find((session) => session.userId === userId)!,
  );
  return {
    begin: () => {},
    send: (ref, message) =>
      new Promise((resolve, reject) => {
        const { author, room } = speakerOf(plan, ref);
        waiting.set(ref, ({ data, code }) =>
          data === undefined ? reject(new Error(code)) : resolve({ room, seq: data.seq }),
        );
        sessions[author]!.send(JSON.stringify({ type: "SEND_MSG", ref, chatId: room, message }));
      }),
  };
}

function openApi(plan: TransportPlan): Transport {
  const agent = new Agent({ keepAlive: true, maxSockets: API_CONNECTIONS });
  return {
    begin: () => {},
    async send(turn, message) {
      const { author, room } = speakerOf(plan, turn);
      const body = JSON.stringify({ type: "SEND_MSG", chatId: room, message });
      const answer = await post(agent, `${plan.api}/api/chat`, plan.authors[author]!.token, body);
      const { data, code } = JSON.parse(answer) as Reply;
      if (data === undefined) throw new Error(code);
      return { room, seq: data.seq };
    },
  };
}

/** Posts with `node:http`: `fetch` would cost the sender three times as much. Rejects with a short code as message. */
function post(agent: Agent, url: string, token: string, body: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const headers = {
      authorization: `Bearer ${token}`,
      "content-type": "application/json",
      "content-length": Buffer.byteLength(body),
    };
    const call = request(url, { method: "POST", agent, headers, timeout: ANSWER_MS }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (part: string) => {
        text += part;
      });
      response.on("end", () => resolve(text)).on("error", () => reject(new Error("cut")));
    });
    call.on("timeout", () => call.destroy());
    call.on("error", () => reject(new Error("no_answer")));
    call.end(body);
  });
}
