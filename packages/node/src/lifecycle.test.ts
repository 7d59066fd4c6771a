import { EventEmitter } from "node:events";
import { expect, it } from "vitest";
import { ConfigError } from "./config.ts";
import { type Launch, launch, type NodeProcess } from "./lifecycle.ts";

/** A process that only notes how it ended. */
function host(env: Record<string, string> = {}) {
  const events = new EventEmitter();
  const printed: string[] = [];
  let exited = (_code: number): void => {};
  const exit = new Promise<number>((resolve) => {
    exited = resolve;
  });
  const fake: NodeProcess = {
    env: { LOG_LEVEL: "silent", ...env },
    stderr: { write: (line) => printed.push(line) },
    on: (event, listener) => events.on(event, listener),
    exit: (code) => exited(code),
  };
  return { fake, printed, exit, signal: (name: string, reason?: unknown) => events.emit(name, reason) };
}

it("ends on SIGTERM what was opened, last first, and exits 0", async () => {
  const { fake, exit, signal } = host();
  const ended: string[] = [];
  await launch(
    "standalone",
    async ({ onStop }) => {
      for (const name of ["store", "engine", "server"]) onStop(name, () => void ended.push(name));
    },
    fake,
  );
  signal("SIGTERM");
  expect(await exit).toBe(0);
  expect(ended).toEqual(["server", "engine", "store"]);
});

it("ends the others when one cannot be ended in order", async () => {
  const { fake, exit, signal } = host();
  let closed = false;
  const start = async ({ onStop }: Launch): Promise<undefined> => {
    onStop("store", () => {
      closed = true;
    });
    onStop("engine", () => Promise.reject(new Error("stuck")));
  };
  await launch("standalone", start, fake);
  signal("SIGINT");
  expect(await exit).toBe(0);
  expect(closed).toBe(true);
});

it("ends with the code of work that is done, and ends what that had opened", async () => {
  const { fake, exit } = host();
  let closed = false;
  const work = async ({ onStop }: Launch) => {
    onStop("store", () => {
      closed = true;
    });
    return 3;
  };
  await launch("standalone", work, fake);
  expect(await exit).toBe(3);
  expect(closed).toBe(true);
});

it("gives up waiting at a second signal", async () => {
  const { fake, exit, signal } = host();
  await launch("standalone", async ({ onStop }) => void onStop("server", () => new Promise(() => {})), fake);
  signal("SIGTERM");
  signal("SIGTERM");
  expect(await exit).toBe(1);
});

it("ends what a failed start had opened, and exits 1", async () => {
  const { fake, exit } = host();
  let closed = false;
  const start = async ({ onStop }: Launch) => {
    onStop("store", () => {
      closed = true;
    });
    throw new Error("the port is taken");
  };
  await launch("standalone", start, fake);
  expect(await exit).toBe(1);
  expect(closed).toBe(true);
});

it("prints one line and exits 1 when the config is wrong, at once or later", async () => {
  const wrong = host({ PORT: "many" });
  await launch("standalone", async () => expect.unreachable(), wrong.fake);
  expect(await wrong.exit).toBe(1);
  expect(wrong.printed).toEqual(["PORT takes a whole number from 0 to 65535\n"]);

  const later = host();
  await launch("standalone", () => Promise.reject(new ConfigError("DATA_DIR takes a folder")), later.fake);
  expect(await later.exit).toBe(1);
  expect(later.printed).toEqual(["DATA_DIR takes a folder\n"]);
});

it.each(["uncaughtException", "unhandledRejection"])("exits 1 on %s", async (event) => {
  const { fake, exit, signal } = host();
  await launch("standalone", async () => {}, fake);
  signal(event, new Error("nobody caught this"));
  expect(await exit).toBe(1);
});
