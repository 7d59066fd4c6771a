/** `examples/page.html`, served by another server than the node, as its head comment says. */
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { fileURLToPath } from "node:url";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Cleanup } from "../support/cleanup.ts";
import { listenOn } from "../support/loopback.ts";
import { Standalone } from "../support/servers.ts";
import { openBrowser } from "./chromium.ts";
import { Window } from "./window.ts";

const PAGE = fileURLToPath(new URL("../../examples/page.html", import.meta.url));

const cleanup = new Cleanup();
let browser: Browser;
let origin: string;
let server: Standalone;

beforeAll(async () => {
  browser = await openBrowser();
  cleanup.add(() => browser.close());
  const html = await readFile(PAGE);
  const pages = createServer((_, response) => response.setHeader("Content-Type", "text/html").end(html));
  origin = await listenOn(pages);
  cleanup.add(async () => pages.close());
  server = await Standalone.start({ ALLOWED_ORIGINS: origin });
  cleanup.add(() => server.stop());
});
afterAll(() => cleanup.run());

/** The page in the window of this user. */
async function opened(user: string) {
  const window = await Window.open(browser, `${origin}/page.html?${new URLSearchParams({ user, server: server.url })}`);
  cleanup.add(() => window.close());
  const { page } = window;
  return {
    window,
    says: async (words: string) => {
      await page.getByLabel("Message").fill(words);
      await page.getByRole("button", { name: "Send" }).click();
    },
    hears: (line: string) => page.getByRole("listitem").filter({ hasText: line }).waitFor(),
    lines: () => page.getByRole("listitem").allTextContents(),
  };
}

test("two users chat, and both resume after a restart of the node", async () => {
  const alice = await opened("alice");
  await alice.says("Hello, Bob");
  await alice.hears("alice: Hello, Bob");

  const bob = await opened("bob");
  await bob.hears("alice: Hello, Bob");
  await bob.says("<b>Hello</b>, Alice");
  await alice.hears("bob: <b>Hello</b>, Alice");
  for (const { window } of [alice, bob]) window.errorFree();

  await server.node.stop();
  await server.startAgain();
  await bob.says("Still here?");
  await alice.hears("bob: Still here?");
  await alice.says("Still here.");
  await bob.hears("alice: Still here.");
  const said = ["alice: Hello, Bob", "bob: <b>Hello</b>, Alice", "bob: Still here?", "alice: Still here."];
  expect([await alice.lines(), await bob.lines()]).toEqual([said, said]);
});
