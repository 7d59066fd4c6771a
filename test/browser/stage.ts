/** A browser, the built page, and servers of either topology. */
import { type Cluster, startCluster } from "@signalbox/infra/cluster";
import { originsOf, startPage } from "@signalbox/infra/page";
import { buildPage } from "@signalbox/infra/page-build";
import { freePort } from "@signalbox/infra/redis-process";
import type { Browser, BrowserContextOptions } from "playwright-core";
import { Cleanup } from "../support/cleanup.ts";
import { Standalone } from "../support/servers.ts";
import { openBrowser } from "./chromium.ts";
import { Window } from "./window.ts";

const progress = (line: string) => process.stderr.write(`${line}\n`);

export class Stage {
  readonly #cleanup = new Cleanup();
  readonly #windows: Window[] = [];
  #browser: Browser | undefined;
  #url = "";
  #cluster: Cluster | undefined;

  get cluster(): Cluster {
    if (this.#cluster === undefined) throw new Error("there is no cluster");
    return this.#cluster;
  }

  /** One process, with its page. */
  async standalone(): Promise<void> {
    await this.#open();
    const server = await Standalone.start();
    this.#cleanup.add(() => server.stop());
    this.#url = server.url;
  }

  /** Two API nodes and two gateways, with a page on a port of its own. */
  async topology(): Promise<void> {
    await this.#open();
    const port = await freePort();
    const cluster = await startCluster({ env: { ALLOWED_ORIGINS: originsOf(port).join() } });
    this.#cluster = cluster;
    this.#cleanup.add(() => cluster.stop());
    const page = await startPage(cluster, port);
    this.#cleanup.add(() => page.close());
    this.#url = page.url;
  }

  async #open(): Promise<void> {
    await buildPage(progress);
    const browser = await openBrowser();
    this.#browser = browser;
    this.#cleanup.add(() => browser.close());
  }

  /** A new window without a session. */
  async window(options: BrowserContextOptions = {}): Promise<Window> {
    const window = await Window.open(this.#browser!, this.#url, options);
    this.#windows.push(window);
    return window;
  }

  /** Has `end` called when the servers end. */
  afterwards(end: () => Promise<unknown>): void {
    this.#cleanup.add(end);
  }

  /** Closes the windows. Throws when one of them had an error. */
  async mend(): Promise<void> {
    const windows = this.#windows.splice(0);
    await Promise.all(windows.map((window) => window.close()));
    for (const window of windows) window.errorFree();
  }

  stop(): Promise<void> {
    return this.#cleanup.run();
  }
}
