/** The package of `npm pack`: small, readable, complete, and usable where nothing else is installed. */
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import { startNode } from "@signalbox/infra/node";
import { build } from "vite";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
/** The limit of the SDK in an application's bundle, minified and gzipped. The SDK's README promises it. */
const MAX_BYTES = 8 * 1024;

const exec = promisify(execFile);
let folder: string;
const run = (command: string, args: readonly string[], cwd = folder) => exec(command, args, { cwd });

/** Builds the package, and installs it into an empty folder without a network. */
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "signalbox-pack-"));
  await run("npm", ["pack", "--silent", "--workspace", "@signalbox/client", "--pack-destination", folder], ROOT);
  const [tarball] = await readdir(folder);
  await writeFile(join(folder, "package.json"), JSON.stringify({ private: true, type: "module" }));
  await run("npm", ["install", "--offline", "--no-audit", "--no-fund", `./${tarball}`]);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const installed = (...path: string[]) => join(folder, "node_modules", "@signalbox", "client", ...path);

describe("the package", () => {
  test("holds one module with its map, the types and the README, and brings nothing else along", async () => {
    const files = await readdir(installed(), { recursive: true });
    expect(new Set(await readdir(installed()))).toEqual(new Set(["README.md", "dist", "package.json"]));
    const code = files.filter((file) => file.startsWith("dist/") && !file.endsWith(".d.ts"));
    expect(code.sort()).toEqual(["dist/index.js", "dist/index.js.map"]);
    const packages = await readdir(join(folder, "node_modules"));
    expect(packages.filter((name) => !name.startsWith("."))).toEqual(["@signalbox"]);
    expect(await readdir(join(folder, "node_modules", "@signalbox"))).toEqual(["client"]);
  });

  test("is a module that imports nothing and that people can read, with a map that holds the sources", async () => {
    const code = await readFile(installed("dist", "index.js"), "utf8");
    expect(code).not.toMatch(/^import\b|\bimport\(|\brequire\(|\bprocess\.|\bBuffer\b/m);
    expect(code).toContain("function createClient(options)");
    expect(Math.max(...code.split("\n").map((line) => line.length))).toBeLessThan(250);
    const map = JSON.parse(await readFile(installed("dist", "index.js.map"), "utf8")) as Record<string, string[]>;
    expect(map.sources).toContain("../src/client.ts");
    expect(map.sourcesContent).toHaveLength(map.sources?.length ?? 0);
    for (const source of map.sourcesContent ?? []) expect(source.length).toBeGreaterThan(100);
  });

  test("has types that need no other package", async () => {
    for (const file of await readdir(installed("dist")))
      if (file.endsWith(".d.ts")) expect(await readFile(installed("dist", file), "utf8")).not.toMatch(/@signalbox\//);
  });
});

describe("in a bundle of an application, minified", () => {
  let code: string;
  beforeAll(async () => {
    const entry = join(folder, "application.js");
    const names = "{ createClient, SignalboxError }";
    await writeFile(entry, `import ${names} from "@signalbox/client";\nglobalThis.signalbox = ${names};\n`);
    const made = await build({
      root: folder,
      configFile: false,
      logLevel: "silent",
      build: { write: false, minify: true, modulePreload: false, rolldownOptions: { input: entry } },
    });
    if (!("output" in made)) throw new Error("the build made no output");
    code = made.output[0].code;
  });

  test("the SDK is smaller than its README promises, and as small as the README of the repository says", async () => {
    const { length } = gzipSync(code, { level: 9 });
    process.stdout.write(`the SDK: ${length} bytes minified and gzipped, ${code.length} minified\n`);
    expect(length).toBeLessThan(MAX_BYTES);
    const promise = await readFile(installed("README.md"), "utf8");
    expect(promise).toContain(`less than ${MAX_BYTES / 1024} KB (minified and gzipped)`);
    const readme = await readFile(join(ROOT, "README.md"), "utf8");
    const figure = /the SDK in a bundle, minified and gzipped \| (\d+\.\d) KB/.exec(readme)?.[1];
    expect(Math.abs(Number(figure) - length / 1024)).toBeLessThan(0.1);
  });

  test("an error prints as SignalboxError, uncaught and in a console", async () => {
    await writeFile(join(folder, "uncaught.js"), `${code}\nglobalThis.signalbox.createClient({});\n`);
    const uncaught: unknown = await run(process.execPath, ["uncaught.js"]).catch((error: unknown) => error);
    const message = "SignalboxError: createClient: invalid: no apiUrl: pass url, or both apiUrl and gatewayUrl";
    expect((uncaught as { stderr: string }).stderr).toContain(`\n${message}\n    at `);
    const logging = "try { globalThis.signalbox.createClient({}) } catch (error) { console.log(error) }";
    await writeFile(join(folder, "console.js"), `${code}\n${logging}\n`);
    expect((await run(process.execPath, ["console.js"])).stdout).toMatch(new RegExp(`^${message}\n {4}at `));
  });
});

describe("in a project of its own, the package", () => {
  const SCRIPT = `
    import { createClient, SignalboxError } from "@signalbox/client";
    const client = createClient({ url: "http://127.0.0.1:1", WebSocket: class {} });
    const error = await client.rooms.list().catch((reason) => reason);
    console.log(typeof client.realtime.sendMessage, error instanceof SignalboxError, error.code);
  `;

  // Vite and other bundlers follow the condition "development": it must not lead to sources that are not there.
  test.each([[[]], [["development"]]])("runs, under the conditions %j", async (conditions) => {
    await writeFile(join(folder, "script.js"), SCRIPT);
    const flags = conditions.map((condition) => `--conditions=${condition}`);
    const { stdout } = await run(process.execPath, [...flags, "script.js"]);
    expect(stdout).toBe("function true no_token\n");
  });

  test("crashes with lines that name its sources, and prints no page of code", async () => {
    await writeFile(join(folder, "crash.js"), 'import { createClient } from "@signalbox/client";\ncreateClient({});\n');
    const crash = async (...flags: string[]) =>
      (await run(process.execPath, [...flags, "crash.js"]).catch((error: { stderr: string }) => error)).stderr;
    const plain = await crash();
    expect(plain).toContain("createClient: invalid: no apiUrl");
    expect(plain.length).toBeLessThan(2000);
    expect(await crash("--enable-source-maps")).toMatch(/at createClient \(.*\/src\/client\.ts:\d+:\d+\)/);
  });

  const PROGRAM = `
    import { type Client, createClient, type Events, type MessageSent, SignalboxError } from "@signalbox/client";
    const client: Client = createClient({ url: "https://chat.example.org", WebSocket, fetch });
    const apart: Client = createClient({ apiUrl: "https://a.example.org", gatewayUrl: "https://b.example.org" });
    createClient({ url: "https://chat.example.org", apiUrl: "https://a.example.org" });
    client.setAuth(async () => "token");
    const off: () => void = client.realtime.on("message", (event) => {
      const { message, seq }: MessageSent = event;
      return message.length + seq;
    });
    const sent: Promise<MessageSent> = apart.realtime.sendMessage("chat", "text", { mentions: ["bob"] });
    sent.catch((reason: unknown) => reason instanceof SignalboxError && reason.code === "queue_full");
    const name: keyof Events = "roomState";
    off();
    // @ts-expect-error No such event.
    client.realtime.on("nothing", () => {});
    // @ts-expect-error A message is text.
    client.realtime.sendMessage("chat", 1);
    // @ts-expect-error An API alone.
    createClient({ apiUrl: "https://a.example.org" });
    export { name };
  `;

  test.each([
    ["nodenext", "nodenext"],
    ["esnext", "bundler"],
  ])("has types for programs of module %s, %s, with libraries checked", async (module, moduleResolution) => {
    const compilerOptions = {
      module,
      moduleResolution,
      target: "es2022",
      types: [],
      strict: true,
      exactOptionalPropertyTypes: true,
      skipLibCheck: false,
      noEmit: true,
    };
    await writeFile(join(folder, "program.ts"), PROGRAM);
    await writeFile(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, files: ["program.ts"] }));
    const tsc = join(ROOT, "node_modules", "typescript", "bin", "tsc");
    const failure = await run(process.execPath, [tsc, "--project", folder]).catch((error: { stdout: string }) => error);
    expect(failure.stdout).toBe("");
  });
});

test("the program in the README of the repository runs as it stands, on this Node", async () => {
  const readme = await readFile(join(ROOT, "README.md"), "utf8");
  const [program] = [...readme.matchAll(/^```js\n(.*?)^```/gms)].map(([, code = ""]) => code);
  expect(program).toContain("http://127.0.0.1:8080");
  const project = join(folder, "project");
  await mkdir(join(project, "node_modules"), { recursive: true });
  await symlink(join(ROOT, "node_modules", "ws"), join(project, "node_modules", "ws"));
  const dataDir = await mkdtemp(join(tmpdir(), "signalbox-pack-data-"));
  const node = await startNode({ kind: "standalone", env: { DATA_DIR: dataDir } });
  try {
    await writeFile(join(project, "hello.mjs"), program?.replace("http://127.0.0.1:8080", node.url) ?? "");
    const child = spawn(process.execPath, ["hello.mjs"], { cwd: project, timeout: 30_000 });
    const errors = text(child.stderr);
    const exited = once(child, "exit");
    let output = "";
    // It listens until it is stopped.
    for await (const chunk of child.stdout) {
      output += String(chunk);
      if (output.includes("\n")) child.kill();
    }
    await exited;
    expect([output, await errors]).toEqual(["alice: Hi Bob\n", ""]);
  } finally {
    await node.stop();
    await rm(dataDir, { recursive: true, force: true });
  }
});
