/**
 * `npm run rebuild -- --room ID | --all [--as @user:server]`: reads rooms again from the homeserver, beside the running
 * system, on the environment of an API node. It may be stopped at any time; the next call goes on from there. CONTRACT
 * section 8.
 */
import { parseArgs } from "node:util";
import { launch } from "@signalbox/node/lifecycle";
import { openNode } from "@signalbox/node/node";
import { Problem } from "@signalbox/protocol/errors";
import { parseRoomId } from "@signalbox/protocol/ids";
import { progressBar } from "./progress.ts";

const USAGE = `npm run rebuild -- --room ID | --all [--as @user:server]
  --room  a room, by its id in Matrix ("!…") or here
  --all   every bridged room, and every other that the reader is in
  --as    the Matrix user to read as, a member of the room; without it, the bridge's own user, or any member
`;

const wrong = (why: string): number => {
  process.stderr.write(`${why}\n${USAGE}`);
  return 1;
};

function asked() {
  const options = { room: { type: "string" }, all: { type: "boolean" }, as: { type: "string" } } as const;
  try {
    return parseArgs({ options }).values;
  } catch {
    return {};
  }
}

await launch("api", async (launched) => {
  const { room, all = false, as } = asked();
  if ((room === undefined) !== all) return wrong("One of --room and --all is needed.");
  const roomId = room?.startsWith("!") ? room : parseRoomId(room ?? "");
  if (!all && roomId === undefined) return wrong("That is not the id of a room.");
  const { rebuild } = await openNode(launched);
  if (rebuild === null)
    return wrong("MATRIX_HS_URL and MATRIX_AS_TOKEN are not set: there is no homeserver to read from.");
  const bar = progressBar(process.stderr);
  try {
    const unread = await (roomId === undefined
      ? rebuild.all({ as, onProgress: bar.move })
      : rebuild.room(roomId, { as, onProgress: bar.move }).then(() => []));
    bar.end();
    for (const each of unread) process.stderr.write(`${each}: no user that the bridge may act as can read it\n`);
    return unread.length === 0 ? 0 : 1;
  } catch (error) {
    bar.end();
    if (!(error instanceof Problem)) throw error;
    process.stderr.write(`${error.message}. The events read so far stay; the next call goes on from there.\n`);
    return 1;
  }
});
