/**
 * Sends one command to a Redis server over a connection of its own: enough to build and watch a cluster without a
 * client library.
 */
import { connect } from "node:net";

/** The reply of `command` as text: a simple string, a number or a bulk string. Rejects with the server's error, or after 1 s. */
export function redisCommand(port: number, ...command: readonly (string | number)[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1");
    let received = "";
    const end = (finish: () => void) => {
      socket.destroy();
      finish();
    };
    socket.setEncoding("latin1");
    socket.setTimeout(1000, () => end(() => reject(new Error(`Redis on port ${port} does not answer`))));
    socket.on("error", (error) => end(() => reject(error)));
    socket.on("close", () => reject(new Error(`Redis on port ${port} closed the connection`)));
    socket.on("data", (chunk: string) => {
      received += chunk;
      const reply = parse(received);
      if (reply instanceof Error) end(() => reject(reply));
      else if (reply !== undefined) end(() => resolve(reply));
    });
    const parts = command.map((part) => `$${Buffer.byteLength(String(part))}\r\n${part}\r\n`);
    socket.write(`*${command.length}\r\n${parts.join("")}`);
  });
}

/** The reply, an error from the server, or undefined for an incomplete reply. Of an array, its first element. */
function parse(received: string): string | Error | undefined {
  const end = received.indexOf("\r\n");
  if (end < 0) return undefined;
  const head = received.slice(1, end);
  const body = received.slice(end + 2);
  switch (received[0]) {
    case "-":
      return new Error(head);
    case "*":
      return parse(body);
    case "$":
      return body.length >= Number(head) + 2 ? body.slice(0, Number(head)) : undefined;
    default:
      return head;
  }
}
