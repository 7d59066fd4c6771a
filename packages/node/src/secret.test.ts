import { mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { ConfigError } from "./config.ts";
import { loadOrCreateSecret } from "./secret.ts";

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "signalbox-secret-"));
});
afterEach(() => rm(dir, { recursive: true }));

it("makes a secret once and keeps it for its owner alone", async () => {
  const place = join(dir, "new");
  const secret = await loadOrCreateSecret(place);
  expect(Buffer.byteLength(secret)).toBeGreaterThanOrEqual(32);
  expect(await loadOrCreateSecret(place)).toBe(secret);
  const [file, ...others] = await readdir(place);
  expect(others).toEqual([]);
  expect((await stat(join(place, file ?? ""))).mode & 0o777).toBe(0o600);
});

it("gives two first starts at once the same secret", async () => {
  const secrets = await Promise.all(Array.from({ length: 8 }, () => loadOrCreateSecret(dir)));
  expect(new Set(secrets).size).toBe(1);
  expect(await readdir(dir)).toHaveLength(1);
});

it("refuses a kept secret that was cut short", async () => {
  await writeFile(join(dir, "jwt-secret"), "short");
  await expect(loadOrCreateSecret(dir)).rejects.toThrow(ConfigError);
});
