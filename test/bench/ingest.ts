/**
 * `npm run bench:ingest`: pushes 100,000 events in transactions of 100 to an API node, one transaction after the other as a
 * homeserver does, with Redis and Postgres behind it, and prints events a second. Takes about half a minute.
 */
import { randomBytes } from "node:crypto";
import { startCluster } from "@signalbox/infra/cluster";

const EVENTS = 100_000;
const IN_TRANSACTION = 100;
const ROOMS = 20;
const USERS = 50;
/** Fewer events a second are a failure. */
const AT_LEAST = 3000;

type Event = Readonly<Record<string, unknown>>;

const roomOf = (index: number): string => `!room${index % ROOMS}:bench.example`;
const userOf = (index: number): string => `@user${index % USERS}:bench.example`;
const idOf = (index: number): string => `$event${index}-bench`;
const began = Date.now() - EVENTS;

/** Mostly text; six in a hundred are a reply, an edit, a reaction, a thread reply, a file and a redaction in the same room. */
function eventAt(index: number): Event {
  const earlier = idOf(Math.max(0, index - ROOMS));
  const text = { msgtype: "m.text", body: `message ${index} of a longer conversation about nothing in particular` };
  const kinds: Readonly<Record<number, Event>> = {
    7: { content: { ...text, "m.relates_to": { "m.in_reply_to": { event_id: earlier } } } },
    23: { content: { ...text, "m.relates_to": { rel_type: "m.thread", event_id: earlier } } },
    41: {
      sender: userOf(index - ROOMS),
      content: { ...text, "m.new_content": text, "m.relates_to": { rel_type: "m.replace", event_id: earlier } },
    },
    59: {
      type: "m.reaction",
      content: { "m.relates_to": { rel_type: "m.annotation", event_id: earlier, key: "👍" } },
    },
    73: {
      content: {
        msgtype: "m.file",
        body: "plan.pdf",
        url: "mxc://bench.example/abc",
        info: { mimetype: "application/pdf", size: 20_480 },
      },
    },
    89: { type: "m.room.redaction", content: { redacts: earlier } },
  };
  return {
    event_id: idOf(index),
    room_id: roomOf(index),
    type: "m.room.message",
    sender: userOf(index),
    origin_server_ts: began + index,
    content: text,
    ...kinds[index % 100],
  };
}

const say = (line: string) => process.stdout.write(line);

async function push(url: string, token: string, transaction: number): Promise<void> {
  const first = transaction * IN_TRANSACTION;
  const events = Array.from({ length: IN_TRANSACTION }, (_, at) => eventAt(first + at));
  const response = await fetch(`${url}/_matrix/app/v1/transactions/${transaction}`, {
    method: "PUT",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: JSON.stringify({ events }),
  });
  if (response.status !== 200)
    throw new Error(`a transaction was answered ${response.status}: ${await response.text()}`);
  await response.arrayBuffer();
}

async function measure(api: string, token: string): Promise<void> {
  const transactions = EVENTS / IN_TRANSACTION;
  const times: number[] = [];
  const start = performance.now();
  for (let transaction = 0; transaction < transactions; transaction++) {
    const sent = performance.now();
    await push(api, token, transaction);
    times.push(performance.now() - sent);
    if (process.stdout.isTTY && transaction % 50 === 0) say(`\r${transaction * IN_TRANSACTION} of ${EVENTS} events`);
  }
  const perSecond = EVENTS / ((performance.now() - start) / 1000);
  times.sort((a, b) => a - b);
  const at = (part: number) => times[Math.floor(times.length * part)]!.toFixed(1);
  say(`\r${EVENTS} events in transactions of ${IN_TRANSACTION}: ${perSecond.toFixed(0)} events/s; `);
  say(`a transaction takes ${at(0.5)} ms (p50), ${at(0.99)} ms (p99)\n`);
  if (perSecond < AT_LEAST) throw new Error(`fewer than ${AT_LEAST} events a second`);
}

const token = randomBytes(16).toString("hex");
const cluster = await startCluster({ apis: 1, gateways: 1, env: { MATRIX_HS_TOKEN: token }, node: { built: true } });
for (const signal of ["SIGINT", "SIGTERM"] as const)
  process.once(signal, () => void cluster.stop().then(() => process.exit(130)));
try {
  await measure(cluster.apis[0]!.url, token);
} finally {
  await cluster.stop();
}
