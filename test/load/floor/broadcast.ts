/**
 * The floor of fan-out and of idle sessions, as a child process: sockets that `ws` opened, with the least work on them. Each
 * message of the one sender is framed once and written to every socket. No rooms, no presence, no JSON, no Redis. Nothing of
 * the product runs here, so that the floor stays the same when the product changes.
 */
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { type WebSocket, WebSocketServer } from "ws";
import { serve } from "../children.ts";
import { FLOOR_ROOM, SENDER_PATH } from "./plan.ts";

/** The gateway's longest window, from the end of the last write on as there. */
const WINDOW_MS = 6;
/** A socket with more unread bytes is too slow, and is ended. */
const LARGEST_BACKLOG = 4 << 20;

/** The questions that the floor process answers. */
export interface FloorCalls {
  /** Serves on a free port of 127.0.0.1. */
  listen(nothing: undefined): Promise<{ readonly url: string; readonly pid: number }>;
}

class Broadcast {
  readonly #sockets = new Set<Duplex>();
  #frames: Buffer[] = [];
  #planned = false;
  #endedAt = 0;

  add(socket: Duplex): void {
    this.#sockets.add(socket);
    socket.once("close", () => this.#sockets.delete(socket));
    socket.write(frame(Buffer.from(JSON.stringify({ type: "READY", rooms: { [FLOOR_ROOM]: "0-00000000" } }))));
  }

  /** Writes the payload to every socket as a text frame, together with others of the same window. */
  send(payload: Buffer): void {
    this.#frames.push(frame(payload));
    if (this.#planned) return;
    this.#planned = true;
    const rest = WINDOW_MS - (performance.now() - this.#endedAt);
    if (rest <= 0.5) setImmediate(() => this.#flush());
    else setTimeout(() => this.#flush(), rest);
  }

  #flush(): void {
    const bytes = Buffer.concat(this.#frames);
    this.#frames = [];
    this.#planned = false;
    for (const socket of this.#sockets) {
      if (socket.writableLength > LARGEST_BACKLOG) socket.destroy();
      else socket.write(bytes);
    }
    this.#endedAt = performance.now();
  }
}

/** A text frame as a server sends it: final, not masked. `payload` has less than 64 KiB. */
function frame(payload: Buffer): Buffer {
  const { length } = payload;
  const head = length < 126 ? [0x81, length] : [0x81, 126, length >> 8, length & 255];
  return Buffer.concat([Buffer.from(head), payload]);
}

const broadcast = new Broadcast();
const sockets = new WebSocketServer({ noServer: true, clientTracking: false, perMessageDeflate: false });
const server = createServer();

const take = (message: Buffer): void => broadcast.send(message);
function accept(ws: WebSocket, socket: Duplex, { url }: IncomingMessage): void {
  // No work is left: `ws` closes the socket by itself.
  ws.on("error", () => {});
  if (url === SENDER_PATH) ws.on("message", take);
  else broadcast.add(socket);
}

server.on("upgrade", (request, socket, head) => {
  sockets.handleUpgrade(request, socket, head, (ws) => accept(ws, socket, request));
});

/** Collects garbage and returns free memory, as a node does. */
process.on("SIGUSR2", () => {
  setFlagsFromString("--expose-gc");
  runInNewContext("gc")({ type: "major", execution: "sync", flavor: "last-resort" });
});

serve<FloorCalls>({
  listen: () =>
    new Promise((resolve, reject) => {
      server.once("error", reject);
      server.listen(0, "127.0.0.1", () => {
        const { port } = server.address() as AddressInfo;
        resolve({ url: `ws://127.0.0.1:${port}`, pid: process.pid });
      });
    }),
});
