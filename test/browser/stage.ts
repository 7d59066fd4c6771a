/** What the browser tests stand on: a browser, the built page, and servers of either topology. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Cluster, startCluster } from "@signalbox/infra/cluster";
import { startNode } from "@signalbox/infra/node";
import { originsOf, startPage } from "@signalbox/infra/page";
import { buildPage } from "@signalbox/infra/page-build";
import { freePort } from "@signalbox/infra/redis-process";
import type { Browser, BrowserContextOptions } from "playwright-core";
import { openBrowser } from "./chromium.ts";
import { Window } from "./window.ts";

const progress = (line: string) => process.stderr.write(`${line}\n`);

export class Stage {
  readonly #ends: (() => Promise<unknown>)[] = [];
  readonly #windows: Window[] = [];
  #browser: Browser | undefined;
  #url = "";
  #cluster: Cluster | undefined;

  get cluster(): Cluster {
    if (this.#cluster === undefined) throw new Error("there is no cluster");
    return this.#cluster;
  }

  /** One process that is everything, with its page. */
  async standalone(): Promise<void> {
    await this.#open();
    const folder = await mkdtemp(join(tmpdir(), "signalbox-browser-"));
    this.#ends.push(() => rm(folder, { recursive: true, force: true }));
    const node = await startNode({ kind: "standalone", env: { DATA_DIR: folder } });
    this.#ends.push(() => node.stop());
    this.#url = node.url;
  }

  /** Two API nodes and two gateways, with a page on a port of its own. */
  async topology(): Promise<void> {
    await this.#open();
    const port = await freePort();
    const cluster = await startCluster({ env: { ALLOWED_ORIGINS: originsOf(port).join() } });
    this.#cluster = cluster;
    this.#ends.push(() => cluster.stop());
    const page = await startPage(cluster, port);
    this.#ends.push(() => page.close());
    this.#url = page.url;
  }

  async #open(): Promise<void> {
    await buildPage(progress);
    const browser = await openBrowser();
    this.#browser = browser;
    this.#ends.push(() => browser.close());
  }

  /** A new window, of a visitor whom the page does not know. */
  async window(options: BrowserContextOptions = {}): Promise<Window> {
    const window = await Window.open(this.#browser!, this.#url, options);
    this.#windows.push(window);
    return window;
  }

  /** Has `end` called when the servers end. */
  afterwards(end: () => Promise<unknown>): void {
    this.#ends.push(end);
  }

  /** Closes the windows. Throws when something went wrong in one of them. */
  async mend(): Promise<void> {
    const windows = this.#windows.splice(0);
    await Promise.all(windows.map((window) => window.close()));
    for (const window of windows) window.errorFree();
  }

  async stop(): Promise<void> {
    for (let end = this.#ends.pop(); end !== undefined; end = this.#ends.pop()) await end();
  }
}
