import { randomBytes, randomUUID } from "node:crypto";
import { link, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ConfigError } from "./config.ts";

/**
 * Reads the secret with which a standalone node without JWT_SECRET signs tokens, or makes it at the first start; its file
 * in `dir` is readable by its owner alone. Throws `ConfigError` when the file is damaged.
 */
export async function loadOrCreateSecret(dir: string): Promise<string> {
  const path = join(dir, "jwt-secret");
  await mkdir(dir, { recursive: true });
  const secret = (await read(path)) ?? (await make(path));
  if (Buffer.byteLength(secret) >= 32) return secret;
  throw new ConfigError("DATA_DIR holds a jwt-secret of less than 32 bytes: remove that file, and a new one is made");
}

async function read(path: string): Promise<string | undefined> {
  try {
    return (await readFile(path, "utf8")).trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/** Writes the file beside its place and links it there: of two first starts at once, the second takes the first one's secret. */
async function make(path: string): Promise<string> {
  const draft = `${path}.${randomUUID()}`;
  await writeFile(draft, randomBytes(48).toString("base64url"), { mode: 0o600, flag: "wx" });
  try {
    await link(draft, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  } finally {
    await rm(draft);
  }
  return (await readFile(path, "utf8")).trim();
}
