import { access, chmod, chown, constants, readFile, stat } from "node:fs/promises";
import { dirname } from "node:path";

/** The account that PostgreSQL runs as. */
export interface Account {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

/** Accounts to fall back on, the better first. */
const UNPRIVILEGED = ["postgres", "nobody"];

/** Whom PostgreSQL runs as: undefined for ourselves, another account when we are root, which it refuses. */
export async function account(): Promise<Account | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const lines = (await readFile("/etc/passwd", "utf8")).split("\n").map((line) => line.split(":"));
  for (const name of UNPRIVILEGED) {
    const line = lines.find(([each]) => each === name);
    if (line) return { name, uid: Number(line[2]), gid: Number(line[3]) };
  }
  throw new Error(
    "PostgreSQL does not run as root, and there is no account postgres or nobody to run it as: use another account",
  );
}

/** Rejects with a sentence that says what to do when `who` cannot get to `path`, for want of a right on a folder above it. */
export async function reachable(path: string, who: Account | undefined): Promise<void> {
  if (!who) return access(path, constants.X_OK);
  for (let folder = path; folder !== dirname(folder); folder = dirname(folder)) {
    if (await enters(folder, who)) continue;
    throw new Error(
      `we are root, so PostgreSQL runs as "${who.name}", who may not enter ${folder}: use another folder or account, or allow it with chmod o+x`,
    );
  }
}

/** Lets the account pass through `dir`, a folder of ours, to what belongs to it inside; nothing else in there becomes readable. */
export const letThrough = async (dir: string, who: Account | undefined): Promise<void> => {
  if (who && !(await enters(dir, who))) await chmod(dir, (await stat(dir)).mode | 0o001);
};

/** Makes `path` belong to the account. */
export const own = async (path: string, who: Account | undefined): Promise<void> => {
  if (who) await chown(path, who.uid, who.gid);
};

async function enters(path: string, { uid, gid }: Account): Promise<boolean> {
  const { mode, uid: owner, gid: group } = await stat(path);
  if (owner === uid) return (mode & 0o100) !== 0;
  if (group === gid) return (mode & 0o010) !== 0;
  return (mode & 0o001) !== 0;
}
