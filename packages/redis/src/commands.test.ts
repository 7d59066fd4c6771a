import type { PresenceTiming } from "@signalbox/core/ports/presence-registry";
import { expect, test } from "vitest";
import { Commands, load } from "./commands.ts";
import { BUCKETS, bucketOf } from "./keys.ts";
import { RedisPresence } from "./presence.ts";
import type { Topology } from "./topology.ts";

const TIMING: PresenceTiming = { graceMs: 1, idleMs: 1, holdMs: 1, keepMs: 1 };
const script = load("end_lease");
const unavailable = { name: "Problem", code: "unavailable" };

interface Call {
  readonly command: "evalsha" | "eval";
  readonly key: string;
  readonly args: readonly unknown[];
}

/** A server that answers with `answer`, and records the commands that it gets. */
function serverThat(answer: (call: Call, count: number) => unknown) {
  const calls: Call[] = [];
  const logged: (string | undefined)[] = [];
  let refreshed = 0;
  const command =
    (name: Call["command"]) =>
    async (_: string, count: number, ...rest: readonly unknown[]) => {
      const call = { command: name, key: String(rest[0]), args: rest.slice(count) };
      calls.push(call);
      return answer(call, calls.length);
    };
  const batched = { evalsha: command("evalsha"), eval: command("eval") };
  const topology = {
    owner: () => ({ commands: { up: true, batched } }),
    refresh: async () => void refreshed++,
  } as unknown as Topology;
  const commands = new Commands(topology, (_, error) => void logged.push(error?.message));
  return { commands, calls, logged, refreshed: () => refreshed };
}

const fail = (message: string): never => {
  throw new Error(message);
};

test("a script that the server has not seen is sent as text", async () => {
  const { commands, calls } = serverThat(({ command }) => (command === "eval" ? "done" : fail("NOSCRIPT No script")));
  expect(await commands.run(script, ["key"], ["node"])).toBe("done");
  expect(calls).toEqual([
    { command: "evalsha", key: "key", args: ["node"] },
    { command: "eval", key: "key", args: ["node"] },
  ]);
});

test("a command follows its key to another server once", async () => {
  const moved = serverThat((_, count) => (count === 1 ? fail("MOVED 1 host:1") : "done"));
  expect(await moved.commands.run(script, ["key"], [])).toBe("done");
  expect(moved.refreshed()).toBe(1);
  const lost = serverThat(() => fail("MOVED 1 host:1"));
  await expect(lost.commands.run(script, ["key"], [])).rejects.toMatchObject(unavailable);
  expect(lost.calls).toHaveLength(2);
});

test("the error of a server goes to the log alone", async () => {
  const { commands, logged } = serverThat(() => fail("OOM quoting something"));
  const refused = commands.run(script, ["key"], []);
  await expect(refused).rejects.toMatchObject(unavailable);
  await expect(refused).rejects.not.toThrow(/OOM|quoting/);
  expect(logged).toEqual(["OOM quoting something"]);
});

test("too many commands under way are refused, until some were answered", async () => {
  let answerAll = () => {};
  const answered = new Promise<void>((resolve) => {
    answerAll = resolve;
  });
  const { commands } = serverThat(() => answered);
  const running = Array.from({ length: 10_000 }, () => commands.run(script, ["key"], []));
  await expect(commands.run(script, ["key"], [])).rejects.toMatchObject(unavailable);
  answerAll();
  await Promise.all(running);
  await commands.run(script, ["key"], []);
});

test("a call of presence runs one script per bucket, and very many users take several rounds", async () => {
  const { commands, calls } = serverThat(() => []);
  const registry = new RedisPresence(commands, TIMING);
  const activities = Array.from({ length: 6000 }, (_, number) => ({ userId: `user-${number}`, idleForMs: 0 }));
  expect(await registry.touch(activities)).toEqual([]);
  expect(calls).toHaveLength(2 * BUCKETS);
  const groups = calls.map(({ args }): { userId: string }[] => JSON.parse(String(args[1])));
  expect(groups.every((group) => new Set(group.map(({ userId }) => bucketOf(userId))).size === 1)).toBe(true);
  expect(groups.slice(0, BUCKETS).flat()).toHaveLength(5000);
  expect(groups.flat()).toHaveLength(6000);
});

test("a user that enters an ended node is refused", async () => {
  const { commands } = serverThat(() => null);
  const arrival = { userId: "ada", choice: "online", choiceVersion: 1, idleForMs: 0 } as const;
  await expect(new RedisPresence(commands, TIMING).enter("node", [arrival])).rejects.toMatchObject(unavailable);
});
