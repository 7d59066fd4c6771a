/** One user's half of the console. */
import type { Locator, Page } from "playwright-core";

export class Pane {
  readonly root: Locator;

  constructor(page: Page, side: "a" | "b") {
    this.root = page.getByTestId(`pane-${side}`);
  }

  get composer(): Locator {
    return this.root.getByTestId("composer");
  }

  get typing(): Locator {
    return this.root.getByTestId("typing");
  }

  get events(): Locator {
    return this.root.getByTestId("events");
  }

  room(name: string): Locator {
    return this.root.getByTestId("room").filter({ hasText: name });
  }

  /** The message with exactly this text, not one that quotes it. */
  message(text: string): Locator {
    const words = this.root.page().locator(".text").getByText(text, { exact: true });
    return this.root.getByTestId("message").filter({ has: words });
  }

  /** As `message`, once it is stored. */
  stored(text: string): Locator {
    return this.message(text).and(this.root.locator("[data-message-id]"));
  }

  /** The texts of all messages, from the top. */
  said(): Promise<string[]> {
    return this.root.getByTestId("message").locator(".text").allInnerTexts();
  }

  /** Signs in with a name, which is the user id as well, at the gateway with this index if given. */
  async enters(name: string, gateway?: number): Promise<void> {
    await this.root.getByLabel("Name").fill(name);
    if (gateway !== undefined) await this.movesTo(gateway);
    await this.root.getByRole("button", { name: "Sign in" }).click();
    await this.connection("live");
  }

  async movesTo(gateway: number): Promise<void> {
    await this.root.getByTestId("gateway").selectOption(String(gateway));
  }

  async writes(text: string): Promise<void> {
    await this.composer.fill(text);
    await this.composer.press("Enter");
  }

  /** Sends a message, and resolves when it is stored. */
  async says(text: string): Promise<void> {
    await this.composer.fill(text);
    await this.root.getByTestId("send").click();
    await this.stored(text).waitFor();
  }

  /** Presses one of the buttons of a message. */
  async acts(text: string, button: "Reply" | "Edit" | "Delete" | "React"): Promise<void> {
    const message = this.message(text);
    await message.hover();
    await message.getByRole("button", { name: button, exact: true }).click();
  }

  async reacts(text: string, reaction: string): Promise<void> {
    await this.acts(text, "React");
    await this.message(text).getByRole("menuitem", { name: reaction }).click();
  }

  reaction(text: string, reaction: string): Locator {
    return this.message(text).getByTestId("reaction").filter({ hasText: reaction });
  }

  /** The avatar of a user below their last read message. */
  receipt(text: string, userId: string): Locator {
    return this.message(text).getByTestId(`receipt-${userId}`);
  }

  /** Resolves when a user is shown with this status. */
  async presence(userId: string, status: string): Promise<void> {
    await this.root.locator(`[data-testid="presence-${userId}"][data-status="${status}"]`).first().waitFor();
  }

  /** Resolves when the connection is in one of these states. */
  async connection(...states: readonly string[]): Promise<void> {
    const any = states.map((state) => `[data-testid="connection"][data-state="${state}"]`).join();
    await this.root.locator(any).waitFor();
  }
}
