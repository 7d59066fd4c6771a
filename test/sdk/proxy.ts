/** A TCP proxy between a client and a node that cuts, drops and rewrites. */
import { connect, createServer, type Server, type Socket } from "node:net";
import { listenOn } from "../support/loopback.ts";

/** `up` is from the client to the node. */
export type Way = "up" | "down";

interface Link {
  /** The ways on which bytes are dropped. */
  readonly silent: Set<Way>;
  cut(): void;
}

export class TcpProxy {
  /** True while new links are let through; otherwise they are cut at once. */
  admits = true;
  /** The number of links that it cut. */
  cuts = 0;
  /** Bytes that pass on each way before every link is cut. */
  readonly #left: Record<Way, number> = { up: Number.POSITIVE_INFINITY, down: Number.POSITIVE_INFINITY };
  readonly #links = new Set<Link>();
  readonly #server: Server;
  #url = "";
  readonly #target: () => string;
  readonly #rewrite: (chunk: Buffer) => Buffer;

  private constructor(target: () => string, rewrite: (chunk: Buffer) => Buffer) {
    this.#target = target;
    this.#rewrite = rewrite;
    this.#server = createServer((near) => this.#link(near));
  }

  /**
   * Listens on a free port. `target` gives the URL for each new link. `rewrite` may change the bytes that come down but not
   * their number; TCP decides where a chunk ends.
   */
  static async open(target: () => string, rewrite = (chunk: Buffer) => chunk): Promise<TcpProxy> {
    const proxy = new TcpProxy(target, rewrite);
    proxy.#url = await listenOn(proxy.#server);
    return proxy;
  }

  get url(): string {
    return this.#url;
  }

  /** The number of open links. */
  get links(): number {
    return this.#links.size;
  }

  /** Cuts every link. New ones are whole again. */
  cut(): void {
    this.#left.up = this.#left.down = Number.POSITIVE_INFINITY;
    this.cuts += this.#links.size;
    for (const link of [...this.#links]) link.cut();
  }

  /** Cuts every link after this many more bytes on this way. */
  cutAfter(bytes: number, way: Way): void {
    this.#left[way] = bytes;
  }

  /** Drops all bytes on this way of the open links, and leaves them open. */
  silence(way: Way): void {
    for (const link of this.#links) link.silent.add(way);
  }

  close(): void {
    this.admits = false;
    this.cut();
    this.#server.close();
  }

  #link(near: Socket): void {
    if (!this.admits) {
      near.destroy();
      return;
    }
    const { hostname, port } = new URL(this.#target());
    const far = connect(Number(port), hostname);
    const link: Link = {
      silent: new Set(),
      cut: () => {
        this.#links.delete(link);
        near.destroy();
        far.destroy();
      },
    };
    this.#links.add(link);
    for (const [from, to, way] of [
      [near, far, "up"],
      [far, near, "down"],
    ] as const) {
      from.setNoDelay();
      // "close" follows every error.
      from.on("error", () => {});
      from.on("close", link.cut);
      from.on("end", () => to.end());
      from.on("data", (chunk: Buffer) => {
        if (!link.silent.has(way)) this.#pass(chunk, from, to, way);
      });
    }
  }

  #pass(chunk: Buffer, from: Socket, to: Socket, way: Way): void {
    const left = this.#left[way];
    const passed = (way === "down" ? this.#rewrite(chunk) : chunk).subarray(0, left);
    this.#left[way] -= passed.length;
    if (passed.length < chunk.length || this.#left[way] === 0) {
      // Cut only after these bytes have left: nothing else may be lost.
      from.pause();
      to.write(passed, () => this.cut());
    } else if (!to.write(passed)) {
      from.pause();
      to.once("drain", () => from.resume());
    }
  }
}
