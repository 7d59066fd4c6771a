import { afterAll, beforeAll, test } from "vitest";
import type { Person } from "../contract/world.ts";
import { Stage } from "./stage.ts";
import { staysComplete } from "./stays.ts";

const stage = new Stage();
beforeAll(() => stage.start());
afterAll(() => stage.stop());
test.each([1, 2, 3])("churn without anybody else at the gateway %i", async () => {
  const [owner, guest] = (await stage.people(2)) as [Person, Person];
  const chatId = await owner.makesRoom();
  const sessions = await Promise.all([0, 1].map((door) => stage.connects(guest, door)));
  for (let i = 0; i < 10; i++) {
    await owner.adds(chatId, guest);
    await owner.says(chatId, "x");
    await owner.removes(chatId, guest);
    await owner.says(chatId, "y");
  }
  await owner.adds(chatId, guest);
  await owner.says(chatId, "z");
  await staysComplete(stage, chatId, { userId: guest.id, inside: false, sessions });
});
