/**
 * A chat in the terminal, with the SDK. Run `npm start`, then in two other terminals:
 *
 *     npm run chat -w examples -- alice bob
 *     npm run chat -w examples -- bob alice
 *
 * Each line that you type is sent; Ctrl-D leaves. SIGNALBOX_URL says where the node is, if not on http://127.0.0.1:8080.
 */
import { createInterface } from "node:readline";
import { createClient, type SignalboxError } from "@signalbox/client";
import { WebSocket } from "ws"; // For Node 20, which has no WebSocket of its own.

const say = (line: string) => process.stdout.write(`${line}\n`);
const [me, other] = process.argv.slice(2);
if (me === undefined || other === undefined) {
  say("Usage: npm run chat -w examples -- <your name> <the other's name>");
  process.exit(1);
}

const client = createClient({ url: process.env.SIGNALBOX_URL ?? "http://127.0.0.1:8080", WebSocket });
await client.signIn({ userId: me, name: me });
const { realtime, rooms } = client;

/** The room of these two: the one that is there, or a new one. */
async function ourRoom(first: string, second: string): Promise<string> {
  const name = [first, second].sort().join(" and ");
  const { data } = await rooms.list({ limit: 100 });
  const room = data.find((each) => each.name === name) ?? (await rooms.create({ name, members: [second] }));
  return room.id;
}

const chatId = await ourRoom(me, other);
let shown = 0;
function show({ seq, senderId }: { seq: number; senderId: string }, text: string) {
  if (seq > shown) say(`${senderId}: ${text}`);
  shown = Math.max(shown, seq);
}

// Events that arrive before the history is shown wait for it, and those that are in it are not shown twice.
const begun = realtime.connect().then(async () => {
  const { messages } = await client.getMessages(chatId, 20);
  for (const message of messages.reverse()) show(message, message.content);
  say(`You are ${me}. Write to ${other}:`);
});
realtime.on("message", (event) => {
  if (event.chatId === chatId) void begun.then(() => show(event, event.message));
});
realtime.on("typing", ({ senderId }) => senderId !== me && say(`${senderId} is typing …`));
realtime.on(
  "connection",
  ({ state }) => state === "waiting" && say("The connection is gone; it comes back by itself."),
);
await begun;

for await (const line of createInterface({ input: process.stdin })) {
  if (line.trim() === "") continue;
  await realtime.sendMessage(chatId, line).catch((error: SignalboxError) => say(`Not sent: ${error.detail}`));
}
realtime.disconnect();
