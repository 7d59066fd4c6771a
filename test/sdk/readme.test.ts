/** The examples of the SDK's README are one program, which does what it says at a new server. */
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { CLOSE } from "@signalbox/protocol/close";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Standalone } from "../support/servers.ts";
import { EVENTS } from "./device.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const CACHE = join(ROOT, ".cache");
const MOST_MS = 30_000;

let readme: string;
let api: string;
let folder: string;
beforeAll(async () => {
  readme = await readFile(join(ROOT, "packages", "client", "README.md"), "utf8");
  api = await readFile(join(ROOT, "packages", "client", "src", "api.ts"), "utf8");
  // Within the repository, where it finds the SDK and ws as in a project that has installed them.
  await mkdir(CACHE, { recursive: true });
  folder = await mkdtemp(join(CACHE, "readme-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const program = () => [...readme.matchAll(/^```js\n(.*?)^```/gms)].map(([, code]) => code).join("\n");

test("the README's program runs as it stands, hears what it listens for, and ends by itself", async () => {
  const server = await Standalone.start();
  try {
    const file = join(folder, "program.mjs");
    await writeFile(file, program().replace("http://127.0.0.1:8080", server.url));
    const conditions = ["--conditions=development", "--conditions=@signalbox/source", "--import", "tsx"];
    const { stdout } = await promisify(execFile)(process.execPath, [...conditions, file], { timeout: MOST_MS });
    const heard = new Set(stdout.split("\n").map((line) => line.split(" ")[0]));
    // Nothing is too old for a program of a few seconds.
    const expected = Object.keys(EVENTS).filter((name) => name !== "reset");
    expect(expected.filter((name) => !heard.has(name))).toEqual([]);
    expect(stdout).toContain("\n[ 'alice' ]\n");
    expect(stdout).toContain("\n{ alice: 'busy', carol: 'offline' }\n");
    expect(stdout).toMatch(/\ninvalid .+\n/);
  } finally {
    await server.stop();
  }
});

test("the README's program calls every method and listens to every event", () => {
  const code = program();
  const interfaces = [...api.matchAll(/^export interface (?:Rooms|Realtime|Client) \{\n(.*?)^\}/gms)];
  const methods = interfaces.flatMap(([, body = ""]) => [...body.matchAll(/^ {2}(\w+)[<(]/gm)].map(([, name]) => name));
  expect(methods.length).toBeGreaterThan(25);
  expect(methods.filter((name) => !code.includes(`.${name}(`))).toEqual([]);
  expect(Object.keys(EVENTS).filter((name) => !code.includes(`.on("${name}"`))).toEqual([]);
});

test("the README says what happens with every close code", () => {
  const codes = readme.split("\n").flatMap((line) => /^\| (\d{4}(?:, \d{4})*) +\|/.exec(line)?.[1]?.split(", ") ?? []);
  expect(new Set(codes)).toEqual(new Set(Object.values(CLOSE).map(({ code }) => String(code))));
});
