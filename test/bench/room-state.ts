/**
 * `npm run bench:state`: the state of a room in one request, against the seven requests that give the same without it: the room,
 * its members (with presence, typing and receipts), engagement, plan, sidekicks, call, and the caller's unread count. Takes half a
 * minute, and fails when it is not five times as fast. It is no test: with other work beside it a ratio means little.
 */
import { Stage } from "../support/cluster/stage.ts";
import { ask, dataOf } from "../support/http.ts";
import type { Person } from "../support/world.ts";

const MEMBERS = 200;
const TURNS = 25;
/** Repeats of each way before the next: the first request after another way pays for its leftovers. */
const IN_A_ROW = 20;
/** Other rooms of the reader: without the room's state, an unread count comes with the list of all rooms. */
const OTHER_ROOMS = 30;
/** Less fails. */
const LEAST_RATIO = 5;

const stage = new Stage();

/** A room with every part; forty members are online, and all have read a message. */
async function fullRoom(): Promise<{ chatId: string; reader: Person }> {
  const people = await stage.people(MEMBERS);
  const [owner, reader] = people as [Person, Person];
  const chatId = await owner.makesRoom(...people.slice(1));
  const room = `/v1/rooms/${chatId}`;
  const parts: Readonly<Record<string, object>> = {
    engagement: { mode: "mention", overrides: { [reader.id]: "always" } },
    plan: { title: "A plan", steps: [{ id: "1", title: "A step", status: "open" }] },
    call: { call_id: "a-call", started_at: new Date().toISOString(), participants: [owner.id] },
    "sidekicks/one": { name: "One" },
  };
  for (const [part, body] of Object.entries(parts)) dataOf(await owner.asks("PUT", `${room}/${part}`, { ...body }));
  let last = await owner.says(chatId, "first");
  for (let sent = 0; sent < 50; sent++) last = await owner.says(chatId, `message ${sent}`);
  await Promise.all(people.map((person) => person.acts({ type: "READ_MSG", chatId, messageId: last.messageId })));
  for (let sent = 0; sent < 7; sent++) await owner.says(chatId, `unread ${sent}`);
  for (let other = 0; other < OTHER_ROOMS; other++) await owner.says(await owner.makesRoom(reader), "hello");
  await stage.opens(people.slice(0, 40), (index) => index % 2);
  return { chatId, reader };
}

/** The lower tenth: other work of the machine makes the longer times longer. */
const undisturbed = (times: readonly number[]): number =>
  [...times].sort((a, b) => a - b)[Math.floor(times.length / 10)]!;

async function measure(): Promise<void> {
  const { chatId, reader } = await fullRoom();
  const room = `/v1/rooms/${chatId}`;
  const parts = ["members", "engagement", "plan", "sidekicks", "call"].map((part) => `${room}/${part}`);
  const seven = [room, ...parts, "/v1/rooms"];
  /** All at one node: differences between nodes are not measured. */
  const asks = async (path: string) => {
    const { status } = await ask(`${stage.apis[0]!.url}${path}`, { token: reader.token });
    if (status !== 200) throw new Error(`${path} was answered ${status}`);
  };
  const ways = [
    { times: [] as number[], go: () => asks(`${room}/state`) },
    {
      times: [] as number[],
      go: async () => {
        for (const path of seven) await asks(path);
      },
    },
    { times: [] as number[], go: () => Promise.all(seven.map(asks)) },
  ];
  for (let turn = -1; turn < TURNS; turn++) {
    // Each goes first in turn: other work of the machine falls on all alike.
    for (const index of ways.keys()) {
      const { times, go } = ways[(Math.abs(turn) + index) % ways.length]!;
      for (let round = 0; round < IN_A_ROW; round++) {
        const began = performance.now();
        await go();
        if (turn >= 0) times.push(performance.now() - began);
      }
    }
  }
  const [one, sum, atOnce] = ways.map(({ times }) => undisturbed(times)) as [number, number, number];
  process.stdout.write(
    `the state of a room of ${MEMBERS}: ${one.toFixed(2)} ms; seven requests for the same: ${sum.toFixed(2)} ms, ` +
      `at once ${atOnce.toFixed(2)} ms; ratio ${(sum / one).toFixed(2)}, ${(atOnce / one).toFixed(2)} (a tenth of ${TURNS * IN_A_ROW} took less)\n`,
  );
  if (sum / one < LEAST_RATIO) throw new Error(`less than ${LEAST_RATIO} times as fast`);
}

for (const signal of ["SIGINT", "SIGTERM"] as const)
  process.once(signal, () => void stage.stop().then(() => process.exit(130)));
try {
  await stage.start();
  await measure();
} finally {
  await stage.stop();
}
