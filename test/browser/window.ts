/** A window of the browser with a page. Errors on the browser's console fail the test. */
import { mkdir } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import type { Browser, BrowserContextOptions, Locator, Page } from "playwright-core";
import { Pane } from "./pane.ts";

const SCREENSHOTS = fileURLToPath(new URL("../../.cache/screenshots/", import.meta.url));
/** In milliseconds: a user stays online for 5 s without a session, and two cores carry the whole test. */
const PATIENCE_MS = 20_000;
/** The most presses of Tab to reach an element. */
const TABS_MAX = 60;
/** The browser's own errors for a node that is away. */
const AWAY = /ERR_CONNECTION_(REFUSED|RESET|CLOSED)|ERR_EMPTY_RESPONSE|WebSocket connection to/;

export class Window {
  readonly page: Page;
  readonly #errors: string[] = [];
  #outage = false;

  private constructor(page: Page) {
    this.page = page;
    page.on("pageerror", (error) => this.#errors.push(String(error)));
    page.on("console", (message) => {
      if (message.type() === "error") this.#errors.push(`${message.text()} (${message.location().url})`);
    });
  }

  static async open(browser: Browser, url: string, options: BrowserContextOptions = {}): Promise<Window> {
    const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, ...options });
    context.setDefaultTimeout(PATIENCE_MS);
    const window = new Window(await context.newPage());
    await window.page.goto(url);
    return window;
  }

  pane(side: "a" | "b"): Pane {
    return new Pane(this.page, side);
  }

  async close(): Promise<void> {
    await this.page.context().close();
  }

  /** Permits the browser's own errors for a node that is away, from now on. */
  outage(): void {
    this.#outage = true;
  }

  /** Throws when the window had an error. */
  errorFree(): void {
    const errors = this.#errors.filter((error) => !(this.#outage && AWAY.test(error)));
    if (errors.length > 0) throw new Error(`the browser's console says:\n${errors.join("\n")}`);
  }

  /** Presses Tab until this has the focus. Throws when it never has. */
  async tabsTo(target: Locator): Promise<void> {
    for (let pressed = 0; pressed < TABS_MAX; pressed += 1) {
      if (await this.#focused(target)) return;
      await this.page.keyboard.press("Tab");
    }
    throw new Error(`${target} is not within ${TABS_MAX} presses of Tab`);
  }

  /** Resolves when this has the focus. */
  async hasFocus(target: Locator): Promise<void> {
    await target.and(this.page.locator(":focus")).waitFor();
  }

  async #focused(target: Locator): Promise<boolean> {
    return (await target.and(this.page.locator(":focus")).count()) > 0;
  }

  async screenshot(name: string): Promise<void> {
    await mkdir(SCREENSHOTS, { recursive: true });
    await this.page.screenshot({ path: `${SCREENSHOTS}${name}.png` });
  }

  /** The pixels by which it can be scrolled sideways. */
  overhang(): Promise<number> {
    return this.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth");
  }
}
