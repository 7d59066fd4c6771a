import { access, chmod, chown, constants, readFile, stat } from "node:fs/promises";
import { dirname } from "node:path";

/** The account that PostgreSQL runs as. */
export interface Account {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

/** The accounts for PostgreSQL under root, in order of preference. */
const UNPRIVILEGED = ["postgres", "nobody"];

/** The account for PostgreSQL: undefined for the account of this process, another one under root, which PostgreSQL refuses. */
export async function chooseAccount(): Promise<Account | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const lines = (await readFile("/etc/passwd", "utf8")).split("\n").map((line) => line.split(":"));
  for (const name of UNPRIVILEGED) {
    const line = lines.find(([each]) => each === name);
    if (line) return { name, uid: Number(line[2]), gid: Number(line[3]) };
  }
  throw new Error(
    "PostgreSQL does not run as root, and there is no account `postgres` or `nobody` to run it as: use another account",
  );
}

/** Rejects, with advice, when the account lacks the right to enter a folder above `path`. */
export async function requireReachable(path: string, account: Account | undefined): Promise<void> {
  if (!account) return access(path, constants.X_OK);
  for (let folder = path; folder !== dirname(folder); folder = dirname(folder)) {
    if (await enters(folder, account)) continue;
    throw new Error(
      `this process is root, so PostgreSQL runs as "${account.name}", which may not enter ${folder}: use another folder or account, or allow it with chmod o+x`,
    );
  }
}

/** Lets the account pass through `dir` to its own files inside; no other file there becomes readable. */
export const allowPassage = async (dir: string, account: Account | undefined): Promise<void> => {
  if (account && !(await enters(dir, account))) await chmod(dir, (await stat(dir)).mode | 0o001);
};

/** Gives `path` to the account. */
export const giveTo = async (path: string, account: Account | undefined): Promise<void> => {
  if (account) await chown(path, account.uid, account.gid);
};

async function enters(path: string, { uid, gid }: Account): Promise<boolean> {
  const { mode, uid: owner, gid: group } = await stat(path);
  if (owner === uid) return (mode & 0o100) !== 0;
  if (group === gid) return (mode & 0o010) !== 0;
  return (mode & 0o001) !== 0;
}
