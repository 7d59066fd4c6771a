/** A network that does what a test wants: it stands between a client and a node. */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

/** `up` is from the client to the node. */
export type Way = "up" | "down";

interface Link {
  /** The ways on which nothing comes through. */
  readonly silent: Set<Way>;
  cut(): void;
}

export class TcpProxy {
  /** Whether new links are let through; otherwise they are cut as they come. */
  admits = true;
  /** How many links it cut. */
  cuts = 0;
  /** Bytes that go through each way before every link is cut. */
  readonly #left: Record<Way, number> = { up: Number.POSITIVE_INFINITY, down: Number.POSITIVE_INFINITY };
  readonly #links = new Set<Link>();
  readonly #server: Server;
  readonly #target: () => string;
  readonly #rewrite: (chunk: Buffer) => Buffer;

  private constructor(target: () => string, rewrite: (chunk: Buffer) => Buffer) {
    this.#target = target;
    this.#rewrite = rewrite;
    this.#server = createServer((near) => this.#link(near));
  }

  /**
   * Listens on a free port. `target` is asked for a URL with each new link. `rewrite` may change what comes down, not its length:
   * bytes are cut where TCP cuts them.
   */
  static async open(target: () => string, rewrite = (chunk: Buffer) => chunk): Promise<TcpProxy> {
    const proxy = new TcpProxy(target, rewrite);
    proxy.#server.listen(0, "127.0.0.1");
    await once(proxy.#server, "listening");
    return proxy;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Links that stand. */
  get links(): number {
    return this.#links.size;
  }

  /** Cuts every link. New ones are whole again. */
  cut(): void {
    this.#left.up = this.#left.down = Number.POSITIVE_INFINITY;
    this.cuts += this.#links.size;
    for (const link of [...this.#links]) link.cut();
  }

  /** Lets this many bytes more through on this way, then cuts. */
  cutAfter(bytes: number, way: Way): void {
    this.#left[way] = bytes;
  }

  /** Swallows what comes on this way on the links that stand, which go on standing. */
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
      // What went wrong is followed by "close".
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
      // Cut only when these bytes are on their way: nothing else is to be lost.
      from.pause();
      to.write(passed, () => this.cut());
    } else if (!to.write(passed)) {
      from.pause();
      to.once("drain", () => from.resume());
    }
  }
}
