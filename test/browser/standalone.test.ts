/** One window with two users and one process, as after `npm start`. */
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import type { Pane } from "./pane.ts";
import { Stage } from "./stage.ts";
import type { Window } from "./window.ts";

const PHONE = { width: 390, height: 844 };

interface Couple {
  readonly window: Window;
  readonly alice: Pane;
  readonly bob: Pane;
}

const stage = new Stage();
let couples = 0;

beforeAll(() => stage.standalone());
afterAll(() => stage.stop());
afterEach(() => stage.mend());

/** A window in which a new pair of users has a room of theirs open. */
async function together(options: Parameters<Stage["window"]>[0] = {}): Promise<Couple> {
  couples += 1;
  const names = [`Alice ${couples}`, `Bob ${couples}`] as const;
  const window = await stage.window(options);
  const [alice, bob] = [window.pane("a"), window.pane("b")];
  // In turn: a window has one keyboard.
  await alice.enters(names[0]);
  await bob.enters(names[1]);
  await alice.root.getByTestId("try-it").click();
  await alice.composer.waitFor();
  await bob.room(names.join(" and ")).click();
  return { window, alice, bob };
}

test("a visitor signs both users in, tries it, and has them talk to each other", async () => {
  const window = await stage.window();
  const [alice, bob] = [window.pane("a"), window.pane("b")];
  await window.page.getByRole("button", { name: "Sign in both" }).click();
  await Promise.all([alice.connection("live"), bob.connection("live")]);
  await alice.root.getByTestId("try-it").click();
  await alice.says("Is this on?");
  await bob.room("Alice and Bob").getByTestId("unread").getByText("1").waitFor();
  await bob.room("Alice and Bob").click();
  await bob.message("Is this on?").waitFor();
  await bob.says("Loud and clear.");
  await bob.reacts("Is this on?", "👍");
  await alice.acts("Loud and clear.", "Reply");
  await alice.writes("Then let us close this window and see what the other one makes of it.");
  await alice.receipt("Then let us close this window and see what the other one makes of it.", "bob").waitFor();
  await window.screenshot("desktop");
});

test("an event is in the log, with its seq and its latency", async () => {
  const { alice, bob } = await together();
  await alice.says("To be seen twice");
  for (const pane of [alice, bob]) {
    const line = pane.events.getByRole("listitem").filter({ hasText: "SEND_MSG" });
    await line
      .filter({ hasText: "#2" })
      .filter({ hasText: /\d+ ms/ })
      .waitFor();
  }
});

test("a message with markup is shown as it was written", async () => {
  const { alice, bob } = await together();
  const text = '<img src="/none" onerror="document.title = 1"><b>bold</b> &amp;';
  await alice.says(text);
  await bob.message(text).waitFor();
});

test("every action works with the keyboard alone", async () => {
  const { window, alice, bob } = await together();
  const { keyboard } = window.page;
  await window.tabsTo(alice.composer);
  await keyboard.type("Typed");
  await keyboard.press("Enter");
  await alice.stored("Typed").waitFor();
  await bob.message("Typed").waitFor();

  // From the empty field to the last message.
  await keyboard.press("ArrowUp");
  await window.hasFocus(alice.message("Typed"));
  await keyboard.press("e");
  await vi.waitFor(async () => expect(await alice.composer.inputValue()).toBe("Typed"));
  await keyboard.press("ControlOrMeta+A");
  await keyboard.type("Edited");
  await keyboard.press("Enter");
  await bob.message("Edited").waitFor();

  await keyboard.press("ArrowUp");
  await keyboard.press("r");
  await window.hasFocus(alice.composer);
  await keyboard.type("Answered");
  await keyboard.press("Enter");
  await alice.stored("Answered").waitFor();
  await bob.message("Answered").getByText("Edited").waitFor();

  await keyboard.press("ArrowUp");
  await window.hasFocus(alice.message("Answered"));
  await keyboard.press("ArrowUp");
  await window.hasFocus(alice.message("Edited"));
  await keyboard.press("+");
  await window.hasFocus(alice.message("Edited").getByRole("menuitem").first());
  await keyboard.press("ArrowRight");
  await keyboard.press("Enter");
  await bob.message("Edited").getByTestId("reaction").waitFor();
  await window.hasFocus(alice.message("Edited"));

  await keyboard.press("ArrowDown");
  await keyboard.press("Delete");
  await bob.message("Message deleted").waitFor();
  await keyboard.press("Escape");
  await window.hasFocus(alice.composer);
});

test("a phone needs no sideways scrolling, and every part is within reach", async () => {
  const window = await stage.window({ viewport: PHONE, hasTouch: true, isMobile: true });
  const alice = window.pane("a");
  expect(await window.overhang()).toBe(0);
  await alice.enters("Alice of the phone");
  expect(await window.overhang()).toBe(0);
  await alice.root.getByTestId("try-it").click();
  await alice.says(`A word without a break: ${"x".repeat(120)}`);
  await alice.says("And one that is short");
  expect(await window.overhang()).toBe(0);
  await window.screenshot("phone");
  for (const name of ["Rooms", "Events", "Chat"]) {
    await alice.root.getByRole("navigation", { name: "Parts of the pane" }).getByRole("button", { name }).click();
    expect(await window.overhang()).toBe(0);
  }
});

test("it is dark with a dark color scheme", async () => {
  const { window, alice, bob } = await together({ colorScheme: "dark" });
  await alice.says("Good night");
  await bob.message("Good night").waitFor();
  await bob.says("Sleep well");
  await alice.message("Sleep well").waitFor();
  const background = await window.page.evaluate<string>("getComputedStyle(document.body).backgroundColor");
  const light = (background.match(/\d+/g) ?? []).slice(0, 3).map(Number);
  expect(Math.max(...light)).toBeLessThan(80);
  await window.screenshot("dark");
});
