/** The programs in `examples` do what their head comments say, against a node that was just started. */
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type NodeProcess, startNode } from "@signalbox/infra/node";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { Program } from "./program.ts";

const EXAMPLES = fileURLToPath(new URL("../../examples/", import.meta.url));
const MOST_LINES = 60;

let folder: string;
let node: NodeProcess;
const programs: Program[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "signalbox-examples-"));
  node = await startNode({ kind: "standalone", env: { DATA_DIR: folder } });
});
afterEach(async () => {
  await Promise.all(programs.splice(0).map((program) => program.stop()));
});
afterAll(async () => {
  await node.stop();
  await rm(folder, { recursive: true, force: true });
});

function run(script: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): Program {
  const program = new Program(script, args, { SIGNALBOX_URL: node.url, ...env });
  programs.push(program);
  return program;
}

test("an example is short", async () => {
  const files = (await readdir(EXAMPLES)).filter((name) => /\.(ts|mjs|html)$/.test(name));
  expect(files.sort()).toEqual(["backend.mjs", "chat.ts", "page.html"]);
  for (const name of files)
    expect((await readFile(join(EXAMPLES, name), "utf8")).split("\n").length - 1, name).toBeLessThanOrEqual(MOST_LINES);
});

test("two people chat in their terminals, one of whom comes later", async () => {
  const alice = run("chat", ["alice", "bob"]);
  await alice.prints(/^You are alice\./m);
  alice.types("Hello, Bob");
  await alice.prints(/^alice: Hello, Bob$/m);

  const bob = run("chat", ["bob", "alice"]);
  await bob.prints(/^You are bob\./m);
  bob.types("Hello, Alice");
  await alice.prints(/^bob: Hello, Alice$/m);
  await bob.prints(/^bob: Hello, Alice$/m);

  expect([await alice.leaves(), await bob.leaves()]).toEqual([0, 0]);
  const lines = ["alice: Hello, Bob", "bob: Hello, Alice"];
  expect([alice, bob].map((each) => lines.map((line) => each.count(line)))).toEqual([
    [1, 1],
    [1, 1],
  ]);
});

test("a chat without names says what it takes", async () => {
  const program = run("chat", []);
  await program.prints(/^Usage: /m);
  expect(await program.leaves()).toBe(1);
});

test("a back end makes a room, and lets in the users who know their passwords", async () => {
  const secret = await readFile(join(folder, "jwt-secret"), "utf8");
  const program = run("backend", [], { JWT_SECRET: secret, PORT: "0" });
  const [, room = ""] = await program.prints(/^The room "Welcome" is (\S+)$/m);
  const [, url = ""] = await program.prints(/^Sign in at (\S+)$/m);
  const post = (body: string) => fetch(url, { method: "POST", body });

  for (const wrong of ['{"userId":"alice","password":"?"}', '{"userId":"carol"}', "{}", "no JSON"])
    expect((await post(wrong)).status, wrong).toBe(403);
  const answer = await post('{"userId":"alice","password":"wonderland"}');
  const { token } = (await answer.json()) as { token: string };
  const rooms = await fetch(`${node.url}/v1/rooms`, { headers: { authorization: `Bearer ${token}` } });
  const { data } = (await rooms.json()) as { data: { id: string }[] };
  expect(data.find(({ id }) => id === room)).toMatchObject({ name: "Welcome", member_count: 2 });
});
