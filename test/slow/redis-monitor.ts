/** The commands of a Redis, as MONITOR prints them. */
import { once } from "node:events";
import { connect } from "node:net";

/** One command, of a client or of a script. */
export interface Asked {
  /** Milliseconds since the epoch, by the server's clock. */
  readonly at: number;
  /** The client's address, or "lua". */
  readonly by: string;
  readonly words: readonly string[];
}

const LINE = /^\+(\d+\.\d+) \[\d+ (\S+)\] (.*)$/;
const WORD = /"((?:[^"\\]|\\.)*)"/g;

/** Listens at these ports while `meanwhile` runs; resolves with all commands, by time. */
export async function askedDuring(ports: readonly number[], meanwhile: () => Promise<void>): Promise<readonly Asked[]> {
  const asked: Asked[] = [];
  const sockets = await Promise.all(ports.map((port) => listen(port, (each) => asked.push(each))));
  try {
    await meanwhile();
  } finally {
    for (const socket of sockets) socket.destroy();
  }
  return asked.sort((a, b) => a.at - b.at);
}

async function listen(port: number, take: (asked: Asked) => void): Promise<{ destroy(): void }> {
  const socket = connect(port, "127.0.0.1").setEncoding("latin1");
  let rest = "";
  socket.on("data", (chunk: string) => {
    const lines = (rest + chunk).split("\r\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      const [, at, by, command] = LINE.exec(line) ?? [];
      if (command === undefined) continue;
      take({ at: Number(at) * 1000, by: by!, words: [...command.matchAll(WORD)].map(([, word]) => word!) });
    }
  });
  socket.write("MONITOR\r\n");
  // After its "OK" no command is missed.
  await once(socket, "data");
  return socket;
}
