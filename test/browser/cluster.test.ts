/** Two windows, two users, two gateways of the real topology: ann in one window, ben in the other. */
import { startNode } from "@signalbox/infra/node";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { ask, dataOf, type Room } from "../support/http.ts";
import { sign } from "../support/tokens.ts";
import type { Pane } from "./pane.ts";
import { Stage } from "./stage.ts";
import type { Window } from "./window.ts";

const stage = new Stage();
let pairs = 0;

beforeAll(() => stage.topology());
afterAll(() => stage.stop());
afterEach(() => stage.mend());

interface Pair {
  /** Their user ids. */
  readonly ids: readonly [string, string];
  readonly windows: readonly [Window, Window];
  readonly ann: Pane;
  readonly ben: Pane;
}

/** Two users with a new room open, each at another gateway. */
async function pair(): Promise<Pair> {
  pairs += 1;
  const ids = [`ann${pairs}`, `ben${pairs}`] as const;
  const windows = [await stage.window(), await stage.window()] as const;
  const [ann, ben] = [windows[0].pane("a"), windows[1].pane("a")];
  await Promise.all([ann.enters(ids[0], 0), ben.enters(ids[1], 1)]);
  const token = await sign({ sub: ids[0] }, { secret: stage.cluster.secret });
  const body = { name: `Room ${pairs}`, members: [ids[1]] };
  dataOf<Room>(await ask(`${stage.cluster.apis[1]!.url}/v1/rooms`, { method: "POST", token, body }), 201);
  await Promise.all([ann, ben].map((pane) => pane.room(body.name).click()));
  return { ids, windows, ann, ben };
}

test("messages, edits, deletions, replies and reactions of one user appear in the other's window", async () => {
  const { ann, ben } = await pair();
  await ann.says("Good morning");
  await ben.message("Good morning").waitFor();

  await ann.acts("Good morning", "Edit");
  await ann.writes("Good evening");
  await ben.message("Good evening").waitFor();

  await ben.acts("Good evening", "Reply");
  await ben.writes("To you as well");
  await ann.message("To you as well").getByText("Good evening").waitFor();

  await ben.reacts("Good evening", "🎉");
  await ann.reaction("Good evening", "🎉").waitFor();
  await ben.reaction("Good evening", "🎉").click();
  await ann.reaction("Good evening", "🎉").waitFor({ state: "detached" });

  await ann.says("A slip of the pen");
  await ben.message("A slip of the pen").waitFor();
  await ann.acts("A slip of the pen", "Delete");
  await ben.message("Message deleted").waitFor();
  expect(await ben.said()).toEqual(["Good evening", "To you as well", "Message deleted"]);
});

test("each sees the other's receipt", async () => {
  const { ids, ann, ben } = await pair();
  await ann.says("One");
  await ann.receipt("One", ids[1]).waitFor();
  await ben.says("Two");
  await ben.receipt("Two", ids[0]).waitFor();
  await ann.says("Three");
  await ann.receipt("Three", ids[1]).waitFor();
  expect(await ann.root.getByTestId(`receipt-${ids[1]}`).count()).toBe(1);
});

test("a room that is not open counts unread messages, until it is opened", async () => {
  const { ann, ben } = await pair();
  const room = ben.room(`Room ${pairs}`);
  await ben.root.getByRole("button", { name: "New room" }).click();
  const dialog = ben.root.getByRole("dialog");
  await dialog.getByLabel("Name").fill("Elsewhere");
  await dialog.getByRole("button", { name: "Create" }).click();
  await ben.room("Elsewhere").click();
  await ann.says("One");
  await ann.says("Two");
  await room.getByTestId("unread").getByText("2").waitFor();
  await room.click();
  await ben.message("Two").waitFor();
  await ben.root.getByTestId("divider").waitFor();
  await room.getByTestId("unread").waitFor({ state: "detached" });
});

test("a typing user is shown until it stops for a while", async () => {
  const { ids, ann, ben } = await pair();
  await ben.composer.pressSequentially("I was about to s");
  const line = ann.typing.getByText(ids[1]);
  await line.waitFor();
  await line.waitFor({ state: "detached" });
});

test("a user that closes the window is shown offline in the other", async () => {
  const { ids, ann, windows } = await pair();
  await ann.presence(ids[1], "online");
  await windows[1].close();
  await ann.presence(ids[1], "offline");
});

test("a window that is reloaded in between has all messages, once and in order", async () => {
  const { ann, ben, windows } = await pair();
  const said: string[] = [];
  const say = async (when: string) => {
    for (const each of ["one", "two", "three"]) {
      said.push(`${when} ${each}`);
      await ann.says(`${when} ${each}`);
    }
  };
  await say("before");
  const reloaded = windows[1].page.reload();
  await say("during");
  await reloaded;
  await ben.connection("live");
  await say("after");
  await expect.poll(() => ben.said()).toEqual(said);
});

test("when one gateway is killed, no message is missed, and messages written meanwhile are sent once", async () => {
  const { ann, ben, windows } = await pair();
  await ann.says("before");
  await ben.message("before").waitFor();

  for (const window of windows) window.outage();
  const { gateways, env } = stage.cluster;
  const killed = gateways[1]!;
  await killed.kill();
  await ben.connection("waiting", "connecting");
  await ann.says("while it was dead");
  await ben.writes("written while it was dead");

  const again = await startNode({ kind: "gateway", env: { ...env, PORT: new URL(killed.url).port } });
  stage.afterwards(() => again.stop());
  await ben.connection("live");
  await ann.message("written while it was dead").waitFor();
  await ben.says("after");
  await ann.message("after").waitFor();
  const said = ["before", "while it was dead", "written while it was dead", "after"];
  expect(await ann.said()).toEqual(said);
  expect(await ben.said()).toEqual(said);
});

test("a user moves to the other gateway and misses nothing", async () => {
  const { ann, ben } = await pair();
  await ann.says("before");
  await ben.message("before").waitFor();
  await ben.movesTo(0);
  await ann.says("after");
  await ben.message("after").waitFor();
  expect(await ben.said()).toEqual(["before", "after"]);
});

test("all four nodes are shown as healthy", async () => {
  const { ann } = await pair();
  const health = ann.root.getByTestId("health");
  for (const { url } of [...stage.cluster.apis, ...stage.cluster.gateways])
    await health.locator(`[title="${url}"][data-status="ok"]`).waitFor();
});
