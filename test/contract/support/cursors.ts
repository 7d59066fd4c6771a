/** The cursor of a room's end, as a replay tells it. */
import { cursorOf } from "../../support/cursors.ts";
import type { Person } from "../../support/world.ts";

/** The cursor of the room's last event: of what the answers and frames under test have to agree with. */
export async function endOf(member: Person, chatId: string): Promise<string> {
  const client = await member.resumes(0, { [chatId]: 0 });
  client.close();
  const last = client.events(chatId).at(-1);
  if (last === undefined) throw new Error("the room has no event");
  return cursorOf(last);
}
