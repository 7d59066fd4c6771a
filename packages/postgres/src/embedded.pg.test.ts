import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Connection } from "./connection.ts";
import { type Embedded, startEmbedded } from "./embedded.ts";
import { postmaster } from "./postmaster.ts";

const STARTS_MS = 60_000;

let dir: string;
let server: Embedded | undefined;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "signalbox-embedded-"));
});
afterEach(async () => {
  await server?.stop();
  await rm(dir, { recursive: true, force: true });
});

/** Adds a row, and returns the number of rows. */
async function count(url: string): Promise<number> {
  const { sql, destroy } = open(url);
  await sql`create table if not exists kept (n int)`;
  await sql`insert into kept values (1)`;
  const rows = await sql`select from kept`;
  destroy();
  return rows.length;
}

function open(url: string) {
  const connection = new Connection(url, {});
  return { sql: connection.sql, destroy: () => connection.destroy() };
}

/** Starts a server in another process, which waits to be killed. */
async function startInChild() {
  const module = new URL("./embedded.ts", import.meta.url).href;
  const script = `import(${JSON.stringify(module)}).then(({ startEmbedded }) => startEmbedded({ dir: process.argv[1] })).then(({ url }) => console.log(url))`;
  const args = ["--conditions=development", "--import", "tsx", "-e", script, dir];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  const [line] = (await once(child.stdout, "data")) as [Buffer];
  return { child, url: line.toString().trim() };
}

test(
  "data outlives a stop, only this account can read the password, and it listens on the loopback only",
  async () => {
    server = await startEmbedded({ dir });
    expect(await count(server.url)).toBe(1);
    await Promise.all([server.stop(), server.stop()]);
    expect((await stat(join(dir, "postgres.password"))).mode & 0o777).toBe(0o600);
    server = await startEmbedded({ dir, settings: { work_mem: "5MB" } });
    expect(await count(server.url)).toBe(2);
    const { sql, destroy } = open(server.url);
    expect(
      await sql`select current_setting('listen_addresses') as a, current_setting('work_mem') as b, current_setting('fsync') as c`,
    ).toMatchObject([{ a: "127.0.0.1", b: "5MB", c: "on" }]);
    destroy();
  },
  STARTS_MS,
);

test(
  "an ephemeral one takes its folder along",
  async () => {
    server = await startEmbedded({ dir, ephemeral: true });
    await server.stop();
    await expect(stat(dir)).rejects.toThrow("ENOENT");
  },
  STARTS_MS,
);

test(
  "a server that a killed process left is shut down, and its data is kept",
  async () => {
    const { child, url } = await startInChild();
    expect(await count(url)).toBe(1);
    child.kill("SIGKILL");
    await once(child, "exit");
    expect(await count(url)).toBe(2);
    server = await startEmbedded({ dir });
    await expect(count(url)).rejects.toThrow();
    expect(await count(server.url)).toBe(3);
  },
  STARTS_MS,
);

test(
  "a server that a living process uses is left alone",
  async () => {
    const { child, url } = await startInChild();
    await expect(startEmbedded({ dir })).rejects.toThrow("another process uses this folder's PostgreSQL");
    expect(await count(url)).toBe(1);
    child.kill("SIGKILL");
    await once(child, "exit");
    server = await startEmbedded({ dir });
  },
  STARTS_MS,
);

test(
  "the record of a killed server blocks no start, even when its process id is another program's by now",
  async () => {
    server = await startEmbedded({ dir });
    const { pid } = (await postmaster(join(dir, "postgres")))!;
    const file = join(dir, "postgres", "postmaster.pid");
    const left = (await readFile(file, "utf8")).replace(String(pid), String(process.pid));
    await server.stop();
    await writeFile(file, left);
    server = await startEmbedded({ dir });
    expect(await count(server.url)).toBe(1);
  },
  STARTS_MS,
);

test(
  "a start that was killed half way leaves nothing half made",
  async () => {
    await writeFile(join(dir, "postgres.password"), "half");
    await writeFile(join(dir, "postgres.password.new"), "half");
    server = await startEmbedded({ dir });
    expect(await count(server.url)).toBe(1);
  },
  STARTS_MS,
);

test(
  "a server that cannot start rejects with the reason",
  async () => {
    await expect(startEmbedded({ dir, settings: { shared_buffers: "nonsense" } })).rejects.toThrow(
      /did not start: .*shared_buffers/,
    );
  },
  STARTS_MS,
);
