/** `examples/page.html`, served by another server than the node, as its head comment says. */
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type NodeProcess, startNode } from "@signalbox/infra/node";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openBrowser } from "./chromium.ts";
import { Window } from "./window.ts";

const PAGE = fileURLToPath(new URL("../../examples/page.html", import.meta.url));

const ends: (() => Promise<unknown>)[] = [];
let browser: Browser;
let origin: string;
let env: Readonly<Record<string, string>>;
let node: NodeProcess;

beforeAll(async () => {
  browser = await openBrowser();
  ends.push(() => browser.close());
  const html = await readFile(PAGE);
  const server = createServer((_, response) => response.setHeader("Content-Type", "text/html").end(html));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  ends.push(async () => server.close());
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const folder = await mkdtemp(join(tmpdir(), "signalbox-example-"));
  ends.push(() => rm(folder, { recursive: true, force: true }));
  env = { DATA_DIR: folder, ALLOWED_ORIGINS: origin };
  node = await startNode({ kind: "standalone", env });
  ends.push(() => node.stop());
});
afterAll(async () => {
  for (let end = ends.pop(); end !== undefined; end = ends.pop()) await end();
});

/** The page as this person has it open. */
async function opened(user: string) {
  const window = await Window.open(browser, `${origin}/page.html?${new URLSearchParams({ user, server: node.url })}`);
  ends.push(() => window.close());
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

test("two people talk, and both go on where they were when the node is back", async () => {
  const alice = await opened("alice");
  await alice.says("Hello, Bob");
  await alice.hears("alice: Hello, Bob");

  const bob = await opened("bob");
  await bob.hears("alice: Hello, Bob");
  await bob.says("<b>Hello</b>, Alice");
  await alice.hears("bob: <b>Hello</b>, Alice");
  for (const { window } of [alice, bob]) window.errorFree();

  await node.stop();
  node = await startNode({ kind: "standalone", env: { ...env, PORT: new URL(node.url).port } });
  await bob.says("Still here?");
  await alice.hears("bob: Still here?");
  await alice.says("Still here.");
  await bob.hears("alice: Still here.");
  const said = ["alice: Hello, Bob", "bob: <b>Hello</b>, Alice", "bob: Still here?", "alice: Still here."];
  expect([await alice.lines(), await bob.lines()]).toEqual([said, said]);
});
