/** The package that `npm pack` makes of the SDK: small, complete, and usable without any other. */
import { execFile } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
/** The most bytes of the bundle, minified and gzipped. */
const MOST_BYTES = 12 * 1024;

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
  test("holds the bundle, its types and the README, and nothing else", async () => {
    const files = await readdir(installed(), { recursive: true });
    expect(new Set(await readdir(installed()))).toEqual(new Set(["README.md", "dist", "package.json"]));
    expect(files.filter((file) => file.startsWith("dist/") && !file.endsWith(".d.ts"))).toEqual(["dist/index.js"]);
    const packages = await readdir(join(folder, "node_modules"));
    expect(packages.filter((name) => !name.startsWith("."))).toEqual(["@signalbox"]);
    expect(await readdir(join(folder, "node_modules", "@signalbox"))).toEqual(["client"]);
  });

  test("is a bundle of less than 12 KB, minified and gzipped, that imports nothing", async () => {
    const bundle = await readFile(installed("dist", "index.js"));
    const { length } = gzipSync(bundle, { level: 9 });
    process.stdout.write(`the SDK: ${length} bytes gzipped, ${bundle.length} minified\n`);
    expect(length).toBeLessThan(MOST_BYTES);
    expect(bundle.toString("utf8")).not.toMatch(/\bimport\b|\brequire\b|\bprocess\b|\bBuffer\b/);
  });

  test("has types that need no other package", async () => {
    for (const file of await readdir(installed("dist")))
      if (file.endsWith(".d.ts")) expect(await readFile(installed("dist", file), "utf8")).not.toMatch(/@signalbox\//);
  });
});

describe("in a project of its own, the package", () => {
  const SCRIPT = `
    import { createClient, SignalboxError } from "@signalbox/client";
    const client = createClient({ url: "http://127.0.0.1:1", WebSocket: class {} });
    const error = await client.rooms.list().catch((reason) => reason);
    console.log(typeof client.realtime.sendMessage, error instanceof SignalboxError, error.code);
  `;

  // Vite and others follow "development" in packages: it must not lead to sources that are not there.
  test.each([[[]], [["development"]]])("runs, under the conditions %j", async (conditions) => {
    await writeFile(join(folder, "script.js"), SCRIPT);
    const flags = conditions.map((condition) => `--conditions=${condition}`);
    const { stdout } = await run(process.execPath, [...flags, "script.js"]);
    expect(stdout).toBe("function true no_token\n");
  });

  const PROGRAM = `
    import { type Client, createClient, type Events, type MessageSent, SignalboxError } from "@signalbox/client";
    const client: Client = createClient({ url: "https://chat.example.org", WebSocket, fetch });
    const apart: Client = createClient({ apiUrl: "https://a.example.org", gatewayUrl: "https://b.example.org" });
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
    // @ts-expect-error One URL, or two.
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
